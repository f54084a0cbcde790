import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { foldText } from '../../src/safety/folded-text.ts';
import { compileFilter } from '../../src/safety/term-filter.ts';
import { adversarial } from './adversarial.ts';

const terms = ['blood', 'blut', 'kill', 'ss runes', 'ss-runen', 'hitlergruß', 'dämon', 'ritzen'];
const filter = compileFilter([{ id: 'l', category: 'c', terms }]);
const scan = (text: string): string[] =>
  filter
    .scan(text, new Set(['l']))
    .hits.flatMap((hit) => hit.spans.map((span) => text.slice(span.start, span.end)));
const found = (text: string): string[] => filter.scan(text, new Set(['l'])).hits.map((hit) => hit.term);

describe('a normalised term search', () => {
  test.each([
    ['Blood', 'Blood'],
    ['red BLOOD!', 'BLOOD'],
    ['ｂｌｏｏｄ', 'ｂｌｏｏｄ'],
    ['bl00d', 'bl00d'],
    ['b1ood', 'b1ood'],
    ['K1LL', 'K1LL'],
    ['ki1l', 'ki1l'],
    ['d@mon b l o o d', 'b l o o d'],
    ['a b l o o d moon', 'b l o o d'],
    ['b.l.o.o.d', 'b.l.o.o.d'],
    ['b-l-0-0-d', 'b-l-0-0-d'],
    ['b  l  o  o  d', 'b  l  o  o  d'],
    ['bl-ood', 'bl-ood'],
    ['b l ood', 'b l ood'],
    ['b\u200bl\u00ado\ufeffod', 'b\u200bl\u00ado\ufeffod'],
    ['b\u0336l\u0336o\u0336o\u0336d\u0336', 'b\u0336l\u0336o\u0336o\u0336d\u0336'],
    ['b🔥l🔥o🔥o🔥d', 'b🔥l🔥o🔥o🔥d'],
    ['blood123', 'blood'],
    ['see @blood', 'blood'],
    ['SS-Runen', 'SS-Runen'],
    ['SSRunen', 'SSRunen'],
    ['$$ runes', '$$ runes'],
    ['HITLERGRUSS', 'HITLERGRUSS'],
    ['Hitlergruß', 'Hitlergruß'],
    ['Da\u0308mon', 'Da\u0308mon'],
    ['DÄMON', 'DÄMON'],
    ['blood_moon', 'blood'],
    ['🎉🎉 blut', 'blut'],
  ])('finds the term in %j and points at %j', (text, hit) => {
    expect(scan(text)).toContain(hit);
  });

  test.each([
    'Blutorange',
    'bloodless',
    'skill',
    "he said b'lut",
    'ki ll',
    'bl ood',
    'Ritzenheim',
    'boss runes',
    '8100 D',
    '55 71113',
    'Abbildung',
    'be lut',
    'blut8orange',
    'Biut',
    'klii',
    'Blut\u00adorange',
    'Blut\u200borange',
  ])('finds nothing in %j', (text) => {
    expect(found(text)).toEqual([]);
  });

  test('a number is never leet', () => {
    const numbers = compileFilter([{ id: 'l', category: 'c', terms: ['is', '88'] }]);
    const { hits } = numbers.scan('15 1s 88', new Set(['l']));
    expect(hits).toMatchObject([
      { term: 'is', spans: [{ start: 3, end: 5 }] },
      { term: '88', spans: [{ start: 6, end: 8 }] },
    ]);
  });

  test('lists that were not asked for find nothing', () => {
    expect(filter.scan('blood', new Set()).hits).toEqual([]);
  });

  test('every planted trick is found, at its very place, and nothing else', () => {
    const neutral = fc.stringMatching(/^[xyz ,.!äÄ🎈]{0,40}$/u);
    fc.assert(
      fc.property(
        neutral,
        fc.constantFrom('blood', 'blut', 'kill', 'dämon', 'ritzen'),
        trick,
        neutral,
        (a, term, hide, b) => {
          const hidden = hide(term);
          const text = `${a}|\n${hidden}\n|${b}`;
          const { hits } = filter.scan(text, new Set(['l']));
          expect(hits.map((hit) => hit.term)).toEqual([term]);
          const span = hits[0]?.spans[0];
          expect(text.slice(span?.start, span?.end)).toBe(hidden);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a term inside a longer word is no hit', () => {
    const letters = fc.stringMatching(/^[a-zäöü]{1,6}$/u);
    // "killl" and "bbblut" are no longer words, but stretched ones.
    const isStretch = (more: string, edge: string | undefined): boolean =>
      Array.from(more).every((letter) => letter === edge);
    fc.assert(
      fc.property(letters, fc.constantFrom('blood', 'blut', 'kill'), letters, (before, term, after) => {
        fc.pre(!isStretch(before, term[0]) && !isStretch(after, term.at(-1)));
        expect(found(`${before}${term}`)).not.toContain(term);
        expect(found(`${term}${after}`)).not.toContain(term);
      }),
    );
  });

  test('spans of any text lie within it, in order, and fold back to their term', () => {
    const noisy = fc.array(
      fc.constantFrom(
        'b',
        'l',
        'o',
        '0',
        'u',
        't',
        'd',
        ' ',
        '.',
        '\u200b',
        '\u0301',
        '1',
        'k',
        'i',
        '🔥',
        'ß',
      ),
    );
    fc.assert(
      fc.property(noisy, (pieces) => {
        const text = pieces.join('');
        for (const { term, spans } of filter.scan(text, new Set(['l'])).hits) {
          for (const { start, end } of spans) {
            expect(start).toBeLessThan(end);
            expect(end).toBeLessThanOrEqual(text.length);
            // A stretched one is longer than its term.
            expect(foldText(text.slice(start, end)).glyphs.length).toBeGreaterThanOrEqual(
              foldText(term).glyphs.length,
            );
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** Each of the 8 letters of a ligature costs about as much as 4 letters on their own: folded, read, read as stretched. */
const maxStepsPerCharacter = 32;

describe('the search is linear in the text', () => {
  const hostile = {
    'one letter': 'b',
    'almost a term': 'bloo',
    'terms without gaps': 'blood',
    'spelled out': 'b l o o d ',
    digits: '0',
    'piled marks': 'a\u0316\u0301',
    'zero-width': 'b\u200b',
    'a long word of hits': 'kill',
    ligatures: 'ﷺ',
  };
  test.each(Object.entries(hostile))('%s', (_name, piece) => {
    const steps = (times: number): number => filter.scan(piece.repeat(times), new Set(['l'])).steps;
    const [one, ten] = [steps(1_000), steps(10_000)];
    expect(ten).toBeLessThanOrEqual(one * 10.1 + 20);
    expect(ten).toBeLessThanOrEqual(10_000 * piece.normalize('NFKC').length * 8);
  });

  test.each(Object.entries(adversarial))('%s: a bounded number of steps per character', (_name, textOf) => {
    const bundled = compileFilter(bundledPolicy.lists);
    const all = new Set(bundledPolicy.lists.map(({ id }) => id));
    const perCharacter = [1_000, 5_000, 20_000, 200_000].map((size) => {
      const text = textOf(size);
      expect(text).toHaveLength(size);
      return bundled.scan(text, all).steps / size;
    });
    for (const steps of perCharacter) expect(steps).toBeLessThanOrEqual(maxStepsPerCharacter);
    expect(Math.max(...perCharacter)).toBeLessThanOrEqual(1.1 * Math.min(...perCharacter) + 0.1);
  });

  test('many terms that are suffixes of one another cost a constant per character', () => {
    const nested = compileFilter([
      { id: 'l', category: 'c', terms: Array.from({ length: 50 }, (_, n) => 'a'.repeat(n + 1)) },
    ]);
    const steps = (times: number): number => nested.scan('a'.repeat(times), new Set(['l'])).steps;
    expect(steps(20_000) / steps(2_000)).toBeCloseTo(10, 0);
  });
});

const spaced = (between: string) => (term: string) => Array.from(term).join(between);
const trick: fc.Arbitrary<(term: string) => string> = fc.constantFrom(
  (term: string) => term,
  (term: string) => term.toUpperCase(),
  (term: string) => term.normalize('NFD'),
  (term: string) => term.replaceAll('o', '0').replaceAll('i', '1').replaceAll('t', '7').replaceAll('e', '3'),
  (term: string) => term.replaceAll('l', '1').replaceAll('a', '@'),
  spaced(' '),
  spaced('.'),
  spaced('-'),
  spaced(' - '),
  spaced('\u200b'),
  spaced('\u2060'),
  (term: string) => `${term.slice(0, 2)}\u00ad${term.slice(2)}`,
  (term: string) =>
    Array.from(term)
      .map((char) =>
        char < 'z' && char > 'a' ? String.fromCodePoint((char.codePointAt(0) ?? 0) + 0xfee0) : char,
      )
      .join(''),
);
