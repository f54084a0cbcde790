import { identifier } from '../events/token.ts';
import { LedgerError } from '../errors.ts';
import type { Step } from './step.ts';

/** A backend that failed in a stage which the run cannot do without. */
export class StageFailure extends Error {
  readonly stage: number;

  constructor(stage: number, cause: unknown) {
    super(`stage ${stage} failed`, { cause });
    this.name = 'StageFailure';
    this.stage = stage;
  }
}

/** A provider outside the house refused the text: a safety decision of a third party, not a failure of the backend. */
export class ProviderRefusal extends Error {
  readonly step: Step;
  readonly refusal: LedgerError<'PROVIDER_MODERATED'>;
  /** From the request to the refusal. */
  readonly executionSeconds: number;

  constructor(step: Step, refusal: LedgerError<'PROVIDER_MODERATED'>, executionSeconds: number) {
    super(`a provider refused ${step.id}`, { cause: refusal });
    this.executionSeconds = executionSeconds;
    this.name = 'ProviderRefusal';
    this.step = step;
    this.refusal = refusal;
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
