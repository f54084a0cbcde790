import { identifier } from '../events/token.ts';
import { LedgerError } from '../errors.ts';

/** A backend that failed in a stage which the run cannot do without. */
export class StageFailure extends Error {
  readonly stage: number;

  constructor(stage: number, cause: unknown) {
    super(`stage ${stage} failed`, { cause });
    this.name = 'StageFailure';
    this.stage = stage;
  }
}

/**
 * Runs a backend's work for a stage: what it throws becomes a StageFailure, save an abort, which is nobody's failure.
 * Recording must stay outside: an item that cannot be recorded ends the call, not the run.
 */
export async function inStage<T>(stage: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw new StageFailure(stage, error);
  }
}

export type Failure = {
  /** The table's code, or the error's name. */
  readonly type: string;
  readonly message: string;
  /** May the same run work later, unchanged? */
  readonly isRecoverable: boolean;
};

/** What an item says about an error. The message may quote what a backend answered: it belongs in the payload. */
export function failureOf(error: unknown): Failure {
  if (error instanceof LedgerError) {
    return { type: error.code, message: error.message, isRecoverable: error.retryable };
  }
  if (!(error instanceof Error)) return { type: 'Error', message: String(error), isRecoverable: false };
  const named = identifier.safeParse(error.name);
  return { type: named.success ? named.data : 'Error', message: error.message, isRecoverable: false };
}
