import { open, rm, stat } from 'node:fs/promises';
import { LedgerError } from '../errors.ts';

/** No room on the disk, over a quota, beyond the limit of a file, or a full map. */
const saysFull = /no space|file too large|quota|MAP_FULL|ENOSPC|EDQUOT|EFBIG/i;
/** lmdb's word for a write that the disk took only half of, which is how a full disk first shows. */
const saysCut = /input\/output error/i;
/** What a commit of a few batches needs. */
const roomBytes = 1024 * 1024;

/**
 * Why a commit into the file failed: STORAGE_FULL, after which the next one may be tried, or PROJECTIONS_UNWRITABLE. lmdb
 * tells it in a second promise, which must be caught or the process dies of it.
 */
export async function commitFailure(error: unknown, file: string): Promise<LedgerError> {
  let reason = error;
  try {
    await (error as { commitError?: Promise<unknown> }).commitError;
  } catch (cause) {
    reason = cause;
  }
  const text = reason instanceof Error ? reason.message : String(reason);
  if (saysFull.test(text) || (saysCut.test(text) && !(await hasRoom(file)))) {
    return new LedgerError('STORAGE_FULL', { what: 'The commit of the projections' }, { cause: reason });
  }
  return new LedgerError('PROJECTIONS_UNWRITABLE', { why: text }, { cause: reason });
}

/** Can a file as long as this one grow? */
async function hasRoom(file: string): Promise<boolean> {
  const probe = `${file}-room`;
  try {
    const { size } = await stat(file);
    const handle = await open(probe, 'w');
    try {
      return (await handle.write(Buffer.alloc(roomBytes, 1), 0, roomBytes, size)).bytesWritten === roomBytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    return !saysFull.test(String(error));
  } finally {
    await rm(probe, { force: true });
  }
}
