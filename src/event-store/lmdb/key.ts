import { readU32, writeU32 } from './record.ts';

/** How lmdb writes and reads the keys of a table: bytes that sort like the values. */
export type KeyEncoder<K> = {
  /** Returns the end of what it wrote. */
  readonly writeKey: (key: K, target: Buffer, start: number) => number;
  readonly readKey: (source: Buffer, start: number, end: number) => K;
};

/** Six bytes big-endian: 2^48 events. */
export const ordinalKey: KeyEncoder<number> = {
  writeKey: (ordinal, target, start) => target.writeUIntBE(ordinal, start, 6),
  readKey: (source, start) => source.readUIntBE(start, 6),
};

/** [stream number, revision], eight bytes. */
export const indexKey: KeyEncoder<readonly number[]> = {
  writeKey: ([streamNumber = 0, revision = 0], target, start) => {
    writeU32(target, start, streamNumber);
    writeU32(target, start + 4, revision);
    return start + 8;
  },
  readKey: (source, start) => [readU32(source, start), readU32(source, start + 4)],
};

/** A stream's number: 0x00 and four bytes; its name: 0x01 and UTF-8. */
export const nameKey: KeyEncoder<string | number> = {
  writeKey: (key, target, start) => {
    if (typeof key === 'string') {
      target[start] = 1;
      return start + 1 + target.write(key, start + 1);
    }
    target[start] = 0;
    writeU32(target, start + 1, key);
    return start + 5;
  },
  readKey: (source, start, end) =>
    source[start] === 1 ? source.toString('utf8', start + 1, end) : readU32(source, start + 1),
};
