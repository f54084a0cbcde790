import { ladderOf, pinnedPolicy, plannedOutputs } from '../audit/ladder.ts';
import { isLedgerError } from '../errors.ts';
import { safetyLevel } from '../events/decision.ts';
import type { LedgerEvent } from '../events/envelope.ts';
import type { RunLadder } from '../http/service.ts';
import type { Gap } from '../queries/as-of.ts';
import { type ActivePolicy, type PolicyReference, visionAt } from '../safety/policy.ts';
import { eventsOf, type ReplaySource, type Until } from './replay.ts';

type Source = ReplaySource & {
  readonly policyOf: (reference: PolicyReference) => Promise<ActivePolicy | undefined>;
};

/** Reads a run and ladders its checks; undefined where there was nothing of it. */
export async function ladderOfRun(
  source: Source,
  executionId: string,
  until: Until,
  signal: AbortSignal,
): Promise<RunLadder | undefined> {
  const events: LedgerEvent[] = [];
  for await (const { event } of eventsOf(source, executionId, until, signal)) events.push(event);
  const last = events.at(-1);
  if (last === undefined) return undefined;
  const reference = pinnedPolicy(events);
  const policy = reference === undefined ? undefined : await knownPolicy(source, reference);
  const level = safetyLevel.safeParse(
    events.find(({ core }) => core.facts?.['safety_level'] !== undefined)?.core.facts?.['safety_level'],
  ).data;
  const outputs = plannedOutputs(events);
  const looksAtPictures =
    policy === undefined || level === undefined ? null : visionAt(policy.document, level) !== undefined;
  return {
    sequenceNumber: last.core.seq,
    policy: reference ?? null,
    safetyLevel: level ?? null,
    gaps: gapsOf(events, { isPlanned: outputs.length > 0, isPolicyKnown: policy !== undefined }),
    rungs: ladderOf(events, { outputs, looksAtPictures }),
  };
}

async function knownPolicy(
  { policyOf }: Source,
  reference: PolicyReference,
): Promise<ActivePolicy | undefined> {
  try {
    return await policyOf(reference);
  } catch (error) {
    // A document that this release cannot apply says no more than one that is gone.
    if (!isLedgerError(error, 'POLICY_INVALID')) throw error;
    return undefined;
  }
}

function gapsOf(
  events: readonly LedgerEvent[],
  { isPlanned, isPolicyKnown }: { readonly isPlanned: boolean; readonly isPolicyKnown: boolean },
): Gap[] {
  const gaps: Gap[] = [];
  const erased = events.filter((event) => event.erased).length;
  if (erased > 0) {
    const detail = 'So many items have lost their content: their facts stand.';
    gaps.push({ reason: 'content_erased', count: erased, detail });
  }
  if (!isPlanned) {
    const detail = 'The start of this run lists no outputs: only those are shown of which an item speaks.';
    gaps.push({ reason: 'outputs_unknown', count: 1, detail });
  }
  if (!isPolicyKnown) {
    const detail =
      'The policy of this run is not known here: whether its pictures were to be looked at is open.';
    gaps.push({ reason: 'policy_unknown', count: 1, detail });
  }
  return gaps;
}
