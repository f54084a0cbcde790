import { bundledPolicy } from '../../src/safety/bundled-policy.ts';

const terms = bundledPolicy.lists.flatMap((list) => list.terms);

/** Repeats what a generator of pieces gives until the text has exactly so many UTF-16 units. */
const filled = (size: number, piece: (n: number) => string): string => {
  const pieces: string[] = [];
  for (let [n, length] = [0, 0]; length < size; n += 1) {
    const next = piece(n);
    pieces.push(next);
    length += next.length;
  }
  return pieces.join('').slice(0, size).toWellFormed();
};

const pick = <T>(some: readonly T[], n: number): T => {
  const one = some[(n * 7_919) % some.length];
  if (one === undefined) throw new RangeError('nothing to pick from');
  return one;
};
const term = (n: number): string => pick(terms, n);

/** Cyrillic and Greek letters, small capitals and letters in boxes for Latin ones. */
const soup = new Map(
  Array.from('аbсdеfɡһіјκlмnорqгѕтυνwхуz', (twin, at) => [String.fromCharCode(97 + at), twin]),
);
/** A text with the letters of other scripts that look like its own. */
export const swapped = (text: string): string => Array.from(text, (char) => soup.get(char) ?? char).join('');

/**
 * Texts made to cost a filter as much as they can, each by its size in UTF-16 units; the first is an ordinary text, to
 * compare with.
 */
export const adversarial: Readonly<Record<string, (size: number) => string>> = {
  'ordinary text': (size) =>
    filled(size, (n) =>
      n % 2 === 0
        ? 'Eine Blume steht am Fluss und wartet auf den Regen, der seit Tagen nicht kommt. '
        : 'In the evening two robots dance on the moon until the last light has gone out. ',
    ),
  'near-miss terms': (size) => filled(size, (n) => `${term(n).slice(0, -1)}x `),
  'terms within words': (size) => filled(size, (n) => `x${term(n)}${term(n + 1)}x`),
  'terms and nothing else': (size) => filled(size, (n) => `${term(n)} `),
  'piles of combining marks': (size) =>
    filled(size, (n) => `${'blood'[n % 5] ?? ''}${'\u0316\u0301\u0336\u0308'.repeat(20)}`),
  'dots between all letters': (size) => filled(size, (n) => `${Array.from(term(n)).join('.')}.`),
  'spaces between all letters': (size) => filled(size, (n) => `${Array.from(term(n)).join(' ')} `),
  'zero-width between all letters': (size) => filled(size, (n) => `${Array.from(term(n)).join('\u200b')} `),
  'signs between all letters': (size) => filled(size, (n) => `${Array.from(term(n)).join('!|@'[n % 3])}$`),
  'homoglyph soup': (size) => filled(size, (n) => `${swapped(term(n))}${n % 3 === 0 ? '' : ' '}`),
  'Cyrillic look-alikes without end': (size) => filled(size, () => 'сорокотар'),
  'one letter repeated': (size) => 'l'.repeat(size),
  'one letter, spelled out': (size) => 'l '.repeat(size / 2 + 1).slice(0, size),
  'one letter in all its signs': (size) => filled(size, (n) => '1l!|iІ'[(n * 5) % 6] ?? ''),
  'stretched terms': (size) => filled(size, (n) => `${term(n).replaceAll(/./g, '$&$&$&$&')} `),
  'one term stretched without end': (size) => `k${'il1!'.repeat(size)}`.slice(0, Math.max(1, size - 1)) + 'l',
  'ligatures of many letters': (size) => 'ﷺ'.repeat(size),
};
