import { rmSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeWriterLock } from '../disk/writer-lock.ts';
import { isLedgerError } from '../errors.ts';
import { hasRing, openKeyRing, ringFolder } from './key-ring.ts';
import { copyKeys, type KeyShelf } from './key-shelf.ts';

/** Another node that removes the ring holds it for a moment; whoever holds it for longer is a service on it. */
const maxTries = 5;

/**
 * Takes the keys of an embedded ledger over into files, and removes the ring once all are on the disk: a copy that stays
 * would bring back what is erased later. Any number of nodes may do it at once, and each may die at any point: every one
 * works at a copy of its own, and only a ring that nobody has open and that is still the one that was copied is removed.
 * Throws LOCKED while a service uses the ring, and KEYS_UNREADABLE where ring and files have different keys for a stream.
 */
export async function takeRing(keysDirectory: string, files: KeyShelf): Promise<void> {
  for (let tries = 1; hasRing(keysDirectory); tries += 1) {
    const before = await versionOf(keysDirectory);
    if (before === undefined || !(await copyInto(files, keysDirectory))) return;
    try {
      removeRing(keysDirectory, before);
    } catch (error) {
      if (!isLedgerError(error, 'LOCKED') || tries === maxTries) throw error;
    }
  }
}

/** False where another node has removed the ring meanwhile: then all of it lies in files. */
async function copyInto(files: KeyShelf, keysDirectory: string): Promise<boolean> {
  // On a disk of this machine: LMDB maps what it reads, and another node may remove the original under it.
  const scratch = await mkdtemp(join(tmpdir(), 'runledger-keys-'));
  try {
    await mkdir(join(scratch, ringFolder));
    const copied = await unlessMissing(copyFile(dataOf(keysDirectory), dataOf(scratch)).then(() => true));
    if (copied === undefined) return false;
    const ring = openKeyRing(scratch, { readOnly: true });
    try {
      await copyKeys(ring, files);
    } finally {
      await ring.close();
    }
    return true;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Without a pause in it: nobody can put a key into a ring between the look and its end. */
function removeRing(keysDirectory: string, before: string): void {
  const lock = takeWriterLock(join(keysDirectory, ringFolder));
  try {
    const path = dataOf(keysDirectory);
    const now = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (now === undefined || wordsOf(now) !== before) return;
    rmSync(path);
    rmSync(join(keysDirectory, ringFolder, 'lock.mdb'), { force: true });
  } finally {
    lock.release();
  }
}

const dataOf = (keysDirectory: string): string => join(keysDirectory, ringFolder, 'data.mdb');

const versionOf = (keysDirectory: string): Promise<string | undefined> =>
  unlessMissing(stat(dataOf(keysDirectory), { bigint: true }).then(wordsOf));

const wordsOf = ({ size, mtimeNs }: { readonly size: bigint; readonly mtimeNs: bigint }): string =>
  `${size} ${mtimeNs}`;

async function unlessMissing<T>(pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
