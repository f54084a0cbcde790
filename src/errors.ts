/**
 * Every operating error of runledger, in one table: code → HTTP status, title, and a sentence that says what was
 * refused, what is true and what to do. Programmer errors are asserts, not entries here.
 */

type Entry<P> = {
  readonly status: number;
  readonly title: string;
  /** May the very same call succeed later, unchanged? */
  readonly retryable: boolean;
  readonly detail: (params: P) => string;
};

const entry = <P>(
  status: number,
  title: string,
  detail: (params: P) => string,
  retryable = false,
): Entry<P> => ({
  status,
  title,
  detail,
  retryable,
});

export type Revision = number | 'none';

export const errorTable = {
  // -- event store: the port's typed errors (docs/log.md)
  CONFLICT: entry(
    409,
    'Stream has moved on',
    (p: { stream: string; expected: string; actual: Revision }) =>
      `Stream ${p.stream} is at revision ${p.actual}, the append expected ${p.expected}: read the stream again and decide anew.`,
  ),
  STREAM_NOT_FOUND: entry(
    404,
    'Stream not found',
    (p: { stream: string }) => `No event was ever appended to stream ${p.stream}: check the name.`,
  ),
  TOO_LARGE: entry(
    413,
    'Too large for one append',
    (p: { sizeBytes: number; limitBytes: number }) =>
      `The append has ${p.sizeBytes} bytes, one append may have ${p.limitBytes}: send it in smaller batches, and larger things as media.`,
  ),
  INVALID_APPEND: entry(
    400,
    'Append refused',
    (p: { what: string; cure: string }) => `${p.what}: ${p.cure}.`,
  ),
  UNAVAILABLE: entry(
    503,
    'Temporarily unavailable',
    (p: { what: string; cure: string }) => `${p.what}: ${p.cure}.`,
    true,
  ),
  TIMEOUT: entry(
    503,
    'Timed out',
    (p: { what: string; timeoutMs: number }) =>
      `${p.what} did not finish within ${p.timeoutMs} ms: try again.`,
    true,
  ),
  LOCKED: entry(
    503,
    'Data directory is in use',
    (p: { directory: string; pid: number }) =>
      `${p.directory} is held by the process ${p.pid}: stop that service, or use it over HTTP.`,
  ),
  STORAGE_FULL: entry(
    507,
    'Disk is full',
    (p: { what: string }) =>
      `${p.what} found no room on the disk and stored nothing: free space, then try again.`,
    true,
  ),
  CORRUPT_EVENT: entry(
    500,
    'Stored event is damaged',
    (p: { stream: string; sequence: number | 'unknown'; what: string }) =>
      `Event ${p.sequence} of stream ${p.stream} is not what was stored (${p.what}): run fsck, then restore the log from a backup.`,
  ),
  FOREIGN_POSITION: entry(
    400,
    'Position of another log',
    (p: { position: string; storeId: string }) =>
      `${p.position} is no position of the log ${p.storeId}: use positions with the log that gave them, or start from the beginning.`,
  ),
  FORMAT_TOO_NEW: entry(
    503,
    'Log was written by a newer release',
    (p: { directory: string; format: number; newestKnown: number }) =>
      `${p.directory} has log format ${p.format}, this release knows formats up to ${p.newestKnown}: start the release that wrote it, or a newer one.`,
  ),
  NO_LOG: entry(
    503,
    'No log here',
    (p: { directory: string; what: string; cure: string }) => `${p.directory} ${p.what}: ${p.cure}.`,
  ),
  UNKNOWN_STORE: entry(
    503,
    'Event store not known',
    (p: { store: string; cure: string }) => `${p.store} names no event store of this release: ${p.cure}.`,
  ),
} as const;

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
