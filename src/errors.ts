import { errorTable } from './error-table.ts';

export type ErrorCode = keyof typeof errorTable;
export type ErrorParams<C extends ErrorCode> = Parameters<(typeof errorTable)[C]['detail']>[0];

/** Where in a request something was wrong: RFC 6901 pointer and one sentence. */
export type PointedDetail = { readonly pointer: string; readonly detail: string };

type Options = { readonly cause?: unknown; readonly errors?: readonly PointedDetail[] };

/** An operating error out of the table: `code` decides, `message` is the sentence for a person. */
export class LedgerError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly params: ErrorParams<C>;
  readonly errors: readonly PointedDetail[];

  constructor(code: C, params: ErrorParams<C>, options: Options = {}) {
    const detail = errorTable[code].detail as (p: ErrorParams<C>) => string;
    super(detail(params), options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'LedgerError';
    this.code = code;
    this.params = params;
    this.errors = options.errors ?? [];
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

/** Is this the operating error `code`? Narrows, so that `params` is typed. */
export function isLedgerError<C extends ErrorCode>(error: unknown, code: C): error is LedgerError<C> {
  return error instanceof LedgerError && error.code === code;
}
