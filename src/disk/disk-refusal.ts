import { LedgerError } from '../errors.ts';

/** Did the file system refuse, and not we? */
export const isOfTheDisk = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error;

/**
 * STORAGE_FULL or UNAVAILABLE for an error of the file system. That error names paths of this machine, which no client may
 * read: it stays the cause. `what` begins the sentence, such as `The media folder`.
 */
export function diskRefusal(what: string, error: unknown): LedgerError {
  const isFull =
    error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(error.code));
  return isFull
    ? new LedgerError('STORAGE_FULL', { what }, { cause: error })
    : new LedgerError(
        'UNAVAILABLE',
        { what, cure: 'read the service log, and check the disk' },
        { cause: error },
      );
}
