import { z } from 'zod';
import { catalogued } from '../events/catalogue.ts';
import { decisionRecord } from '../events/decision.ts';
import type { LedgerEvent } from '../events/envelope.ts';
import { isLedgerError, LedgerError } from '../errors.ts';
import { isExecutionId } from '../run/execution-id.ts';
import { decisionAt, type FoundDecision, isOfDecisions } from '../safety/found-decision.ts';
import type { ActivePolicy, PolicyReference } from '../safety/policy.ts';
import { eventsOf, type ReplaySource } from './replay.ts';

/** What a run says about its decisions, and how far it had come. */
export type RunDecisions = {
  /** Its start, its decisions and their reviews, in order. */
  readonly events: readonly LedgerEvent[];
  /** Revision of the last event. */
  readonly version: number;
};

/** As the run is, or as it stood after item `seq`. Throws EXECUTION_NOT_FOUND. */
export async function decisionsOfRun(
  source: ReplaySource,
  executionId: string,
  signal: AbortSignal,
  seq?: number,
): Promise<RunDecisions> {
  const events: LedgerEvent[] = [];
  let version = -1;
  if (isExecutionId(executionId)) {
    for await (const { event } of eventsOf(source, executionId, { seq }, signal)) {
      version = event.core.seq - 1;
      if (isOfDecisions(event.type)) events.push(event);
    }
  }
  if (version === -1) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
  return { events, version };
}

/** The decision that a sequence number names. Throws DECISION_NOT_FOUND. */
export function decisionNamed({ events }: RunDecisions, executionId: string, seq: number): FoundDecision {
  const decision = decisionAt(events, seq);
  if (decision === undefined) throw new LedgerError('DECISION_NOT_FOUND', { execution_id: executionId, seq });
  return decision;
}

/** What people said of a run's decisions, in order. */
export const reviewsIn = ({ events }: RunDecisions): readonly LedgerEvent[] =>
  events.filter(({ type }) => catalogued(type)?.kind === 'review');

export type PolicyOf = (reference: PolicyReference) => Promise<ActivePolicy | undefined>;

/**
 * The very policy that a decision was made under: the one that it names, by its digest. Undefined where it names none,
 * and where that one is not here, is erased, or cannot be read by this release: nothing is put in its place.
 */
export async function policyOfDecision(
  { event }: FoundDecision,
  policyOf: PolicyOf,
): Promise<ActivePolicy | undefined> {
  const reference = referenceIn(event);
  if (reference === undefined) return undefined;
  try {
    return await policyOf(reference);
  } catch (error) {
    if (!isLedgerError(error, 'POLICY_INVALID')) throw error;
    return undefined;
  }
}

const naming = z.object({ policy: decisionRecord.shape.policy });
const referenceIn = ({ core }: LedgerEvent): PolicyReference | undefined =>
  naming.safeParse(core.facts).data?.policy;
