import { type ErrorParams, LedgerError } from '../../errors.ts';

type BackendCode =
  | 'BACKEND_UNREACHABLE'
  | 'BACKEND_BUSY'
  | 'BACKEND_REFUSED'
  | 'BACKEND_FAILED'
  | 'BACKEND_INTERRUPTED'
  | 'PROVIDER_MODERATED'
  | 'TIMEOUT';

/** What a failed call left behind. It may quote the prompt: it belongs in a payload, never in a log or a message. */
export type Evidence = {
  /** The error body as it came, at most 2,000 characters. */
  readonly body?: string | undefined;
  /** What had been answered when the stream broke. */
  readonly partialText?: string | undefined;
  /** HTTP status. */
  readonly status?: number | undefined;
  /** `Retry-After`, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
};

/** The longest error body that is kept. */
export const maxErrorBodyCharacters = 2_000;

/** A backend's failure of the table, with its evidence where no logger finds it: loggers print own members only. */
export class BackendError<C extends BackendCode = BackendCode> extends LedgerError<C> {
  readonly #evidence: Evidence;

  constructor(
    code: C,
    params: ErrorParams<C>,
    evidence: Evidence = {},
    options: { readonly cause?: unknown } = {},
  ) {
    super(code, params, options);
    this.#evidence = evidence;
  }

  get evidence(): Evidence {
    return this.#evidence;
  }
}
