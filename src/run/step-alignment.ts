import type { Effect } from '../events/catalogue-entry.ts';
import { catalogued } from '../events/catalogue.ts';
import { decisionOutcome, type DecisionOutcome } from '../events/decision.ts';
import type { ExecutionItem } from '../events/item.ts';

/** What is compared of one step of a run; its text stands apart, as a digest. */
export type ComparedStep = {
  readonly sequence_number: number;
  readonly item_type: string;
  readonly config_used: string | null;
  readonly model_used: string | null;
  readonly backend_used: string | null;
  readonly model_digest: string | null;
  /** Seconds; never counted as a difference, no two calls take the same time. */
  readonly execution_time: number | null;
  /** Null for what is no check. */
  readonly decision: (DecisionOutcome & { readonly policy: unknown }) | null;
  /** SHA-256 of the content and the medium's reference, hex; null where there is neither, or it is erased. */
  readonly text_sha256: string | null;
};

/** The place of a step by which two runs are aligned. */
export type StepPlace = {
  readonly stage: number;
  readonly stage_iteration: number | null;
  readonly loop_iteration: number | null;
  /** What the step does: the catalogue's effect, `output` and `end` for every way in which those may come out. */
  readonly step: string;
  /** The how-manieth of its kind at this place, from 1. */
  readonly occurrence: number;
};

export type PlacedStep = StepPlace & ComparedStep;

export type AlignedStep = StepPlace & {
  readonly left: ComparedStep | null;
  readonly right: ComparedStep | null;
  /** Members that differ; `missing` where one of the runs has no such step. */
  readonly different: readonly string[];
};

/** Gives the items of one run their places, first to last; undefined for what is no step: control, log and review items. */
export function createStepPlacer(): (
  item: ExecutionItem,
  textSha256: string | null,
) => PlacedStep | undefined {
  const seen = new Map<string, number>();
  return (item, textSha256) => {
    const entry = catalogued(item.item_type);
    const kind = entry?.kind ?? 'journey';
    if (kind !== 'journey' && kind !== 'decision') return undefined;
    const place = placeOf(item, entry?.effect ?? 'none');
    const key = keyOf(place);
    const occurrence = (seen.get(key) ?? 0) + 1;
    seen.set(key, occurrence);
    return { ...place, occurrence, ...comparedOf(item, kind === 'decision', textSha256) };
  };
}

/**
 * The steps of two runs side by side: what stands at the same stage, iteration, loop and step, in the order of a run, is
 * one line; what only one of them has stands alone. Pure.
 */
export function alignSteps(
  left: readonly PlacedStep[],
  right: readonly PlacedStep[],
): readonly AlignedStep[] {
  const lines = new Map<
    string,
    { place: StepPlace; left: ComparedStep | null; right: ComparedStep | null }
  >();
  for (const [side, steps] of [
    ['left', left],
    ['right', right],
  ] as const) {
    for (const { stage, stage_iteration, loop_iteration, step, occurrence, ...compared } of steps) {
      const place = { stage, stage_iteration, loop_iteration, step, occurrence };
      const key = `${keyOf(place)} ${occurrence}`;
      const line = lines.get(key) ?? { place, left: null, right: null };
      lines.set(key, { ...line, [side]: compared });
    }
  }
  return [...lines.values()]
    .sort((a, b) => compareLines(a, b))
    .map((line) => ({
      ...line.place,
      left: line.left,
      right: line.right,
      different: differences(line.left, line.right),
    }));
}

const outputs: readonly Effect[] = [
  'deliver_output',
  'fail_output',
  'skip_output',
  'block_output',
  'withhold_output',
];
const ends: readonly Effect[] = ['complete', 'fail_run', 'block_run', 'cancel_run'];

/** An output that is blocked in one run and delivered in the other is one step; so is the end, whichever it is. */
function placeOf(item: ExecutionItem, effect: Effect): Omit<StepPlace, 'occurrence'> {
  const { stage_iteration, loop_iteration } = item;
  if (outputs.includes(effect)) return { stage: 4, stage_iteration: null, loop_iteration, step: 'output' };
  if (ends.includes(effect)) return { stage: 5, stage_iteration: null, loop_iteration: null, step: 'end' };
  const step = effect === 'none' ? item.item_type : effect;
  return { stage: item.stage ?? 0, stage_iteration, loop_iteration, step };
}

const keyOf = ({ stage, stage_iteration, loop_iteration, step }: Omit<StepPlace, 'occurrence'>): string =>
  `${stage} ${stage_iteration ?? '-'} ${loop_iteration ?? '-'} ${step}`;

function comparedOf(item: ExecutionItem, isDecision: boolean, text_sha256: string | null): ComparedStep {
  const { sequence_number, item_type, config_used, model_used, backend_used, execution_time, metadata } =
    item;
  const digest = metadata['model_digest'];
  return {
    sequence_number,
    item_type,
    config_used,
    model_used,
    backend_used,
    model_digest: typeof digest === 'string' ? digest : null,
    execution_time,
    decision: isDecision ? { ...decisionOutcome(metadata), policy: metadata['policy'] ?? null } : null,
    text_sha256,
  };
}

type Line = {
  readonly place: StepPlace;
  readonly left: ComparedStep | null;
  readonly right: ComparedStep | null;
};

/** Stages 3 and 4 stand output by output; within a place, the order of whichever run has the step. */
function compareLines(a: Line, b: Line): number {
  const rank = ({ place: { stage, loop_iteration: loop, stage_iteration: step, occurrence } }: Line) => [
    stage === 4 ? 3 : stage,
    stage === 3 || stage === 4 ? (loop ?? 0) : 0,
    stage,
    step ?? Number.MAX_SAFE_INTEGER,
    occurrence,
  ];
  const [left, right] = [rank(a), rank(b)];
  for (const [index, part] of left.entries()) {
    const order = part - (right[index] ?? 0);
    if (order !== 0) return order;
  }
  return numberOf(a) - numberOf(b);
}

const numberOf = ({ left, right }: Line): number => left?.sequence_number ?? right?.sequence_number ?? 0;

function differences(left: ComparedStep | null, right: ComparedStep | null): readonly string[] {
  if (left === null || right === null) return ['missing'];
  const members = [
    'item_type',
    'config_used',
    'model_used',
    'backend_used',
    'model_digest',
    'text_sha256',
  ] as const;
  const differing: string[] = members.filter((member) => left[member] !== right[member]);
  const [before, after] = [left.decision, right.decision];
  if (before !== null && after !== null) {
    for (const member of ['verdict', 'action', 'basis'] as const)
      if (before[member] !== after[member]) differing.push(member);
    if (JSON.stringify(before.policy) !== JSON.stringify(after.policy)) differing.push('policy');
  }
  return differing.map((member) => (member === 'text_sha256' ? 'text' : member));
}
