import { catalogued } from '../events/catalogue.ts';
import { decisionOutcome } from '../events/decision.ts';
import type { ExecutionItem } from '../events/item.ts';

/** A text and the language it is in, BCP 47 or `und`. */
export type TextIn = { readonly text: string; readonly language: string };

/** One step of a telephone game as it was recorded. */
export type Iteration = TextIn & {
  readonly seconds: number;
  readonly model: string | null;
  readonly backend: string | null;
};

/** How far one output has come. */
export type OutputProgress = {
  /** Its text was checked, and may be used. */
  readonly isAllowed: boolean;
  /** Delivered, blocked, failed or skipped: nothing is left to do. */
  readonly hasEnded: boolean;
  /** Generated media. */
  readonly generated: number;
};

/** What a stream holds of its run's work: the steps that are not done again. */
export type Progress = {
  /** The input was checked, and may be used. A refusal is recorded together with the block that ends the run. */
  readonly inputAllowed: boolean;
  /** Input pictures that were looked at, or whose look was skipped, by digest. */
  readonly imagesChecked: ReadonlySet<string>;
  readonly translation: TextIn | undefined;
  /** The steps of a telephone game so far. */
  readonly iterations: readonly Iteration[];
  readonly final: TextIn | undefined;
  /** By loop_iteration. */
  readonly outputs: ReadonlyMap<number, OutputProgress>;
  /** How often each step was begun, by step id. */
  readonly attempts: ReadonlyMap<string, number>;
};

export const noProgress: Progress = {
  inputAllowed: false,
  imagesChecked: new Set(),
  translation: undefined,
  iterations: [],
  final: undefined,
  outputs: new Map(),
  attempts: new Map(),
};

/** Folds the items of a run, first to last, into what is done. Pure; steps without a recorded result are not done. */
export const progressOf = (items: readonly ExecutionItem[]): Progress => items.reduce(advance, noProgress);

function advance(done: Progress, item: ExecutionItem): Progress {
  const { metadata } = item;
  switch (catalogued(item.item_type)?.effect) {
    case 'decide_input':
      return isAboutImage(metadata) ? withImage(done, metadata) : { ...done, inputAllowed: passes(metadata) };
    case 'skip_check':
      return withImage(done, metadata);
    case 'translate':
      return { ...done, translation: textOf(item, 'und') };
    case 'iterate':
      return { ...done, iterations: [...done.iterations, iterationOf(item)] };
    case 'finish_text':
      return { ...done, final: textOf(item, done.translation?.language ?? 'und') };
    case 'decide_output':
      return withOutput(done, item, { isAllowed: passes(metadata) });
    case 'deliver_output':
      return withOutput(done, item, { hasEnded: true, generated: outputOf(done, item).generated + 1 });
    case 'block_output':
    case 'fail_output':
    case 'skip_output':
      return withOutput(done, item, { hasEnded: true });
    case 'withhold_output':
      return withOutput(done, item, { hasEnded: true, generated: 0 });
    case 'begin_step': {
      const step = String(metadata['step_id']);
      return { ...done, attempts: new Map(done.attempts).set(step, (done.attempts.get(step) ?? 0) + 1) };
    }
    default:
      return done;
  }
}

function textOf({ content, metadata }: ExecutionItem, otherwise: string): TextIn {
  const language = metadata['to_lang'];
  return { text: content ?? '', language: typeof language === 'string' ? language : otherwise };
}

/** A refused picture ends the run, so only those that passed are ever asked about. */
function withImage(done: Progress, { sha256 }: ExecutionItem['metadata']): Progress {
  return typeof sha256 === 'string'
    ? { ...done, imagesChecked: new Set([...done.imagesChecked, sha256]) }
    : done;
}

const iterationOf = (item: ExecutionItem): Iteration => ({
  ...textOf(item, 'und'),
  seconds: item.execution_time ?? 0,
  model: item.model_used,
  backend: item.backend_used,
});

const untouched: OutputProgress = { isAllowed: false, hasEnded: false, generated: 0 };
const outputOf = (done: Progress, { loop_iteration: loop }: ExecutionItem): OutputProgress =>
  done.outputs.get(loop ?? 0) ?? untouched;

function withOutput(done: Progress, item: ExecutionItem, change: Partial<OutputProgress>): Progress {
  const changed = { ...outputOf(done, item), ...change };
  return { ...done, outputs: new Map(done.outputs).set(item.loop_iteration ?? 0, changed) };
}

function passes(metadata: ExecutionItem['metadata']): boolean {
  const { action } = decisionOutcome(metadata);
  return action === 'allow' || action === 'modify' || action === 'skip';
}

function isAboutImage(metadata: ExecutionItem['metadata']): boolean {
  const { checked } = metadata;
  return typeof checked === 'object' && checked !== null && 'role' in checked && checked.role === 'image';
}
