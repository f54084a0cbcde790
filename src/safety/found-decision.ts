import { catalogued } from '../events/catalogue.ts';
import {
  decisionOutcome,
  type DecisionOutcome,
  respeltLevel,
  safetyLevel,
  type SafetyLevel,
} from '../events/decision.ts';
import type { LedgerEvent } from '../events/envelope.ts';

/** One safety decision of a run, with the refusal that followed from it. */
export type FoundDecision = {
  /** The event that decided: a check, a recorded skip, or a refusal that no recorded check stands before. */
  readonly event: LedgerEvent;
  readonly form: 'check' | 'skip' | 'refusal';
  readonly outcome: DecisionOutcome;
  /** The refusal, where it has an item: it holds what the person read. */
  readonly refusal: LedgerEvent | undefined;
  /** Null where nothing says under which level it was made. */
  readonly level: SafetyLevel | null;
};

type Form = FoundDecision['form'];

/** What of a run a decision is found in: its start, which names the level, its decisions, and what people said of them. */
export function isOfDecisions(type: string): boolean {
  const entry = catalogued(type);
  return entry?.effect === 'start' || entry?.kind === 'decision' || entry?.kind === 'review';
}

/**
 * The decision that an item is, or belongs to: a refusal belongs to the check that it follows from, so either of them
 * names the decision. Undefined for an item that decides nothing. `events` are of one run, in order. Pure, total.
 */
export function decisionAt(events: readonly LedgerEvent[], seq: number): FoundDecision | undefined {
  const named = events.find(({ core }) => core.seq === seq);
  const form = named === undefined ? undefined : formOf(named);
  if (named === undefined || form === undefined) return undefined;
  if (form === 'refusal') {
    const check = checkOf(events, named);
    return check === undefined ? found(events, named, form, named) : found(events, check, 'check', named);
  }
  const refusal = form === 'check' ? refusalOf(events, named) : undefined;
  return found(events, named, form, refusal);
}

/** Every decision of a run once, in order. */
export function decisionsIn(events: readonly LedgerEvent[]): readonly FoundDecision[] {
  return events.flatMap((event) => {
    const decision = formOf(event) === undefined ? undefined : decisionAt(events, event.core.seq);
    return decision?.event === event ? [decision] : [];
  });
}

/** By the catalogue alone: a check can record an enforcement, a skip and a refusal have their effect. */
function formOf({ type }: LedgerEvent): Form | undefined {
  const entry = catalogued(type);
  if (entry?.kind !== 'decision') return undefined;
  if (entry.facts.shape['enforcement'] !== undefined) return 'check';
  if (entry.effect === 'skip_check') return 'skip';
  const refuses = ['block_run', 'block_output', 'withhold_output'].includes(entry.effect);
  return refuses ? 'refusal' : undefined;
}

/** The refusing check that a refusal follows from: the one that it names, else the last before it in its place. */
function checkOf(events: readonly LedgerEvent[], refusal: LedgerEvent): LedgerEvent | undefined {
  const { facts, seq } = refusal.core;
  const checks = events.filter((event) => formOf(event) === 'check' && event.core.seq < seq);
  const byId = checks.find(({ core }) => core.id === facts?.['decided_by']);
  return byId ?? checks.findLast((check) => isSamePlace(check, refusal) && refuses(check));
}

function refusalOf(events: readonly LedgerEvent[], check: LedgerEvent): LedgerEvent | undefined {
  return events.find((event) => formOf(event) === 'refusal' && checkOf(events, event) === check);
}

const isSamePlace = ({ core: a }: LedgerEvent, { core: b }: LedgerEvent): boolean =>
  a.stage === b.stage && a.loop_iteration === b.loop_iteration;

const refuses = (check: LedgerEvent): boolean => outcomeOf(check, 'check').action === 'block';

function outcomeOf({ core }: LedgerEvent, form: Form): DecisionOutcome {
  if (form === 'check') return decisionOutcome(core.facts);
  return form === 'skip'
    ? { verdict: 'indeterminate', action: 'skip', basis: 'policy_skip' }
    : { verdict: 'indeterminate', action: 'block', basis: 'unknown' };
}

function found(
  events: readonly LedgerEvent[],
  event: LedgerEvent,
  form: Form,
  refusal: LedgerEvent | undefined,
): FoundDecision {
  const start = events.find(({ type }) => catalogued(type)?.effect === 'start');
  const named = [event, refusal, start].flatMap((one) => (one === undefined ? [] : [levelIn(one)]));
  const level = named.find((one) => one !== undefined) ?? null;
  return { event, form, outcome: outcomeOf(event, form), refusal, level };
}

function levelIn({ core, payload }: LedgerEvent): SafetyLevel | undefined {
  const given = core.facts?.['safety_level'] ?? payload?.metadata?.['safety_level'];
  return respeltLevel(given) ?? safetyLevel.safeParse(given).data;
}
