import { RoaringBitmap32 } from 'roaring-wasm';
import { countsTable, filtersTable } from '../../projections/run-list.ts';
import type { Change } from '../projector/projector.ts';
import type { Reader } from '../projector/projection.ts';

/** Bitmaps that are kept; at a million runs the densest has 125 KB. */
const maxBitmaps = 512;
/** So few members are looked up one by one rather than against a bitmap that is not there yet. */
const fewMembers = 512;

/** One field of a filter with the values that match. */
export type Term = { readonly field: string; readonly values: readonly string[] };

/** A bitmap that its taker disposes of. */
export type OwnedBitmap = RoaringBitmap32;

/**
 * Bitmaps of ordinals by filter value: a cache only. One is built from the rows at its first use and then follows the
 * commits, in the turn in which readers see them, so that a query has rows and bitmaps of one commit.
 */
export type FilterBitmaps = {
  readonly has: (field: string, value: string) => boolean;
  /** The runs that all terms select, within `bounds` if given. */
  readonly select: (reader: Reader, terms: readonly Term[], bounds?: RoaringBitmap32) => OwnedBitmap;
  readonly follow: (change: Change) => void;
};

export const countOf = (reader: Reader, { field, values }: Term): number =>
  values.reduce((sum, value) => sum + (reader.get(countsTable, [field, value]) ?? 0), 0);

export function createFilterBitmaps(): FilterBitmaps {
  const bitmaps = new Map<string, RoaringBitmap32>();
  const nameOf = (field: string, value: string): string => `${field} ${value}`;

  const bitmapOf = (reader: Reader, field: string, value: string): RoaringBitmap32 => {
    const name = nameOf(field, value);
    const known = bitmaps.get(name);
    const bitmap = known ?? buildBitmap(reader, field, value);
    // Put last again: the map's first is the one that was not used for longest.
    bitmaps.delete(name);
    bitmaps.set(name, bitmap);
    const eldest = bitmaps.entries().next().value;
    if (bitmaps.size > maxBitmaps && eldest !== undefined) {
      bitmaps.delete(eldest[0]);
      eldest[1].dispose();
    }
    return bitmap;
  };

  const isCached = ({ field, values }: Term): boolean =>
    values.every((value) => bitmaps.has(nameOf(field, value)));

  const narrow = (reader: Reader, selected: OwnedBitmap, term: Term): void => {
    const { field, values } = term;
    if (selected.size <= fewMembers && !isCached(term)) {
      const isIn = (ordinal: number): boolean =>
        values.some((value) => reader.has(filtersTable, [field, value, ordinal]));
      selected.removeMany(selected.toArray().filter((ordinal) => !isIn(ordinal)));
      return;
    }
    const [only] = values;
    if (values.length === 1 && only !== undefined) {
      selected.andInPlace(bitmapOf(reader, field, only));
      return;
    }
    const union = unionOf(reader, term);
    selected.andInPlace(union);
    union.dispose();
  };

  const unionOf = (reader: Reader, { field, values }: Term): OwnedBitmap => {
    const union = new RoaringBitmap32();
    for (const value of values) union.orInPlace(bitmapOf(reader, field, value));
    return union;
  };

  return {
    has: (field, value) => bitmaps.has(nameOf(field, value)),
    select(reader, terms, bounds) {
      const [least, ...others] = terms
        .map((term) => ({ term, count: countOf(reader, term) }))
        .sort((a, b) => a.count - b.count);
      if (least === undefined) return bounds?.clone() ?? new RoaringBitmap32();
      const selected = unionOf(reader, least.term);
      if (bounds !== undefined) selected.andInPlace(bounds);
      for (const { term } of others) {
        if (selected.isEmpty) break;
        narrow(reader, selected, term);
      }
      return selected;
    },
    follow(change) {
      if (change.kind === 'replaced') {
        for (const bitmap of bitmaps.values()) bitmap.dispose();
        bitmaps.clear();
        return;
      }
      if (bitmaps.size === 0) return;
      for (const { key, row } of change.rows(filtersTable)) {
        const [field, value, ordinal] = key as readonly [string, string, number];
        const bitmap = bitmaps.get(nameOf(field, value));
        if (bitmap === undefined) continue;
        if (row === undefined) bitmap.delete(ordinal);
        else bitmap.add(ordinal);
      }
    },
  };
}

function buildBitmap(reader: Reader, field: string, value: string): RoaringBitmap32 {
  const keys = reader.keys(filtersTable, {
    start: [field, value],
    end: [field, value, Number.MAX_SAFE_INTEGER],
  });
  const ordinals = Uint32Array.from(keys, (key) => (typeof key === 'object' ? Number(key[2]) : 0));
  const bitmap = new RoaringBitmap32(ordinals);
  bitmap.runOptimize();
  return bitmap;
}
