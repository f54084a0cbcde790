import { marksOf, type Mark } from './invariant-rules.ts';
import {
  advanced,
  type AttributesOf,
  type CheckedEvent,
  initialCheckState,
  type InvariantState,
  type PolicyOf,
} from './invariant-state.ts';

/** safety-audit.md §2, in its order. */
export const invariantIds = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10'] as const;
export type InvariantId = (typeof invariantIds)[number];

/** What each of them says. */
export const invariantRules: Readonly<Record<InvariantId, string>> = {
  I1: 'Every output has an earlier decision or recorded skip for the same loop_iteration, on the same content.',
  I2: 'Nothing stands after the item that ended the run but what may follow it.',
  I3: 'What was let pass was found safe and no step of its check failed, unless the record names the exception.',
  I4: 'Every policy that is referred to was published before.',
  I5: 'Recorded times and places in the log never go back.',
  I6: 'The stages stand in their order, and stage_iteration counts 1, 2, 3 … without gaps.',
  I7: 'An override has a person with the right role and a reason of 10 characters or more, and never lifts a law-based block for kids or youth.',
  I8: 'The counts of the item that ended the run are those of the record.',
  I9: 'Every payload opens its commitment, unless it is erased.',
  I10: 'Sequence numbers are contiguous and the chain of hashes is unbroken.',
};

/** `unproven`: nothing contradicts the rule, but what is recorded does not prove it either. It is no violation. */
export type InvariantStatus = 'pass' | 'fail' | 'unproven';

export type InvariantResult = {
  readonly id: InvariantId;
  readonly rule: string;
  readonly status: InvariantStatus;
  /** Sequence numbers of the items that break it, the first 1,000 in order; `offences` is how many there are. */
  readonly offending: readonly number[];
  readonly offences: number;
  /** Sequence numbers of the items that leave it unproven, the first 1,000; `unproven_items` is how many there are. */
  readonly unproven: readonly number[];
  readonly unproven_items: number;
  /** One sentence: what was found first, or over how much it holds. */
  readonly detail: string;
};

/** Sequence numbers that are listed of one invariant; those beyond are only counted. */
const maxListed = 1_000;

/**
 * The invariants I1–I10 over the events of one run, in order of their stream: call `see` once an event, then `report`.
 * Pure, and without any package at run time: `import type` only from src/events, but for digest.ts, time.ts and upcast.ts.
 *
 * - `attributesOf(type)`: the catalogue's `{stage, kind, effect, afterTerminal}` of a *stored* type (upcast it first),
 *   undefined for an unknown one. Here `(type) => catalogued(upcastType(type))`.
 * - `policyOf(reference, event)`: what is known of a policy `{id, version, sha256}` at this event: `{isPublished: true,
 *   lawLists}` where exactly this version was published before it, `{isPublished: false}` where it was not, undefined where
 *   nobody can tell.
 * - `saved`: the `state()` of a check that saw the events before, plain JSON; it is copied, never changed.
 *
 * Time and space are linear: O(1) an event, and a few words for each output and each decision.
 */
export function createInvariantCheck(
  reading: { readonly attributesOf: AttributesOf; readonly policyOf: PolicyOf },
  saved: SavedCheck = { state: initialCheckState, marks: {} },
): InvariantCheck {
  const state = structuredClone(saved.state) as InvariantState;
  const marks = structuredClone(saved.marks) as Record<string, Tally>;
  const note = ({ id, as, detail }: Mark, seq: number): void => {
    const tally = (marks[id] ??= { broken: noFindings(), unproven: noFindings() });
    const found = tally[as];
    found.count += 1;
    found.detail ??= detail;
    if (found.listed.length < maxListed) found.listed.push(seq);
  };
  return {
    see: (event) => {
      const attributes = reading.attributesOf(event.core.type);
      const seen = { event, attributes, policyOf: reading.policyOf };
      for (const mark of marksOf(state, seen)) note(mark, event.core.seq);
      advanced(state, seen);
    },
    unreadable: (seq, why) => {
      note({ id: 'I10', as: 'broken', detail: `Item ${seq} cannot be read: ${why}.` }, seq);
      state.last = { seq, hash: null, known: state.last?.known ?? null };
    },
    state: () => structuredClone({ state, marks }),
    report: () => invariantIds.map((id) => resultOf(id, state, marks[id])),
  };
}

export type InvariantCheck = {
  /** The next event of the run. */
  readonly see: (event: CheckedEvent) => void;
  /** An event whose bytes are there but do not say what it is; `why` without a full stop. */
  readonly unreadable: (seq: number, why: string) => void;
  readonly state: () => SavedCheck;
  /** One result for each invariant, I1 first, over the events so far. */
  readonly report: () => readonly InvariantResult[];
};

type Findings = { count: number; listed: number[]; detail: string | null };
type Tally = { readonly broken: Findings; readonly unproven: Findings };
const noFindings = (): Findings => ({ count: 0, listed: [], detail: null });

/** Plain JSON. */
export type SavedCheck = {
  readonly state: Readonly<InvariantState>;
  readonly marks: Readonly<Record<string, Tally>>;
};

function resultOf(
  id: InvariantId,
  state: Readonly<InvariantState>,
  tally: Tally | undefined,
): InvariantResult {
  const broken = tally?.broken ?? noFindings();
  const unproven = tally?.unproven ?? noFindings();
  const lacking = broken.count + unproven.count === 0 ? wholeRunLacks(id, state) : undefined;
  const more = (count: number): string => (count > 1 ? ` (and ${count - 1} more)` : '');
  const status =
    broken.count > 0 ? 'fail' : unproven.count > 0 || lacking !== undefined ? 'unproven' : 'pass';
  const detail =
    broken.detail !== null
      ? broken.detail + more(broken.count)
      : unproven.detail !== null
        ? unproven.detail + more(unproven.count)
        : (lacking ?? holdsOver(id, state));
  return {
    id,
    rule: invariantRules[id],
    status,
    offending: [...broken.listed],
    offences: broken.count,
    unproven: [...unproven.listed],
    unproven_items: unproven.count,
    detail,
  };
}

/** What only the end of the reading shows: kept history that never held what would prove the rule. */
function wholeRunLacks(id: InvariantId, state: Readonly<InvariantState>): string | undefined {
  if (state.origin === 'own' || state.events === 0) return undefined;
  const isTold = id === 'I4' ? state.references > 0 : id !== 'I3';
  if (state.checks === 0 && !isTold)
    return 'The record holds no check at all: whether any was made, and how it ended, is not told.';
  if (id === 'I6' && !state.hasStart) return 'The record does not begin with the start of a run.';
  if (id === 'I8' && state.origin === 'import' && state.terminal === null)
    return 'Nothing ended this record, so no count says how many items there were.';
  return undefined;
}

function holdsOver(id: InvariantId, state: Readonly<InvariantState>): string {
  switch (id) {
    case 'I1':
      return `${state.outputs} outputs.`;
    case 'I3':
      return `${state.checks} checks.`;
    case 'I4':
      return `${state.references} references to a policy.`;
    case 'I6':
      return `${state.iteration} iterations, ${Object.keys(state.loops).length} outputs in stages 3 and 4.`;
    case 'I7':
      return `${state.overrides} overrides.`;
    case 'I8':
      return state.terminal === null ? 'The run is open.' : `The run ended with item ${state.terminal}.`;
    case 'I9':
      return `${state.payloads} payloads, of which ${state.erased} are erased.`;
    case 'I2':
    case 'I5':
    case 'I10':
      return `${state.events} items.`;
  }
}
