import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Database, open, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb';
import { LedgerError } from '../../errors.ts';
import { indexKey, nameKey, ordinalKey } from './key.ts';

/** The files and tables of one log. Values are bytes; nothing is ever overwritten or removed. */
export type Environment = {
  readonly storeId: string;
  readonly path: string;
  readonly root: RootDatabase<Buffer, string>;
  /** Ordinal in the whole log (first is 1) → record. Only ever appended to. */
  readonly events: Database<Buffer, number>;
  /** Stream number and first revision of an append → its first ordinal u48 and count u16. */
  readonly index: Database<Buffer, number[]>;
  /** Stream name → number u32, and number → name. Numbers count from 1. */
  readonly names: Database<Buffer, string | number>;
};

const formatVersion = 1;
const dataFile = 'data.mdb';

// Virtual, not used: lmdb maps the file in one piece and would have to map anew whenever the log outgrows this.
const mapSizeBytes = 2 ** 40;
// Measured with events of 600 + 350 bytes: 8 KiB stores 1.3 times the payload, 4 KiB 2.2 times, 16 KiB is slower.
const pageSizeBytes = 8192;

type Options = {
  readonly directory: string;
  readonly readOnly: boolean;
  /** Only ever true in the test that shows that the trace of system calls notices missing syncs. */
  readonly unsafeNoSync?: boolean;
};

/**
 * Opens or makes the tables in `directory`. Throws NO_LOG where read-only finds nothing and FORMAT_TOO_NEW for a log of
 * a newer release.
 */
export async function openEnvironment({ directory, readOnly, unsafeNoSync }: Options): Promise<Environment> {
  const path = join(directory, dataFile);
  const fresh = !existsSync(path);
  if (readOnly && fresh) {
    throw new LedgerError('NO_LOG', { directory, what: `has no ${dataFile}`, cure: 'check the directory' });
  }
  mkdirSync(directory, { recursive: true });
  const options: RootDatabaseOptionsWithPath & { batchStartThreshold: number; txnStartThreshold: number } = {
    path,
    noSubdir: true,
    readOnly,
    noSync: unsafeNoSync === true,
    // Visible then means durable: no reader can see an event that a power cut would take back.
    overlappingSync: false,
    eventTurnBatching: false,
    // lmdb's thread begins with the first put of a group instead of a turn of the event loop later (a quarter faster at
    // 64 appends in flight). The group is one block to it, so it never commits before the last put.
    batchStartThreshold: 1,
    txnStartThreshold: 1,
    encoding: 'binary',
    pageSize: pageSizeBytes,
    mapSize: mapSizeBytes,
    maxDbs: 8,
  };
  const root = open<Buffer, string>(options);
  try {
    const meta = openTable<string>(root, directory, 'meta', {});
    const events = openTable<number>(root, directory, 'events', { keyEncoder: ordinalKey });
    const index = openTable<number[]>(root, directory, 'index', { keyEncoder: indexKey });
    const names = openTable<string | number>(root, directory, 'names', { keyEncoder: nameKey });
    const storeId = meta.get('storeId')?.toString() ?? (await initialise(meta, directory, readOnly));
    const format = Number(meta.get('format')?.toString());
    if (format !== formatVersion) {
      throw new LedgerError('FORMAT_TOO_NEW', { directory, format, newestKnown: formatVersion });
    }
    if (fresh) await syncDirectories(directory);
    return { storeId, path, root, events, index, names };
  } catch (error) {
    await root.close();
    throw error;
  }
}

/** Makes the names of files durable, which syncing the files does not. */
export async function syncDirectories(directory: string): Promise<void> {
  for (const folder of [directory, dirname(directory)]) {
    const handle = await openFile(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function openTable<K extends string | number | number[]>(
  root: RootDatabase<Buffer, string>,
  directory: string,
  name: string,
  keys: { keyEncoder?: unknown },
): Database<Buffer, K> {
  const table = root.openDB<Buffer, K>({ name, encoding: 'binary', ...keys }) as
    | Database<Buffer, K>
    | undefined;
  if (table === undefined) {
    throw new LedgerError('NO_LOG', {
      directory,
      what: `has no table ${name}`,
      cure: 'start the service once, so that it finishes making the log',
    });
  }
  return table;
}

async function initialise(
  meta: Database<Buffer, string>,
  directory: string,
  readOnly: boolean,
): Promise<string> {
  if (readOnly) {
    throw new LedgerError('NO_LOG', {
      directory,
      what: 'has a log that was never finished',
      cure: 'start the service once, so that it finishes making the log',
    });
  }
  const storeId = randomUUID();
  await meta.batch(() => {
    void meta.put('storeId', Buffer.from(storeId));
    void meta.put('format', Buffer.from(String(formatVersion)));
  });
  return storeId;
}
