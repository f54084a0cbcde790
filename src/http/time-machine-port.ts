import type { ExecutionItem } from '../events/item.ts';
import type { RecordHeader } from '../run/record.ts';
import type { AlignedStep, PlacedStep } from '../run/step-alignment.ts';
import type { Moment } from './moment.ts';

/** One run at two moments, and two runs side by side. */
export type TimeMachine = {
  /** Undefined where nothing was known at `to`. Throws INVALID_REQUEST where `from` is the later moment. */
  readonly diff: (
    executionId: string,
    options: DiffOptions,
    signal: AbortSignal,
  ) => Promise<RunDiff | undefined>;
  readonly compare: (
    ids: { readonly left: string; readonly right: string },
    page: { readonly offset: number; readonly limit: number },
    signal: AbortSignal,
  ) => Promise<RunComparison | { readonly unknown: string }>;
};

export type DiffOptions = {
  /** From before the run began, where it is undefined. */
  readonly from: Moment | undefined;
  readonly to: Moment;
  /** All of the run, or its decisions and what people said of them. */
  readonly what: 'run' | 'decisions';
  readonly limit: number;
  readonly offset: number;
};

/** A member of the record, or the standing decision of a place, at both moments; null where there was none. */
export type RunChange = { readonly member: string; readonly before: unknown; readonly after: unknown };

export type RunDiff = {
  /** Items that were known at either moment. */
  readonly items: { readonly from: number; readonly to: number };
  readonly changes: readonly RunChange[];
  /** Items that came in between, of the page. */
  readonly added: readonly ExecutionItem[];
  readonly total: number;
};

/** A run as one side of a comparison. */
export type ComparedRun = {
  readonly header: RecordHeader;
  /** What its start pinned; null where it does not say. */
  readonly workflowSha256: unknown;
  readonly policy: unknown;
  readonly steps: readonly PlacedStep[];
};

export type RunComparison = {
  readonly left: ComparedRun;
  readonly right: ComparedRun;
  readonly lines: readonly AlignedStep[];
  /** By sequence number, for those lines only that were asked for. */
  readonly texts: Readonly<Record<'left' | 'right', ReadonlyMap<number, StepText>>>;
};

export type StepText = Pick<ExecutionItem, 'content' | 'file_path'>;
