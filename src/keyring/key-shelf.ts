import { LedgerError } from '../errors.ts';

/** Where wrapped keys lie, by stream. */
export type KeyShelf = {
  /** Undefined where there is none. Throws KEYS_UNREADABLE for one that is damaged. */
  readonly get: (stream: string) => Uint8Array | undefined;
  /** Resolves, once it is on the disk, to what lies there: another's, where another came first. */
  readonly put: (stream: string, wrapped: Uint8Array) => Promise<Uint8Array>;
  /** Resolves once what `get` has found is on the disk. */
  readonly settle: (stream: string) => Promise<void>;
  /** Every stream that has a key. */
  readonly streams: () => AsyncIterable<string>;
  /** Where the stream's key lies, as an error may name it. */
  readonly placeOf: (stream: string) => string;
};

/** Keys that are written at once: most of the time goes into waiting for the disk. */
const writtenAtOnce = 1_000;

/** Puts every key of one shelf on another. Throws KEYS_UNREADABLE where that has a different one for a stream. */
export async function copyKeys(from: KeyShelf, to: KeyShelf): Promise<void> {
  let writing: Promise<void>[] = [];
  try {
    for await (const stream of from.streams()) {
      writing.push(copyKey(stream, from, to));
      if (writing.length < writtenAtOnce) continue;
      await Promise.all(writing);
      writing = [];
    }
    await Promise.all(writing);
  } finally {
    // Nobody goes on with a shelf that the caller closes.
    await Promise.allSettled(writing);
  }
}

async function copyKey(stream: string, from: KeyShelf, to: KeyShelf): Promise<void> {
  // Copied: lmdb hands out views of a buffer that it uses again.
  const wrapped = Buffer.from(from.get(stream) ?? []);
  const stored = await to.put(stream, wrapped);
  if (wrapped.equals(stored)) return;
  const cause = new Error(`${to.placeOf(stream)} has another key for ${stream} than ${from.placeOf(stream)}`);
  throw new LedgerError('KEYS_UNREADABLE', { file: from.placeOf(stream) }, { cause });
}
