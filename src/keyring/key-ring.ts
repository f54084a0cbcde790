import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open } from 'lmdb';
import { takeWriterLock, type WriterLock } from '../disk/writer-lock.ts';
import { LedgerError } from '../errors.ts';
import type { KeyShelf } from './key-shelf.ts';

/** The folder of `keys/` in which it stands. */
export const ringFolder = 'ring';

/** A shelf in LMDB: what one process on one machine keeps its keys in. */
export type KeyRing = KeyShelf & {
  /** Writes a consistent copy into a folder that is there. */
  readonly backup: (directory: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

export const hasRing = (keysDirectory: string): boolean =>
  existsSync(join(keysDirectory, ringFolder, 'data.mdb'));

/** Opens `keys/ring`, for this process alone unless it is only read. Throws LOCKED where another process writes to it. */
export function openKeyRing(keysDirectory: string, { readOnly }: { readonly readOnly: boolean }): KeyRing {
  const directory = join(keysDirectory, ringFolder);
  const lock = readOnly ? undefined : takeWriterLock(directory);
  const ring = openDatabase(directory, { readOnly, lock });
  return {
    get: (stream) => ring.get(stream),
    placeOf: () => `keys/${ringFolder}`,
    put: async (stream, wrapped) => {
      const known = ring.get(stream);
      if (known !== undefined) return known;
      await putDurably(ring, stream, Buffer.from(wrapped));
      // Read back before anything is sealed with it: a key that is not there loses every text of its stream.
      if (ring.get(stream)?.equals(wrapped) !== true) {
        const what = `The key of ${stream} was not stored`;
        throw new LedgerError('UNAVAILABLE', { what, cure: 'send the same again' });
      }
      return wrapped;
    },
    // What can be seen of it is on the disk.
    settle: async () => undefined,
    async *streams() {
      // All read before the first is given away: whoever gets it may write.
      yield* Array.from(ring.getKeys());
    },
    backup: (target) => ring.backup(target, true),
    close: async () => {
      await ring.close();
      lock?.release();
    },
  };
}

type Opening = { readonly readOnly: boolean; readonly lock: WriterLock | undefined };

function openDatabase(path: string, { readOnly, lock }: Opening): Database<Buffer, string> {
  const options = {
    path,
    encoding: 'binary',
    keyEncoding: 'ordered-binary',
    overlappingSync: false,
    eventTurnBatching: false,
    // lmdb knows this option (src/env.cpp), its types do not; without it the files are open to everybody.
    permissionsMode: 0o600,
    readOnly,
  } as const;
  try {
    return open(options);
  } catch (error) {
    lock?.release();
    throw error;
  }
}

/** lmdb rejects a failed commit twice: once here, once on the error's own promise, which nobody else would catch. */
async function putDurably(ring: Database<Buffer, string>, stream: string, wrapped: Buffer): Promise<void> {
  try {
    await ring.put(stream, wrapped);
  } catch (error) {
    const { commitError } = error as { commitError?: Promise<unknown> };
    commitError?.catch(() => undefined);
    throw new LedgerError('STORAGE_FULL', { what: 'The keyring' }, { cause: error });
  }
}
