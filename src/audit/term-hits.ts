import { z } from 'zod';
import type { Payload } from '../events/core.ts';

const foundAt = z.array(z.object({ list: z.string(), term: z.string() }));
const foundTerms = z.array(z.string());

/**
 * The terms that the fast filter hit, each once, with its list where the payload says it (`-` where not). None where the
 * payload was erased. Total.
 */
export function checkedTermsOf(payload: Payload | null): readonly (readonly [list: string, term: string])[] {
  const { metadata } = payload ?? {};
  const hits = foundAt.safeParse(metadata?.['found_at']);
  const pairs = hits.success
    ? hits.data.map(({ list, term }) => [list, term] as const)
    : (foundTerms.safeParse(metadata?.['found_terms']).data ?? []).map((term) => ['-', term] as const);
  return [...new Map(pairs.map((pair) => [pair.join('\0'), pair])).values()];
}
