import { Buffer } from 'node:buffer';
import { compareKeys } from 'lmdb';
import type { RowKey, RowRange } from './projection.ts';

/** The longest key of a row in bytes of its parts, well below what LMDB takes. */
export const maxRowKeyBytes = 1024;

/** One text per key, so that a Map can hold rows by key. */
export function identityOf(key: RowKey): string | number {
  if (typeof key === 'number') return key;
  if (typeof key !== 'string') return JSON.stringify(key);
  // Only a text that could be taken for the JSON of another key needs quoting.
  return key.startsWith('[') || key.startsWith('"') ? JSON.stringify(key) : key;
}

/** Refuses what LMDB would refuse inside the transaction, where nothing may throw any more. */
export function checkKey(key: RowKey): void {
  const parts = typeof key === 'object' ? key : [key];
  let bytes = 0;
  for (const part of parts) {
    if (typeof part === 'number') {
      if (!Number.isFinite(part)) throw new TypeError(`a row key cannot hold ${part}`);
      bytes += 10;
    } else {
      // Three bytes a code unit is the most that UTF-8 takes; only long texts are worth an exact count.
      bytes += (part.length * 3 < maxRowKeyBytes ? part.length * 3 : Buffer.byteLength(part)) + 2;
    }
  }
  if (parts.length === 0 || bytes === 2 || bytes > maxRowKeyBytes)
    throw new TypeError(`a row key has ${bytes} bytes, it may have 3 to ${maxRowKeyBytes}`);
}

/** LMDB's own order of keys. */
export const compareRowKeys = (a: RowKey, b: RowKey): number => compareKeys(toLmdbKey(a), toLmdbKey(b));

/** Is the key within the range? */
export function inRange(key: RowKey, { start, end, reverse = false }: RowRange): boolean {
  const sign = reverse ? -1 : 1;
  if (start !== undefined && compareRowKeys(key, start) * sign < 0) return false;
  return end === undefined || compareRowKeys(key, end) * sign < 0;
}

/** lmdb's types want a mutable array where ours is readonly; it does not change it. */
export const toLmdbKey = (key: RowKey): string | number | (string | number)[] =>
  key as string | number | (string | number)[];
