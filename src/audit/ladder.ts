import type { CatalogueEntry } from '../events/catalogue-entry.ts';
import { catalogued } from '../events/catalogue.ts';
import type { LedgerEvent } from '../events/envelope.ts';
import { decisionOutcome } from '../events/decision.ts';
import { decisionKind, factsOf } from './decision-profile.ts';
import { entryOf } from './run-context.ts';

/** An item as a rung shows it: its facts, and of its payload whatever is not erased. */
export type Evidence = {
  readonly sequence_number: number;
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Null where there is none, or where it was erased. */
  readonly content: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly erased: boolean;
  readonly actor: LedgerEvent['core']['actor'] | null;
};

/**
 * How a configured check ended. `missing`: what it should have stood before happened without it. `not_reached`: the run
 * ended, or has not come to it. `not_applicable`: there was nothing to check.
 */
export type RungStatus = 'decided' | 'skipped' | 'blocked' | 'missing' | 'not_reached' | 'not_applicable';

export type Rung = {
  readonly check: 'input_text' | 'input_image' | 'output_text' | 'output_medium' | 'other';
  readonly stage: number | null;
  readonly loop_iteration: number | null;
  readonly output_config: string | null;
  readonly status: RungStatus;
  readonly reason: string | null;
  readonly verdict: string | null;
  readonly action: string | null;
  readonly basis: string | null;
  /** The decisions and skips that it ended in, in order; a later one may supersede an earlier one. */
  readonly decisions: readonly Evidence[];
  /** What a model saw in the medium. */
  readonly seen: readonly Evidence[];
  readonly blocks: readonly Evidence[];
  readonly reviews: readonly Evidence[];
  readonly outputs: readonly Evidence[];
};

/** What a run was to check beside what its items show. */
export type Configured = {
  /** Output configs in the order of their loops, as the run's start lists them; empty where it does not say. */
  readonly outputs: readonly string[];
  /** Does its policy look at pictures at its level? Null where its policy is not known here. */
  readonly looksAtPictures: boolean | null;
};

type Place = Pick<Rung, 'check' | 'stage' | 'loop_iteration'> & { readonly medium?: unknown };

/**
 * Every check that a run was configured for, in order, with how it ended: also those that did not run. Pure, and total:
 * of a run that is told up to some item, it is the ladder as it stood then.
 */
export function ladderOf(events: readonly LedgerEvent[], configured: Configured): readonly Rung[] {
  const end = events.find(({ core }) => endsRun(entryOf(core)));
  const loops = loopsOf(events, configured);
  const images = events.filter(({ core }) => entryOf(core).effect === 'input' && core.media_type === 'image');
  const places: Place[] = [
    { check: 'input_text', stage: 1, loop_iteration: null },
    ...images.map(
      ({ core }): Place => ({
        check: 'input_image',
        stage: 1,
        loop_iteration: null,
        medium: core.facts?.['sha256'],
      }),
    ),
    ...loops.flatMap((loop): Place[] => [
      { check: 'output_text', stage: 3, loop_iteration: loop },
      ...(isLookedAt(events, loop, configured)
        ? [{ check: 'output_medium', stage: 4, loop_iteration: loop } as const]
        : []),
    ]),
  ];
  const taken = new Set<LedgerEvent>();
  const rungs = places.map((place) => rungOf(place, events, configured, end, taken));
  const others = events.filter((event) => isDecision(event) && !taken.has(event));
  return [...rungs, ...others.map((event) => otherRung(event, events))];
}

const endsRun = ({ effect }: CatalogueEntry): boolean =>
  ['complete', 'fail_run', 'block_run', 'cancel_run'].includes(effect);

function isDecision({ core }: LedgerEvent): boolean {
  const kind = decisionKind(entryOf(core));
  return kind === 'check' || kind === 'skip';
}

function loopsOf(events: readonly LedgerEvent[], { outputs }: Configured): readonly number[] {
  const seen = events.flatMap(({ core }) => core.loop_iteration ?? []);
  const last = Math.max(outputs.length, ...seen);
  return Array.from({ length: last }, (_, index) => index + 1);
}

