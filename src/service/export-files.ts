import { open, opendir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MediaFiles, nodeFiles } from '../media/media-files.ts';

/** What exports ask of a file system. */
export type ExportFiles = Omit<MediaFiles, 'writeSynced'> & {
  /** Writes a new file and forces it to the disk. */
  readonly writeStream: (path: string, chunks: Chunks, signal: AbortSignal) => Promise<void>;
  /** Forces a file to the disk. */
  readonly sync: (path: string) => Promise<void>;
  /** What is in a small folder; nothing where it is not there. */
  readonly namesIn: (path: string) => Promise<readonly string[]>;
  /** How much is in a folder of any size. */
  readonly countIn: (path: string) => Promise<number>;
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
  namesIn: (path) => unlessMissing(readdir(path), []),
  async countIn(path) {
    let count = 0;
    for await (const _ of (await unlessMissing(opendir(path), undefined)) ?? []) count += 1;
    return count;
  },
  removeFolder,
};

/** Files that are removed at once. */
const removedAtOnce = 32;

/** Piece by piece: to remove a hundred thousand files in one call would hold up everything else for a second. */
async function removeFolder(path: string): Promise<void> {
  let removing: Promise<void>[] = [];
  for await (const entry of (await unlessMissing(opendir(path), undefined)) ?? []) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) await removeFolder(inside);
    else removing.push(rm(inside, { force: true }));
    if (removing.length < removedAtOnce) continue;
    await Promise.all(removing);
    removing = [];
  }
  await Promise.all(removing);
  await rm(path, { recursive: true, force: true });
}

/** Also where the path is that of a file. */
async function unlessMissing<T, M>(pending: Promise<T>, missing: M): Promise<T | M> {
  try {
    return await pending;
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code)))
      return missing;
    throw error;
  }
}
