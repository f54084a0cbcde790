import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a file, mode 0600, that others see whole or not at all, and that is on the disk once this resolves. Of several who
 * make the same one at the same time, on whatever machine, exactly one does; false for the others, for whom the winner's is
 * on the disk as well. A process that dies in it may leave the draft: the file's name, a dot, a random word and `.new`.
 */
export async function makeWholeFile(path: string, content: string | Uint8Array): Promise<boolean> {
  const draft = `${path}.${randomBytes(8).toString('hex')}.new`;
  let isOurs = true;
  try {
    await writeSynced(draft, content);
    // Not a rename: that would put ours over another's.
    await link(draft, path);
  } catch (error) {
    if (!isThere(error)) throw error;
    isOurs = false;
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(path));
  return isOurs;
}

/** Puts a file, mode 0600, in the place of whatever has its name: others see the one or the other, whole. On the disk once it resolves. */
export async function replaceWholeFile(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString('hex')}.new`;
  try {
    await writeSynced(draft, content);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(path));
}

/** Forces a folder's entries to the disk: a new file is only sure to be found again after that. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

const isThere = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST';
