import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskRefusal } from '../disk/disk-refusal.ts';
import { makeWholeFile, syncFolder } from '../disk/whole-file.ts';
import { LedgerError } from '../errors.ts';
import { sha256Hex } from '../events/digest.ts';
import type { KeyShelf } from './key-shelf.ts';
import { wrappedKeyBytes } from './wrapped-key.ts';

/** The folder of `keys/` in which they stand. */
export const keyFilesFolder = 'streams';

const shardName = /^[0-9a-f]{2}$/;
const fileName = /^[0-9a-f]{64}$/;
const what = 'The keyring';

/**
 * One small file a stream: safe where several machines write to one folder, which LMDB is not. It holds the wrapped key ‖
 * the stream's name in UTF-8, and is called by the SHA-256 of that name, in a folder of its first two digits. Not by an
 * HMAC: under another deployment's secrets it would then not be found, and so be taken for erased.
 *
 * `get` reads a file of some 100 bytes while everything else waits: 0.1 ms on a disk of this machine, a few round trips on a
 * network file system. An absence is never remembered: another node may make the key at any moment.
 */
export function keyFiles(keysDirectory: string): KeyShelf {
  const folder = join(keysDirectory, keyFilesFolder);
  const durableShards = new Set<string>();
  const pathOf = (stream: string): string => join(folder, partsOf(stream));
  const placeOf = (stream: string): string => `keys/${keyFilesFolder}/${partsOf(stream)}`;

  // A shard that is there may be another process's that died before it was durable: each is synced once by this one.
  const ensureShard = async (shard: string): Promise<void> => {
    if (durableShards.has(shard)) return;
    await mkdir(shard, { recursive: true, mode: 0o700 });
    await syncFolder(folder);
    await syncFolder(keysDirectory);
    durableShards.add(shard);
  };

  const get = (stream: string): Uint8Array | undefined => {
    const bytes = readNow(pathOf(stream));
    if (bytes === undefined) return undefined;
    if (nameIn(bytes) !== stream) throw new LedgerError('KEYS_UNREADABLE', { file: placeOf(stream) });
    return bytes.subarray(0, wrappedKeyBytes);
  };

  return {
    get,
    placeOf,
    put: async (stream, wrapped) => {
      const path = pathOf(stream);
      const isOurs = await refusing(async () => {
        await ensureShard(dirname(path));
        return makeWholeFile(path, Buffer.concat([wrapped, Buffer.from(stream)]));
      });
      const stored = isOurs ? wrapped : get(stream);
      if (stored !== undefined) return stored;
      // It was there a moment ago: who takes keys away while others seal with them loses their texts.
      throw new LedgerError('KEYS_UNREADABLE', { file: placeOf(stream) });
    },
    settle: (stream) => refusing(() => syncFolder(dirname(pathOf(stream)))),
    async *streams() {
      for (const shard of await namesIn(folder, shardName)) {
        for (const name of await namesIn(join(folder, shard), fileName)) {
          const stream = nameIn(await refusing(() => readFile(join(folder, shard, name))));
          if (stream === undefined || sha256Hex(stream) !== name)
            throw new LedgerError('KEYS_UNREADABLE', { file: `keys/${keyFilesFolder}/${shard}/${name}` });
          yield stream;
        }
      }
    },
  };
}

function partsOf(stream: string): string {
  const digest = sha256Hex(stream);
  return join(digest.slice(0, 2), digest);
}

/** The stream whose key the file says it is; undefined where it is too short to say one. */
const nameIn = (bytes: Buffer): string | undefined =>
  bytes.byteLength > wrappedKeyBytes ? bytes.toString('utf8', wrappedKeyBytes) : undefined;

/** Undefined only where the file system says that there is none; whatever else keeps us from it is no erased key. */
function readNow(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw diskRefusal(what, error);
  }
}

const namesIn = async (path: string, pattern: RegExp): Promise<readonly string[]> =>
  (await refusing(() => readdir(path))).filter((name) => pattern.test(name));

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskRefusal(what, error);
  }
}
