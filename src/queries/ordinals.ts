import type { RoaringBitmap32 } from 'roaring-wasm';
import type { Reader, Table } from '../projector/projection.ts';

/** An ordered set of ordinals, by rank: what a filter selects, however it is held. */
export type Ordinals = {
  readonly size: number;
  /** How many members are below. */
  readonly below: (ordinal: number) => number;
  /** Members with ranks from `from` to before `to`, ascending. */
  readonly slice: (from: number, to: number) => ArrayLike<number> & Iterable<number>;
};

/** All ordinals below `size`. */
export const everyOrdinal = (size: number): Ordinals => ({
  size,
  below: (ordinal) => Math.min(ordinal, size),
  slice: (from, to) => Array.from({ length: to - from }, (_, index) => from + index),
});

export const bitmapOrdinals = (bitmap: RoaringBitmap32): Ordinals => ({
  size: bitmap.size,
  below: (ordinal) => (ordinal === 0 ? 0 : bitmap.rank(ordinal - 1)),
  slice: (from, to) => bitmap.sliceUint32Array(from, to),
});

/** Straight from the rows under [field, value], whose number is kept: good near the end, where the newest are. */
export const rowOrdinals = (
  reader: Reader,
  table: Table,
  [field, value]: readonly [string, string],
  size: number,
): Ordinals => ({
  size,
  below: (ordinal) =>
    size -
    reader.count(table, { start: [field, value, ordinal], end: [field, value, Number.MAX_SAFE_INTEGER] }),
  slice(from, to) {
    const newestFirst = reader.keys(table, {
      start: [field, value, Number.MAX_SAFE_INTEGER],
      end: [field, value],
      reverse: true,
      offset: size - to,
      limit: to - from,
    });
    return Array.from(newestFirst, (key) => (typeof key === 'object' ? Number(key[2]) : 0)).toReversed();
  },
});
