import type { Position } from '../event-store/port.ts';
import type { DecisionOutcome } from '../events/decision.ts';
import type { RunFilter } from '../queries/run-list.ts';
import type { Redecided } from '../safety/redecide.ts';
import type { ReplayJob } from '../safety/replay-job.ts';

/** A replay as it is asked for. */
export type ReplayRequest = {
  /** A published version, or a whole document that need not be published. */
  readonly policy: { readonly id: string; readonly version: number } | { readonly document: unknown };
  readonly filter: RunFilter;
  /** The same as the client gave it. */
  readonly givenFilter: Readonly<Record<string, unknown>>;
};

/** A decision as it fell, and as it would have fallen. */
export type ReplayRow = {
  readonly execution_id: string;
  readonly sequence_number: number;
  readonly item_type: string;
  readonly safety_level: string | null;
  readonly status: Redecided['status'];
  /** What the new decision rests on, or what it lacks. */
  readonly why: Redecided['why'];
  readonly old: DecisionOutcome;
  readonly new: DecisionOutcome | null;
};

/** Which rows are wanted. */
export type RowQuery = {
  readonly limit: number;
  readonly offset: number;
  readonly status?: Redecided['status'] | undefined;
  /** Only those whose action changes. */
  readonly changed?: boolean | undefined;
};

export type ReplayState = {
  readonly id: string;
  readonly job: ReplayJob;
  readonly status: 'queued' | 'running' | 'finished' | 'failed';
  /** Runs. */
  readonly progress: { readonly done: number; readonly total: number; readonly errors: number };
};

/** Replays of recorded decisions under another policy. They write nothing into runs, and ask no model. */
export type ReplayDesk = {
  /** Throws before any event: POLICY_NOT_FOUND, POLICY_INVALID, QUEUE_FULL, UNAVAILABLE, STORAGE_FULL. */
  readonly start: (request: ReplayRequest) => Promise<{
    readonly id: string;
    readonly startedAt: string;
    readonly position: Position | null;
  }>;
  /** Throws REPLAY_NOT_FOUND. */
  readonly read: (id: string) => Promise<ReplayState>;
  /** Rows of a finished one, in the order of its runs and their items. Throws REPLAY_DAMAGED. */
  readonly rows: (
    state: ReplayState,
    wanted: RowQuery,
    signal: AbortSignal,
  ) => Promise<{ readonly rows: readonly ReplayRow[]; readonly total: number }>;
  /** Newest first. */
  readonly list: (page: { readonly limit: number; readonly offset: number }) => Promise<{
    readonly replays: readonly ReplayState[];
    readonly total: number;
  }>;
};
