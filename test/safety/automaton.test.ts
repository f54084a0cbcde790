import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildAutomaton } from '../../src/safety/automaton.ts';

const codesOf = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));

const word = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength });

test('finds at every place exactly what a search by hand finds there', () => {
  fc.assert(
    fc.property(fc.array(word(5), { maxLength: 8 }), word(60), (patterns, text) => {
      const found: string[] = [];
      const steps = buildAutomaton(patterns.map(codesOf)).walk(codesOf(text), (pattern, last) =>
        found.push(`${pattern}@${last}`),
      );
      const expected = Array.from(text).flatMap((_char, last) =>
        patterns.flatMap((one, pattern) =>
          text.slice(0, last + 1).endsWith(one) ? [`${pattern}@${last}`] : [],
        ),
      );
      expect(found.toSorted()).toEqual(expected.toSorted());
      expect(steps).toBeLessThanOrEqual(2 * text.length + expected.length);
    }),
    { numRuns: 1_000 },
  );
});