/** A look at the medium was configured, or took place. */
function isLookedAt(events: readonly LedgerEvent[], loop: number, { looksAtPictures }: Configured): boolean {
  const ofLoop = events.filter(({ core }) => core.loop_iteration === loop);
  const isLook = ({ core }: LedgerEvent): boolean => core.stage === 4 && entryOf(core).kind === 'decision';
  const isPicture = ({ core }: LedgerEvent): boolean =>
    entryOf(core).effect === 'deliver_output' && core.media_type === 'image';
  return ofLoop.some(isLook) || (looksAtPictures === true && ofLoop.some(isPicture));
}

function belongs({ check, stage, loop_iteration, medium }: Place, { core }: LedgerEvent): boolean {
  if (core.stage !== stage || (core.loop_iteration ?? null) !== loop_iteration) return false;
  if (check === 'input_image') return core.facts?.['sha256'] === medium;
  // A check of stage 1 that names a medium is of a picture.
  return check !== 'input_text' || core.facts?.['sha256'] === undefined;
}

function rungOf(
  place: Place,
  events: readonly LedgerEvent[],
  configured: Configured,
  end: LedgerEvent | undefined,
  taken: Set<LedgerEvent>,
): Rung {
  const decisions = events.filter((event) => isDecision(event) && belongs(place, event) && !taken.has(event));
  for (const event of decisions) taken.add(event);
  const isOf = (effects: readonly string[]) =>
    events.filter(
      ({ core }) =>
        effects.includes(entryOf(core).effect) && (core.loop_iteration ?? null) === place.loop_iteration,
    );
  const isStageOne = place.stage === 1;
  const blocks = isOf(
    isStageOne ? ['block_run'] : place.stage === 3 ? ['block_output'] : ['withhold_output'],
  ).filter(({ core }) => !isStageOne || restsOn(core.seq, decisions, events));
  const outputs = isStageOne ? [] : isOf(['deliver_output', 'fail_output', 'skip_output']);
  const standing =
    decisions.findLast(({ core }) => decisionKind(entryOf(core)) === 'check') ?? decisions.at(-1);
  const { stage, loop_iteration, check } = place;
  const config = [...decisions, ...outputs].find(({ core }) => core.config_used !== undefined)?.core
    .config_used;
  return {
    check,
    stage,
    loop_iteration,
    output_config:
      config ?? (loop_iteration === null ? null : (configured.outputs[loop_iteration - 1] ?? null)),
    ...endOf(standing, blocks, { place, events, outputs, end }),
    decisions: decisions.map(evidenceOf),
    seen: place.stage === 4 ? events.filter((event) => isSight(event, loop_iteration)).map(evidenceOf) : [],
    blocks: blocks.map(evidenceOf),
    reviews: reviewsOf(decisions, events).map(evidenceOf),
    outputs: outputs.map(evidenceOf),
  };
}

/** The block of an input follows the last decision that let nothing pass. */
function restsOn(seq: number, decisions: readonly LedgerEvent[], events: readonly LedgerEvent[]): boolean {
  const refusing = events.filter(
    ({ core }) =>
      core.seq < seq &&
      core.stage === 1 &&
      decisionKind(entryOf(core)) === 'check' &&
      decisionOutcome(core.facts).action === 'block',
  );
  const last = refusing.at(-1);
  return last === undefined
    ? decisions.length === 0 || !decisions.some(isImageCheck)
    : decisions.includes(last);
}

const isImageCheck = ({ core }: LedgerEvent): boolean => core.facts?.['sha256'] !== undefined;

/** Evidence of kind decision that decides nothing: what a model saw. */
const isSight = ({ core }: LedgerEvent, loop: number | null): boolean =>
  entryOf(core).kind === 'decision' &&
  decisionKind(entryOf(core)) === undefined &&
  (core.loop_iteration ?? null) === loop;

type Around = {
  readonly place: Place;
  readonly events: readonly LedgerEvent[];
  readonly outputs: readonly LedgerEvent[];
  readonly end: LedgerEvent | undefined;
};
type Ending = Pick<Rung, 'status' | 'reason' | 'verdict' | 'action' | 'basis'>;

