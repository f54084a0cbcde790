import { chainStart } from '../events/digest.ts';
import { compareTimes } from '../events/time.ts';
import { letsPass, objectsOf } from './check-outcome.ts';
import {
  type InvariantState,
  isOverride,
  isTerminalEffect,
  knownAt,
  loopKey,
  outcomeIn,
  policyIn,
  refuses,
  type Seen,
  stageOf,
} from './invariant-state.ts';
import type { InvariantId } from './invariants.ts';

/** What one event does to one invariant; `detail` is a sentence. */
export type Mark = {
  readonly id: InvariantId;
  readonly as: 'broken' | 'unproven';
  readonly detail: string;
};

type Verdict = Omit<Mark, 'id'>;
/** Looks at an event with the state before it. */
type Rule = (state: Readonly<InvariantState>, seen: Seen) => Verdict | undefined;

/** All that an event breaks or leaves unproven; at most one mark for each invariant. */
export function marksOf(state: Readonly<InvariantState>, seen: Seen): readonly Mark[] {
  const marks: Mark[] = [];
  for (const [id, rule] of rules) {
    const verdict = rule(state, seen);
    if (verdict !== undefined) marks.push({ id, ...verdict });
  }
  return marks;
}

const broken = (detail: string): Verdict => ({ as: 'broken', detail });
const unproven = (detail: string): Verdict => ({ as: 'unproven', detail });

/** Who may change what a decision lets happen, by the level it was made under; what is not known counts as kids. */
const overridingRoles = (level: string | null): readonly string[] =>
  level === 'research'
    ? ['workshop_leader', 'youth_protection', 'researcher']
    : ['workshop_leader', 'youth_protection'];
/** Whether a law is broken is not for the leader of a workshop to say. */
const lawRoles: readonly string[] = ['youth_protection'];
/** A reason shorter than this many characters is none. */
const minReasonChars = 10;

const outputsAreChecked: Rule = (state, { event: { core }, attributes }) => {
  if (attributes?.effect !== 'deliver_output') return undefined;
  const loop = state.loops[loopKey(core)];
  const what = `Output ${core.loop_iteration ?? '?'} (item ${core.seq}, ${core.type})`;
  if (loop === undefined || loop.by === null) return broken(`${what} has no decision and no recorded skip.`);
  if (!loop.lets) return broken(`${what} was delivered although item ${loop.by} refused it.`);
  if (loop.content === 'other')
    return broken(`${what} was made from another content than item ${loop.by} judged.`);
  if (loop.content === 'unknown')
    return unproven(`Item ${loop.by}, which lets ${what} pass, does not say what content it judged.`);
  return undefined;
};

const nothingFollowsTheEnd: Rule = ({ terminal }, { event: { core }, attributes }) =>
  terminal !== null && attributes?.afterTerminal !== true
    ? broken(`Item ${core.seq} (${core.type}) stands after item ${terminal}, which ended the run.`)
    : undefined;

const exceptions: readonly string[] = ['fail_open', 'policy_skip', 'override'];
const failures: readonly unknown[] = ['error', 'timeout', 'unparseable'];
const unreadAnswers: readonly unknown[] = ['empty', 'unexpected', 'contradictory'];

const passesAreGrounded: Rule = (_state, seen) => {
  const { core } = seen.event;
  const outcome = outcomeIn(seen);
  if (outcome === undefined || exceptions.includes(outcome.basis)) return undefined;
  const what = `Item ${core.seq} (${core.type})`;
  if (outcome.action === 'unknown') return unproven(`${what} does not say how the check ended.`);
  if (!letsPass(outcome)) return undefined;
  if (!outcome.isRecorded)
    return unproven(`${what} lets pass and names no steps: its result is told, not proven.`);
  const steps = objectsOf(core.facts?.['steps']);
  const failed = steps.find(({ status }) => failures.includes(status));
  if (failed !== undefined)
    return broken(
      `${what} lets pass on the basis ${outcome.basis} although its ${String(failed['method'])} ended in ${String(failed['status'])}.`,
    );
  const parsed = core.facts?.['parse_status'];
  if (unreadAnswers.includes(parsed))
    return broken(`${what} lets pass although the model's answer was ${String(parsed)}.`);
  if (outcome.verdict !== 'safe')
    return broken(`${what} lets pass on the verdict ${outcome.verdict} and the basis ${outcome.basis}.`);
  return steps.length === 0 ? unproven(`${what} lets pass and names no steps.`) : undefined;
};

const policiesArePublished: Rule = (_state, seen) => {
  const { event, attributes, policyOf } = seen;
  const { core } = event;
  const what = `Item ${core.seq} (${core.type})`;
  const reference = policyIn(core.facts);
  if (reference !== undefined) {
    const name = `version ${reference.version} of the policy ${reference.id}`;
    const known = policyOf(reference, event);
    if (known === undefined)
      return unproven(`${what} refers to ${name}, whose publication is not known here.`);
    return known.isPublished
      ? undefined
      : broken(`${what} refers to ${name}, which was not published before it.`);
  }
  const outcome = outcomeIn(seen);
  if (outcome?.basis === 'fail_open')
    return broken(
      `${what} let pass what a failed check had not judged, and no published policy allows that.`,
    );
  return outcome !== undefined || attributes?.effect === 'skip_check'
    ? unproven(`${what} names no policy.`)
    : undefined;
};

