import { open, rm, stat } from 'node:fs/promises';
import { ABORT } from 'lmdb';
import { LedgerError } from '../../errors.ts';
import type { Environment } from './environment.ts';

/** What a failed commit means: `goOn` where the next one may be tried, else the log has to be opened anew. */
export type CommitFailure = { readonly error: LedgerError; readonly goOn: boolean };

/** ENOSPC, EDQUOT, EFBIG as errno, and MDB_MAP_FULL. */
const fullCodes = new Set<unknown>([28, 122, 27, -30792, 'ENOSPC', 'EDQUOT', 'EFBIG']);
/** EIO: lmdb's word for a write that the disk took only half of, which is how a full disk first shows. */
const shortWrite = 5;

/** Finds out why a commit of about `sizeBytes` failed. Nothing of it was stored: lmdb gave the transaction up. */
export async function explainFailure(
  environment: Environment,
  failure: unknown,
  sizeBytes: number,
): Promise<CommitFailure> {
  const cause = await commitErrorOf(failure);
  const code = codeOf(cause);
  const full =
    fullCodes.has(code) ||
    (code === shortWrite && !(await hasRoom(environment.path, sizeBytes).catch(() => true)));
  if (full && canBegin(environment)) {
    return { goOn: true, error: new LedgerError('STORAGE_FULL', { what: 'The append' }, { cause }) };
  }
  return { goOn: false, error: brokenLog(cause) };
}

/** STORAGE_FULL where that is what an error of lmdb or the file system says, else the error itself. */
export function fullDiskOr(error: unknown, what: string): unknown {
  return fullCodes.has(codeOf(error)) ? new LedgerError('STORAGE_FULL', { what }, { cause: error }) : error;
}

/** After a commit error whose effect on the disk is unknown, only a fresh look at the disk can be trusted. */
export function brokenLog(cause: unknown): LedgerError<'UNAVAILABLE'> {
  return new LedgerError(
    'UNAVAILABLE',
    {
      what: 'The log stopped taking events because a commit failed',
      cure: 'look at the disk, restart the service, then send the same events again',
    },
    { cause },
  );
}

/** lmdb rejects at once with a wrapper and a moment later, in `commitError`, with the reason. */
async function commitErrorOf(failure: unknown): Promise<unknown> {
  const reason = (failure as { commitError?: Promise<unknown> }).commitError;
  if (reason === undefined) return failure;
  return reason.then(
    () => failure,
    (error: unknown) => error,
  );
}

/** Can a file as long as the log grow by what the append needs? */
async function hasRoom(path: string, sizeBytes: number): Promise<boolean> {
  const probe = `${path}-room`;
  const { size } = await stat(path);
  const bytes = Buffer.alloc(2 * sizeBytes + 64 * 1024, 1);
  const handle = await open(probe, 'w').catch(() => null);
  if (handle === null) return false;
  try {
    const { bytesWritten } = await handle.write(bytes, 0, bytes.length, size);
    return bytesWritten === bytes.length;
  } catch (error) {
    return !fullCodes.has(codeOf(error));
  } finally {
    await handle.close();
    await rm(probe, { force: true });
  }
}

/** A failed write of lmdb's own header makes it refuse every further transaction, and the asynchronous ones hang. */
function canBegin(environment: Environment): boolean {
  try {
    // Aborted, so nothing is written and nothing synced.
    environment.root.transactionSync(() => ABORT);
    return true;
  } catch {
    return false;
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
