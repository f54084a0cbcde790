import type { CatalogueEntry } from '../events/catalogue-entry.ts';
import type { Core } from '../events/core.ts';
import {
  type CheckOutcome,
  checkOutcome,
  type Facts,
  isObject,
  type JudgedContent,
  judgedContent,
  letsPass,
  objectsOf,
} from './check-outcome.ts';

/** One event of a run as whoever checks it has read it. */
export type CheckedEvent = {
  readonly core: Core;
  /** Base64 of SHA-256(0x00 ‖ E), made anew from the bytes that were read. */
  readonly hash: string;
  /** `undisclosed`: committed to, but not shown to whoever checks; `broken`: shown, and not what was committed to. */
  readonly payload: 'none' | 'opens' | 'erased' | 'undisclosed' | 'broken';
  /** Does it stand behind the event before it in the whole log too? Undefined where the reader knows no places. */
  readonly follows?: boolean | undefined;
};

/** What the catalogue says of an item type, as far as the invariants ask. */
export type Attributes = Pick<CatalogueEntry, 'stage' | 'kind' | 'effect' | 'afterTerminal'>;
export type AttributesOf = (type: string) => Attributes | undefined;

export type PolicyReference = { readonly id: string; readonly version: number; readonly sha256: string };
/**
 * What is known of a policy when an event was recorded. `lawLists`: what its findings call a law – its lists of the scope
 * `law` or with a `reference`, and the taxonomy of its `law_checker`, by id; undefined where its document is erased.
 */
export type PolicyKnowledge =
  | { readonly isPublished: true; readonly lawLists: readonly string[] | undefined }
  | { readonly isPublished: false };
export type PolicyOf = (reference: PolicyReference, event: CheckedEvent) => PolicyKnowledge | undefined;

/** An event on its way through the rules. */
export type Seen = {
  readonly event: CheckedEvent;
  readonly attributes: Attributes | undefined;
  readonly policyOf: PolicyOf;
};

/** What stages 3 and 4 have said about one output so far. */
export type LoopChecked = {
  /** Sequence number of the decision, skip or block that counts; null before any. */
  by: number | null;
  lets: boolean;
  content: JudgedContent;
  /** The highest stage that it has come to. */
  stage: number;
  delivered: number;
};

/** What an override of a decision has to heed: does a law stand behind it, and under which level was it made. */
export type Protection = { readonly law: 'yes' | 'no' | 'unknown'; readonly level: string | null };

/** The fold of a run for its invariants. Plain JSON; `advanced` changes it in place, once an event. */
export type InvariantState = {
  stream: string | null;
  events: number;
  origin: 'own' | 'foreign' | 'import' | null;
  /** The last event: its link is null where its bytes could not be read. */
  last: { seq: number; hash: string | null; known: string | null } | null;
  hasStart: boolean;
  /** The level that the run began with. */
  level: string | null;
  terminal: number | null;
  /** The highest of the stages that the whole run goes through: 0, 1, 2, then 3 for all outputs, 5. */
  stage: number;
  iteration: number;
  /** By loop_iteration; 0 where an item does not say. */
  loops: Record<string, LoopChecked>;
  /** Decisions and blocks by event id. */
  protections: Record<string, Protection>;
  /** Of the last decision that refused, by loop_iteration; 0 for the input. */
  refusals: Record<string, Protection>;
  outputs: number;
  generated: number;
  checks: number;
  references: number;
  overrides: number;
  payloads: number;
  erased: number;
};

export const initialCheckState: Readonly<InvariantState> = {
  stream: null,
  events: 0,
  origin: null,
  last: null,
  hasStart: false,
  level: null,
  terminal: null,
  stage: -1,
  iteration: 0,
  loops: {},
  protections: {},
  refusals: {},
  outputs: 0,
  generated: 0,
  checks: 0,
  references: 0,
  overrides: 0,
  payloads: 0,
  erased: 0,
};

/** Takes an event into the state, whatever rules it breaks. */
export function advanced(state: InvariantState, seen: Seen): void {
  const { core, hash, payload } = seen.event;
  const effect = seen.attributes?.effect ?? 'none';
  state.origin ??= originOf(core);
  state.stream ??= core.stream;
  state.events += 1;
  if (payload !== 'none') state.payloads += 1;
  if (payload === 'erased') state.erased += 1;
  if (policyIn(core.facts) !== undefined) state.references += 1;
  if (isOverride(seen)) state.overrides += 1;
  if (effect === 'start') {
    state.hasStart = true;
    state.level ??= levelIn(core);
  }
  if (effect === 'iterate') state.iteration = core.stage_iteration ?? state.iteration + 1;
  advanceStage(state, seen);
  advanceDecision(state, seen);
  advanceOutput(state, seen);
  if (isTerminalEffect(effect)) state.terminal ??= core.seq;
  state.last = { seq: core.seq, hash, known: knownAt(core) };
}

/** When we knew of it: our own clock, for whatever came from outside too. */
export const knownAt = ({ recorded, time }: Core): string => recorded ?? time;

export const loopKey = ({ loop_iteration: loop }: Pick<Core, 'loop_iteration'>): string => String(loop ?? 0);

export function isTerminalEffect(effect: CatalogueEntry['effect']): boolean {
  return effect === 'complete' || effect === 'fail_run' || effect === 'block_run' || effect === 'cancel_run';
}

/** The stage that counts for the order; undefined for what stands between the stages, and for what follows the run. */
export function stageOf({ event: { core }, attributes }: Seen): number | undefined {
  if (attributes === undefined || attributes.afterTerminal) return undefined;
  if (attributes.kind !== 'journey' && attributes.kind !== 'decision') return undefined;
  // Where a run breaks off is no step of the order.
  if (attributes.effect === 'fail_run') return undefined;
  return core.stage ?? (attributes.stage === 'any' ? undefined : attributes.stage);
}