const timeGoesOn: Rule = ({ last }, { event: { core, follows } }) => {
  if (follows === false)
    return broken(`Item ${core.seq} stands in the log before item ${last?.seq ?? core.seq - 1}.`);
  const known = knownAt(core);
  return last !== null && last.known !== null && compareTimes(known, last.known) < 0
    ? broken(`Item ${core.seq} was recorded at ${known}, before item ${last.seq} at ${last.known}.`)
    : undefined;
};

const stagesStandInOrder: Rule = (state, seen) => {
  const { event, attributes } = seen;
  const { core } = event;
  if (state.terminal !== null) return undefined;
  const what = `Item ${core.seq} (${core.type})`;
  if (attributes?.effect === 'start' && state.events > 0)
    return broken(`${what} starts a run that has begun.`);
  if (attributes?.effect === 'iterate' && core.stage_iteration !== state.iteration + 1)
    return broken(
      `${what} has the stage_iteration ${core.stage_iteration ?? 'missing'} where ${state.iteration + 1} was due.`,
    );
  const stage = stageOf(seen);
  if (stage === undefined || refuses(seen)) return undefined;
  const reached = stage === 3 || stage === 4 ? (state.loops[loopKey(core)]?.stage ?? 0) : state.stage;
  return reached > stage
    ? broken(`${what} of stage ${stage} stands after an item of stage ${reached}.`)
    : undefined;
};

const overridesAreAllowed: Rule = ({ protections }, seen) => {
  if (!isOverride(seen)) return undefined;
  const { core } = seen.event;
  const { decision, role, reason_chars: chars, to } = core.facts ?? {};
  const what = `The override in item ${core.seq}`;
  if (core.actor?.kind !== 'person') return broken(`${what} names no person.`);
  if (typeof chars !== 'number' || chars < minReasonChars)
    return broken(`${what} has a reason of ${Number(chars ?? 0)} characters; ${minReasonChars} are due.`);
  const protection = typeof decision === 'string' ? protections[decision] : undefined;
  if (protection === undefined) return broken(`${what} is of no decision that stands before it in this run.`);
  const { law, level } = protection;
  // An override that forbids what was let pass lifts nothing.
  const lifts = to !== 'block' && law !== 'no';
  if (lifts && law === 'yes' && level !== 'adult' && level !== 'research')
    return broken(`${what} lifts a law-based block at level ${level ?? 'unknown, which counts as kids'}.`);
  const may = lifts && law === 'yes' ? lawRoles : overridingRoles(level);
  if (typeof role !== 'string' || !may.includes(role))
    return broken(
      `${what} was made in the role ${typeof role === 'string' ? role : 'of nobody'}, which may not.`,
    );
  return lifts && law === 'unknown'
    ? unproven(`${what} lifts a block of which is not known whether a law stands behind it.`)
    : undefined;
};

const countsAreTrue: Rule = (state, { event: { core }, attributes }) => {
  if (state.terminal !== null || attributes === undefined || !isTerminalEffect(attributes.effect))
    return undefined;
  const { total_items_logged: items, outputs_generated: outputs } = core.facts ?? {};
  if (typeof items === 'number' && items !== core.seq)
    return broken(`Item ${core.seq} ends the run and counts ${items} items, ${core.seq} are recorded.`);
  if (typeof outputs === 'number' && outputs !== state.generated)
    return broken(
      `Item ${core.seq} ends the run and counts ${outputs} outputs, ${state.generated} are recorded.`,
    );
  return attributes.effect === 'complete' && typeof items !== 'number'
    ? unproven(`Item ${core.seq} ends the run and does not say how many items there are.`)
    : undefined;
};

const payloadsOpen: Rule = (_state, { event: { core, payload } }) => {
  if (payload === 'broken') return broken(`The payload of item ${core.seq} is not what the item commits to.`);
  if ((payload === 'none') !== (core.payload === undefined))
    return broken(
      `Item ${core.seq} commits to ${core.payload === undefined ? 'no payload and has one' : 'a payload and has none'}.`,
    );
  return payload === 'undisclosed'
    ? unproven(`The payload of item ${core.seq} is not disclosed here, so its commitment was not opened.`)
    : undefined;
};

const chainIsWhole: Rule = ({ last, stream }, { event: { core } }) => {
  const due = last === null ? 1 : last.seq + 1;
  if (core.seq !== due) return broken(`Item ${core.seq} stands where item ${due} is due.`);
  if (stream !== null && core.stream !== stream)
    return broken(`Item ${core.seq} is of the stream ${core.stream}, not of ${stream}.`);
  const link = last === null ? chainStart(core.stream) : last.hash;
  return link !== null && core.prev !== link
    ? broken(`Item ${core.seq} is not linked to the item before it.`)
    : undefined;
};

const rules: readonly (readonly [InvariantId, Rule])[] = [
  ['I1', outputsAreChecked],
  ['I2', nothingFollowsTheEnd],
  ['I3', passesAreGrounded],
  ['I4', policiesArePublished],
  ['I5', timeGoesOn],
  ['I6', stagesStandInOrder],
  ['I7', overridesAreAllowed],
  ['I8', countsAreTrue],
  ['I9', payloadsOpen],
  ['I10', chainIsWhole],
];
