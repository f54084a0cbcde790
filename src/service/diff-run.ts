import { canonicalText } from '../events/canonical.ts';
import { catalogued } from '../events/catalogue.ts';
import { decisionOutcome } from '../events/decision.ts';
import type { LedgerEvent } from '../events/envelope.ts';
import { type ExecutionItem, mergeItem } from '../events/item.ts';
import { compareTimes } from '../events/time.ts';
import { LedgerError } from '../errors.ts';
import type { DiffOptions, RunChange, RunDiff } from '../http/time-machine-port.ts';
import { evolveRecord, headerOf, initialRecordState, type RecordState } from '../run/record.ts';
import { eventsOf, type ReplaySource, type Until } from './replay.ts';

/**
 * What became of a run between two moments, in one reading of its stream; the items of the page are all that is kept of
 * it. Undefined where nothing was known at `to`. Throws INVALID_REQUEST where `from` is the later moment.
 */
export async function diffRun(
  source: ReplaySource,
  executionId: string,
  { from, to, what, limit, offset }: DiffOptions,
  signal: AbortSignal,
): Promise<RunDiff | undefined> {
  const initial: Standing = {
    record: initialRecordState(executionId),
    decisions: new Map(),
    items: 0,
  };
  let before = initial;
  let after = initial;
  let total = 0;
  const added: ExecutionItem[] = [];
  for await (const { event } of eventsOf(source, executionId, {}, signal)) {
    const wasKnown = from !== undefined && isKnownAt(event, from);
    const isKnown = isKnownAt(event, to);
    if (wasKnown && !isKnown) throw swapped();
    if (!isKnown) continue;
    after = advance(after, event);
    if (wasKnown) before = advance(before, event);
    else if (what === 'run' || isOfDecisions(event)) {
      total += 1;
      if (total > offset && added.length < limit)
        added.push(mergeItem(event.core, event.payload, event.erased));
    }
  }
  if (after.items === 0) return undefined;
  const changes =
    what === 'run' ? changedMembers(before, after) : changedDecisions(before.decisions, after.decisions);
  return { items: { from: before.items, to: after.items }, changes, added, total };
}

/** By place: the decision that stands, and what was last said of it. */
type Decisions = ReadonlyMap<string, Readonly<Record<string, unknown>>>;
type Standing = { readonly record: RecordState; readonly decisions: Decisions; readonly items: number };

function isKnownAt({ core }: LedgerEvent, { seq, time }: Until): boolean {
  if (seq !== undefined && core.seq > seq) return false;
  return time === undefined || compareTimes(core.recorded ?? core.time, time) <= 0;
}

const swapped = (): LedgerError =>
  new LedgerError('INVALID_REQUEST', {
    what: 'from is later than to',
    cure: 'send the earlier moment as from',
  });

const isOfDecisions = ({ type }: LedgerEvent): boolean => {
  const kind = catalogued(type)?.kind;
  return kind === 'decision' || kind === 'review';
};

function advance(state: Standing, event: LedgerEvent): Standing {
  return {
    record: evolveRecord(state.record, event),
    decisions: isOfDecisions(event) ? withDecision(state.decisions, event) : state.decisions,
    items: state.items + 1,
  };
}

function withDecision(decisions: Decisions, { type, core }: LedgerEvent): Decisions {
  if (catalogued(type)?.kind === 'review') {
    const found = [...decisions].find(([, { id }]) => id === core.facts?.['decision']);
    if (found === undefined) return decisions;
    const review = { sequence_number: core.seq, judgement: core.facts?.['judgement'] ?? null };
    return new Map(decisions).set(found[0], { ...found[1], review });
  }
  const place = [`stage ${core.stage ?? 0}`, core.loop_iteration && `output ${core.loop_iteration}`, type];
  return new Map(decisions).set(place.filter(Boolean).join(', '), {
    sequence_number: core.seq,
    id: core.id,
    ...decisionOutcome(core.facts),
    policy: core.facts?.['policy'] ?? null,
    review: null,
  });
}

/** Nothing was told before the run began: then each member was null. */
function changedMembers(before: Standing, after: Standing): readonly RunChange[] {
  const known = after.items === 0 ? {} : headerMembers(after);
  const once = before.items === 0 ? {} : headerMembers(before);
  return Object.keys(known)
    .map((member) => ({ member, before: once[member] ?? null, after: known[member] ?? null }))
    .filter(isChanged);
}

const headerMembers = ({ record }: Standing): Readonly<Record<string, unknown>> => ({ ...headerOf(record) });

const changedDecisions = (before: Decisions, after: Decisions): readonly RunChange[] =>
  [...after]
    .map(([member, standing]) => ({ member, before: before.get(member) ?? null, after: standing }))
    .filter(isChanged);

const isChanged = ({ before, after }: RunChange): boolean => canonicalText(before) !== canonicalText(after);
