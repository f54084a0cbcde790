import { expect, test } from 'vitest';
import { canonicalBytes } from '../../src/events/canonical.ts';
import { catalogue } from '../../src/events/catalogue.ts';
import { bundle as bundleSchema, bundleBytes, bundlePieces } from '../../src/ledger/bundle.ts';
import { isMalformed, readBundle } from '../../src/ledger/read-bundle.ts';
import { endingTypes, verifyBundle } from '../../src/ledger/verify.ts';
import { pinned } from './cases.ts';
import { endedBundle } from './small-ledger.ts';

type Members = { readonly [name: string]: Json };
type Json = null | boolean | number | string | readonly Json[] | Members;

const wrong: readonly Json[] = [null, true, -1, 0, 0.5, 2 ** 53, 'x', '', 'A'.repeat(44), [], {}, [0], ['x']];

/** The value with each of its parts put in another's place, left out, or with one more beside it. */
function* changesOf(value: Json): Generator<Json> {
  yield* wrong;
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    yield [...list, ...list];
    for (const [at, member] of list.slice(0, 2).entries()) {
      yield list.toSpliced(at, 1);
      for (const changed of changesOf(member)) yield list.with(at, changed);
    }
    return;
  }
  const object = value as Members;
  yield { ...object, more: 1 };
  for (const [name, member] of Object.entries(object)) {
    yield Object.fromEntries(Object.entries(object).filter(([other]) => other !== name));
    for (const changed of changesOf(member)) yield { ...object, [name]: changed };
  }
}

test('the schema of a bundle and the reader of the verifier take the very same values', () => {
  const whole = JSON.parse(bundleBytes(endedBundle()).toString()) as Json;
  expect(bundleSchema.safeParse(whole).success).toBe(true);
  const counts = { taken: 0, refused: 0 };
  for (const value of changesOf(whole)) {
    const isRead = !isMalformed(readBundle(canonicalBytes(value)));
    expect(bundleSchema.safeParse(value).success, JSON.stringify(value).slice(0, 200)).toBe(isRead);
    counts[isRead ? 'taken' : 'refused'] += 1;
  }
  expect(counts.taken).toBeGreaterThan(20);
  expect(counts.refused).toBeGreaterThan(500);
});

test('the item types that end a run are those of the catalogue', () => {
  const ends = ['complete', 'fail_run', 'cancel_run', 'block_run'];
  const ending = Object.entries(catalogue).filter(([, { effect }]) => ends.includes(effect));
  expect(endingTypes.toSorted()).toEqual(ending.map(([name]) => name).toSorted());
});

test('the same run has the same bytes', () => {
  expect(bundleBytes(endedBundle(20)).equals(bundleBytes(endedBundle(20)))).toBe(true);
  expect([...bundlePieces(endedBundle(20))].join('')).toBe(bundleBytes(endedBundle(20)).toString());
});

test('a run of 5,000 items is verified', () => {
  const bytes = bundleBytes(endedBundle(4_996));
  const { outcome, seen } = verifyBundle(bytes, pinned);
  expect(outcome).toBe('verified');
  expect(seen?.items).toBe(5_000);
});
