import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  complete,
  eventsOf,
  faultsIn,
  final,
  image,
  input,
  inputCheck,
  outputCheck,
  reportOf,
  type RunItem,
  start,
  translation,
} from './checked-runs.ts';
import { plants, shape, validRun } from './planted-runs.ts';

const faultsOf = (items: readonly RunItem[]): Readonly<Record<string, unknown>> =>
  faultsIn(reportOf(eventsOf(items)));

test('every valid run passes all ten', () => {
  fc.assert(
    fc.property(shape, (given) => {
      expect(faultsOf(validRun(given))).toEqual({});
    }),
    { numRuns: 300, seed: 60 },
  );
});

test.each(Object.keys(plants))('%s breaks exactly one invariant, at exactly its items', (name) => {
  fc.assert(
    fc.property(shape, (given) => {
      const planted = plants[name]?.(validRun({ ...given, level: 'kids' }));
      expect(faultsOf(planted?.items ?? [])).toEqual(planted?.broken);
    }),
    { numRuns: 60, seed: 61 },
  );
});

test('a payload that does not open and an event that is gone break exactly I9 and I10, wherever they stand', () => {
  fc.assert(
    fc.property(shape, fc.nat(), (given, place) => {
      const events = eventsOf(validRun(given));
      const sealed = events.filter(({ payload }) => payload === 'opens');
      const hit = sealed[place % sealed.length];
      const opened = events.map((event) =>
        event === hit ? { ...event, payload: 'broken' as const } : event,
      );
      expect(faultsIn(reportOf(opened))).toEqual({ I9: [hit?.core.seq] });
      // Only what stands between others and decides nothing: else what rests on it falls too.
      const notes = events.filter(({ core }) => core.type === 'run_claimed');
      const gone = notes[0]?.core.seq ?? 0;
      expect(faultsIn(reportOf(events.filter(({ core }) => core.seq !== gone)))).toEqual({ I10: [gone + 1] });
    }),
    { numRuns: 60, seed: 62 },
  );
});

test('10,000 items are checked in a time that grows with their number', () => {
  const seconds = (outputs: number): number => {
    const items: RunItem[] = [start(), input, inputCheck(), translation, final];
    for (let loop = 1; loop <= outputs; loop++) items.push(outputCheck(loop), image(loop));
    const events = eventsOf([...items, complete(items.length + 1, outputs)]);
    const began = performance.now();
    expect(faultsIn(reportOf(events))).toEqual({});
    return (performance.now() - began) / 1_000;
  };
  seconds(500);
  // Far above what it takes (about 0.1 s for all), far below what a fold that copies its state would.
  expect(seconds(5_000)).toBeLessThan(2);
});
