import { open, readdir, writeFile } from 'node:fs/promises';
import { LedgerError } from '../errors.ts';
import { type MediaFiles, nodeFiles } from '../media/media-files.ts';

/** What exports ask of a file system. */
export type ExportFiles = Omit<MediaFiles, 'writeSynced'> & {
  /** Writes a new file and forces it to the disk. */
  readonly writeStream: (path: string, chunks: Chunks, signal: AbortSignal) => Promise<void>;
  /** Forces a file to the disk. */
  readonly sync: (path: string) => Promise<void>;
  /** What is in a folder; nothing where it is not there. */
  readonly namesIn: (path: string) => Promise<readonly string[]>;
};

export type Chunks = Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

export const exportFiles: ExportFiles = {
  ...nodeFiles,
  async writeStream(path, chunks, signal) {
    const file = await open(path, 'wx', 0o600);
    try {
      await writeFile(file, chunks, { signal });
      await file.sync();
    } finally {
      await file.close();
    }
  },
  // Synced like a folder: what counts is that it is open.
  sync: nodeFiles.syncFolder,
  async namesIn(path) {
    try {
      return await readdir(path);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  },
};

/** Is this the system's complaint about a file, rather than one of ours? */
export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error;

/** An error of the file system names paths of this machine, which no client may read: it stays the cause. */
export function diskFault(error: NodeJS.ErrnoException): LedgerError {
  const what = 'The export folder';
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(error.code))
    ? new LedgerError('STORAGE_FULL', { what }, { cause: error })
    : new LedgerError(
        'UNAVAILABLE',
        { what, cure: 'read the service log, and check the disk' },
        { cause: error },
      );
}
