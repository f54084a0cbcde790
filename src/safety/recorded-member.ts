import type { z } from 'zod';
import { decisionRecord } from '../events/decision.ts';

type Shape = typeof decisionRecord.shape;

/**
 * One member of a decision record as facts hold it; undefined where it is not there or not of its form. Old and foreign
 * records have some members and not others, and each is worth reading.
 */
export function recordedMember<K extends keyof Shape>(
  facts: Readonly<Record<string, unknown>> | undefined,
  member: K,
): z.infer<Shape[K]> | undefined {
  const parsed = decisionRecord.shape[member].safeParse(facts?.[member]);
  return parsed.success ? (parsed.data as z.infer<Shape[K]>) : undefined;
}
