import { open, readdir, writeFile } from 'node:fs/promises';
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