/** The full or old outcome of a check; undefined for what is no check. */
export function outcomeIn({ event: { core }, attributes }: Seen): CheckOutcome | undefined {
  if (attributes?.kind !== 'decision') return undefined;
  const outcome = checkOutcome(core.facts);
  const isCheck = attributes.effect === 'decide_input' || attributes.effect === 'decide_output';
  return isCheck || outcome.action !== 'unknown' ? outcome : undefined;
}

/** Does the item refuse something? It may come late: a provider says no while a later stage is on its way. */
export function refuses(seen: Seen): boolean {
  const effect = seen.attributes?.effect;
  if (effect === 'block_run' || effect === 'block_output' || effect === 'withhold_output') return true;
  const outcome = outcomeIn(seen);
  return outcome !== undefined && !letsPass(outcome) && outcome.action !== 'unknown';
}

/** A review that does not say what it is counts as the strongest one: whatever lifts a decision has to say its grounds. */
export function isOverride({ event: { core }, attributes }: Seen): boolean {
  const judgement = core.facts?.['judgement'];
  return attributes?.kind === 'review' && (judgement === undefined || judgement === 'override');
}

export function policyIn(facts: Facts): PolicyReference | undefined {
  const policy = facts?.['policy'];
  if (!isObject(policy)) return undefined;
  const { id, version, sha256 } = policy;
  return typeof id === 'string' && typeof version === 'number' && typeof sha256 === 'string'
    ? { id, version, sha256 }
    : undefined;
}

function originOf({ actor }: Core): NonNullable<InvariantState['origin']> {
  if (actor?.kind === 'importer') return 'import';
  return actor?.kind === 'service' ? 'own' : 'foreign';
}

function loopIn(state: InvariantState, core: Core): LoopChecked {
  return (state.loops[loopKey(core)] ??= {
    by: null,
    lets: false,
    content: 'unknown',
    stage: 0,
    delivered: 0,
  });
}

function advanceStage(state: InvariantState, seen: Seen): void {
  const stage = stageOf(seen);
  if (stage === undefined) return;
  if (stage === 3 || stage === 4) {
    const loop = loopIn(state, seen.event.core);
    loop.stage = Math.max(loop.stage, stage);
  }
  state.stage = Math.max(state.stage, stage === 4 ? 3 : stage);
}

function advanceDecision(state: InvariantState, seen: Seen): void {
  const { core } = seen.event;
  const effect = seen.attributes?.effect;
  const outcome = outcomeIn(seen);
  if (outcome !== undefined) state.checks += 1;
  if (seen.attributes?.kind === 'decision') state.protections[core.id] = protectionOf(state, seen, outcome);
  if (effect === 'decide_output' && outcome !== undefined) {
    const lets = letsPass(outcome);
    Object.assign(loopIn(state, core), { by: core.seq, lets, content: judgedContent(core.facts) });
    return;
  }
  if (effect === 'skip_check') {
    // A skip never turns a refusal into a pass, and a skipped look at the medium says nothing about the text.
    if (core.stage !== 3) return;
    const loop = loopIn(state, core);
    if (loop.by === null) Object.assign(loop, { by: core.seq, lets: true, content: 'same' });
    return;
  }
  if (core.loop_iteration !== undefined && refuses(seen))
    Object.assign(loopIn(state, core), { by: core.seq, lets: false });
}

function advanceOutput(state: InvariantState, { event: { core }, attributes }: Seen): void {
  // What stands after the end changes no total that the end has told.
  if (state.terminal !== null) return;
  if (attributes?.effect === 'deliver_output') {
    state.outputs += 1;
    state.generated += 1;
    loopIn(state, core).delivered += 1;
  }
  if (attributes?.effect === 'withhold_output') {
    const loop = loopIn(state, core);
    state.generated -= loop.delivered;
    loop.delivered = 0;
  }
}

/** A block takes the protection of the decision it follows from; that of a decision stands on the lists it names. */
function protectionOf(state: InvariantState, seen: Seen, outcome: CheckOutcome | undefined): Protection {
  const { core } = seen.event;
  const key = core.stage === 1 ? '0' : loopKey(core);
  const level = levelIn(core) ?? state.level;
  if (!refuses(seen)) return { law: 'no', level };
  if (outcome !== undefined) return (state.refusals[key] = { law: lawBehind(seen, outcome), level });
  if (namesProvision(core.facts)) return { law: 'yes', level };
  const decidedBy = core.facts?.['decided_by'];
  const by = typeof decidedBy === 'string' ? state.protections[decidedBy] : state.refusals[key];
  return by ?? { law: 'unknown', level };
}

function lawBehind({ event, policyOf }: Seen, { isRecorded }: CheckOutcome): Protection['law'] {
  const { facts } = event.core;
  const lists = objectsOf(facts?.['findings']).map(({ list }) => list);
  const reference = policyIn(facts);
  if (!isRecorded || reference === undefined) return 'unknown';
  if (lists.length === 0) return 'no';
  const known = policyOf(reference, event);
  if (known?.isPublished !== true || known.lawLists === undefined) return 'unknown';
  const { lawLists } = known;
  return lists.some((list) => typeof list === 'string' && lawLists.includes(list)) ? 'yes' : 'no';
}

/** Old refusals name no list, but the provision itself: `§86a_violation`. */
const namesProvision = (facts: Facts): boolean =>
  [facts?.['blocked_reason'], facts?.['blocked_codes']]
    .flat()
    .some((word) => typeof word === 'string' && /§\s?\d/.test(word));

function levelIn({ facts }: Core): string | null {
  const level = facts?.['safety_level'];
  return typeof level === 'string' ? level : null;
}
