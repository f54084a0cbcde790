import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { LedgerError } from '../errors.ts';
import { openLmdbLog, openLmdbSnapshot } from '../event-store/lmdb/log.ts';
import { openEventReader } from '../event-store/open.ts';
import type { EventReader } from '../event-store/port.ts';
import { type Keyring, openKeyring } from '../keyring/keyring.ts';
import { directoriesOf } from './directories.ts';

/** Folders and files of the media store; what is being written stands elsewhere and may be gone in a moment. */
const mediaFolder = /^[0-9a-f]{2}$/;
const mediaFile = /^[0-9a-f]{64}$/;

/**
 * Copies a ledger, also beside the services that write to it, into one that is embedded: of a log on a server the events are
 * written anew, with their ids, hashes and order, but at positions of a new log. The log is copied first: whatever key or
 * medium an event in the copy needs was durable before that event, so the later copies hold it. It gets its name last: a
 * copy that was cut short has no log, and can never be taken for one without keys. Read models are left out; they are
 * rebuilt. `openReader` is the door to logs.
 */
export async function backUpLedger(
  config: Pick<Config, 'store' | 'dataDirectory' | 'sharedDirectory'>,
  target: string,
  openReader: typeof openEventReader = openEventReader,
): Promise<void> {
  const from = directoriesOf(config);
  const log = await openReader({ store: config.store, directory: from.data });
  const draft = join(target, 'log.part');
  try {
    await refuseFilled(target);
    await (log.backup === undefined ? writeAnew(log, draft) : log.backup(draft));
  } finally {
    await log.close();
  }
  const keyring = await openKeyring(from.keys, { readOnly: true, isShared: log.isShared });
  try {
    await keyring.backup(join(target, 'keys'));
    await verifyKeys(draft, join(target, 'keys'), keyring);
  } finally {
    await keyring.close();
  }
  await copyMedia(from.media, join(target, 'media'));
  for (const part of ['keys', 'keys/deployment.json', 'keys/ring', 'keys/ring/data.mdb', 'media'])
    await sync(join(target, part));
  await rename(draft, join(target, 'log'));
  await sync(target);
}

/** Appends that wait for the disk together. */
const maxInFlight = 500;

/** Everything up to the present end of a log that others go on writing to, in its order. */
async function writeAnew(log: EventReader, directory: string): Promise<void> {
  const copy = await openLmdbLog({ directory });
  let writing: Promise<unknown>[] = [];
  try {
    for await (const { id, type, stream, revision, core, hash, sealed } of log.readAll()) {
      // Copied: a store may hand out views of a buffer that it uses again.
      const bytes = { core: Uint8Array.from(core), hash: Uint8Array.from(hash) };
      const ready = { id, type, ...bytes, sealed: sealed === null ? null : Uint8Array.from(sealed) };
      writing.push(copy.append(stream, [ready], revision === 0 ? 'noStream' : revision - 1));
      if (writing.length < maxInFlight) continue;
      await Promise.all(writing);
      writing = [];
    }
    await Promise.all(writing);
  } finally {
    await Promise.allSettled(writing);
    await copy.close();
  }
}

/** A copy without a key that its log needs would lose texts that the original has: better no copy at all. */
async function verifyKeys(logCopy: string, keysCopy: string, original: Keyring): Promise<void> {
  const log = await openLmdbSnapshot({ directory: logCopy });
  const copied = await openKeyring(keysCopy, { readOnly: true });
  try {
    for (const stream of log.streamNames()) {
      if (copied.keyOf(stream) !== undefined || original.keyOf(stream) === undefined) continue;
      const what = `The copy lacks the key of ${stream}`;
      throw new LedgerError('UNAVAILABLE', { what, cure: 'remove it, and make another' });
    }
  } finally {
    await copied.close();
    await log.close();
  }
}

async function refuseFilled(target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  if ((await readdir(target)).length > 0) {
    throw new LedgerError('BACKUP_TARGET', { directory: target });
  }
}

async function copyMedia(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  for (const folder of await readdir(from)) {
    if (!mediaFolder.test(folder)) continue;
    await mkdir(join(to, folder), { mode: 0o700 });
    for (const file of await readdir(join(from, folder))) {
      if (!mediaFile.test(file)) continue;
      const copy = join(to, folder, file);
      await copyFile(join(from, folder, file), copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      await sync(copy);
    }
    await sync(join(to, folder));
  }
}

/** Forces a file, or a folder's entries, to the disk. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