function endOf(standing: LedgerEvent | undefined, blocks: readonly LedgerEvent[], around: Around): Ending {
  if (standing !== undefined) {
    const { facts } = standing.core;
    const reason = facts?.['reason'];
    if (decisionKind(entryOf(standing.core)) === 'skip') {
      const said = { verdict: null, action: 'skip', basis: 'policy_skip' };
      return { status: 'skipped', reason: typeof reason === 'string' ? reason : null, ...said };
    }
    return { status: 'decided', reason: null, ...decisionOutcome(facts) };
  }
  const nothing = { verdict: null, action: null, basis: null };
  if (blocks.length > 0) {
    const said = { verdict: 'indeterminate', action: 'block', basis: 'unknown' };
    return { status: 'blocked', reason: 'a block without a recorded decision', ...said };
  }
  return { ...whyNot(around), ...nothing };
}

/** Why a check has no item. */
function whyNot({ place, events, outputs, end }: Around): Pick<Rung, 'status' | 'reason'> {
  const effects = (list: readonly LedgerEvent[]) => list.map(({ core }) => entryOf(core).effect);
  if (place.stage !== 1) {
    if (effects(outputs).includes('deliver_output'))
      return { status: 'missing', reason: 'an output was delivered without it' };
    if (effects(outputs).includes('skip_output'))
      return { status: 'not_applicable', reason: 'nothing here makes this output' };
    if (effects(outputs).includes('fail_output') && place.stage === 4)
      return { status: 'not_applicable', reason: 'the output failed' };
    if (effects(outputs).includes('fail_output'))
      return { status: 'missing', reason: 'an output was tried without it' };
  } else if (effects(events).some((effect) => ['iterate', 'finish_text', 'deliver_output'].includes(effect)))
    return { status: 'missing', reason: 'the run went on without it' };
  if (end === undefined) return { status: 'not_reached', reason: 'the run has not come to it' };
  const label = catalogued(end.type)?.label.en ?? end.type;
  return { status: 'not_reached', reason: `the run ended before it: ${label} (item ${end.core.seq})` };
}

function reviewsOf(
  decisions: readonly LedgerEvent[],
  events: readonly LedgerEvent[],
): readonly LedgerEvent[] {
  const ids = new Set<unknown>(decisions.map(({ core }) => core.id));
  return events.filter(({ core }) => entryOf(core).kind === 'review' && ids.has(core.facts?.['decision']));
}

/** A decision that no configured check asked for: a person's, or a stage that this ladder does not know. */
function otherRung(event: LedgerEvent, events: readonly LedgerEvent[]): Rung {
  const { core } = event;
  return {
    check: 'other',
    stage: core.stage ?? null,
    loop_iteration: core.loop_iteration ?? null,
    output_config: core.config_used ?? null,
    ...endOf(event, [], {
      place: { check: 'other', stage: null, loop_iteration: null },
      events,
      outputs: [],
      end: undefined,
    }),
    decisions: [evidenceOf(event)],
    seen: [],
    blocks: [],
    reviews: reviewsOf([event], events).map(evidenceOf),
    outputs: [],
  };
}

function evidenceOf({ type, core, payload, erased }: LedgerEvent): Evidence {
  return {
    sequence_number: core.seq,
    id: core.id,
    type,
    time: core.time,
    facts: core.facts ?? {},
    content: payload?.content ?? null,
    metadata: payload?.metadata ?? null,
    erased,
    actor: core.actor ?? null,
  };
}

/** The output configs that a run's start lists, where its payload is there. */
export function plannedOutputs(events: readonly LedgerEvent[]): readonly string[] {
  const outputs = events[0]?.payload?.metadata?.['outputs'];
  if (!Array.isArray(outputs)) return [];
  return outputs.map((output: unknown) => {
    const config = typeof output === 'object' && output !== null && 'config' in output ? output.config : '';
    return typeof config === 'string' ? config : '';
  });
}

/** The policy that a run pins at its start; else the one that its first decision names. */
export function pinnedPolicy(events: readonly LedgerEvent[]): ReturnType<typeof factsOf>['policy'] {
  const named = events.find(({ core }) => core.facts?.['policy'] !== undefined);
  return named === undefined ? undefined : factsOf(named.core).policy;
}
