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
  // -- events
  CORRUPT_EVENT: entry(
    500,
    'Event is damaged',
    (p: { stream: string; seq: number; why: string }) =>
      `Event ${p.seq} of stream ${p.stream} is not what was recorded (${p.why}): run "runledger fsck", and restore the data directory from a backup.`,
  ),
  UNRECORDABLE: entry(
    400,
    'Cannot be recorded',
    (p: { pointer: string; detail: string }) => `${p.pointer === '' ? 'The value' : p.pointer} ${p.detail}.`,
  ),
  ITEM_SHAPE: entry(
    400,
    'Item has the wrong shape',
    (p: { what: string; cure: string }) => `${p.what}: ${p.cure}.`,
  ),
  // -- keyring
  KEYS_UNREADABLE: entry(
    503,
    'Keys cannot be read',
    (p: { file: string }) =>
      `${p.file} is damaged, and without it every recorded payload would read as erased; nothing was changed: restore the folder keys/ from a backup.`,
  ),
  // -- import
  INVALID_JSON: entry(
    400,
    'Not readable as JSON',
    (p: { why: string }) =>
      `The text is not JSON that has one meaning (${p.why}): mend it, then send it again.`,
  ),
  UNKNOWN_TIME_ZONE: entry(
    400,
    'Unknown time zone',
    (p: { timeZone: string }) =>
      `There is no time zone "${p.timeZone}": name one of the IANA database, such as Europe/Berlin or UTC.`,
  ),
  TOO_MANY_RECORDS: entry(
    413,
    'Too many records',
    (p: { count: number; limit: number }) =>
      `The request has ${p.count} records, one request may have ${p.limit}: send fewer, or use "runledger import".`,
  ),
  // -- the life of a run
  RULE_BROKEN: entry(
    422,
    'Not allowed at this point of the run',
    (p: { rule: string; what: string; cure: string }) => `${p.what} (rule ${p.rule}): ${p.cure}.`,
  ),
  RUN_EXISTS: entry(
    409,
    'Run exists already',
    (p: { execution_id: string }) =>
      `A run ${p.execution_id} is recorded already: choose another execution_id, or add items to it.`,
  ),
  OTHER_CONTENT: entry(
    409,
    'Same id, other content',
    (p: { execution_id: string; what: string }) =>
      `Run ${p.execution_id} already holds ${p.what} with other content; nothing was stored: use new client ids for new items.`,
  ),
  RUN_ERASED: entry(
    409,
    'Run is erased',
    (p: { execution_id: string }) =>
      `The content of run ${p.execution_id} was erased and its key destroyed; nothing was stored: add only items without text and without free metadata.`,
  ),
  EXECUTION_NOT_FOUND: entry(
    404,
    'Execution not found',
    (p: { execution_id: string }) =>
      `There is no run ${p.execution_id}: GET /api/runs lists those you can see.`,
  ),
  VERSION_MISMATCH: entry(
    412,
    'Run has another version',
    (p: { execution_id: string; expected: number; actual: number }) =>
      `Run ${p.execution_id} is at version ${p.actual}, If-Match names ${p.expected}: read the run again.`,
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
