import { segmentsOf } from './segments.ts';

/** A text in pieces between which a line may end, without a character more; most texts are one piece. */
export type Pieces = string | readonly string[];

/** Characters of a word that are left together, and of the pieces that a longer one is cut into. */
export type Measure = { readonly longest: number; readonly piece: number };

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const unspacedWords = new Intl.Segmenter('th', { granularity: 'word' });

// Where every line may end anyway: spaces (not those that bind), and between ideographs.
const spaces = String.raw` \t\u1680\u2000-\u2006\u2008-\u200a\u205f\u3000`;
const ideographs = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`;
const unspaced = String.raw`\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`;

const bound = new RegExp(`[^${spaces}${ideographs}]+`, 'gu');
const unspacedRun = new RegExp(`([${unspaced}][${unspaced}\\p{M}]*)`, 'u');
const ascii = /^[\x20-\x7e]*$/;

/** More marks than this on one letter are set on two, because a letter with its marks is one string of the file. */
const graphemeLength = 64;

/** Cuts words that are longer than a line may be, so that they wrap inside the page. */
export function breakable(text: string, measure: Measure): Pieces {
  const pieces: string[] = [];
  let from = 0;
  let open = '';
  for (const { 0: word, index } of text.matchAll(bound)) {
    if (word.length <= measure.longest) continue;
    const parts = word.split(unspacedRun).flatMap((part) => cut(part, measure));
    const [first = '', ...others] = parts;
    const last = others.pop();
    if (last === undefined) continue;
    pieces.push(open + text.slice(from, index) + first, ...others);
    open = last;
    from = index + word.length;
  }
  return pieces.length === 0 ? text : [...pieces, open + text.slice(from)];
}

function cut(part: string, { piece }: Measure): readonly string[] {
  if (part === '') return [];
  if (!unspacedRun.test(part)) return cutEvenly(part, piece);
  // Scripts without spaces: between their words.
  const pieces: string[] = [];
  let open = '';
  for (const word of segmentsOf(part, unspacedWords)) {
    if (open.length >= piece) {
      pieces.push(open);
      open = '';
    }
    open += word;
  }
  return [...pieces, open];
}

function cutEvenly(text: string, piece: number): readonly string[] {
  const characters = ascii.test(text) ? text : wholeCharacters(text);
  const pieces: string[] = [];
  for (let from = 0; from < characters.length; from += piece) {
    const cut = characters.slice(from, from + piece);
    pieces.push(typeof cut === 'string' ? cut : cut.join(''));
  }
  return pieces;
}

function wholeCharacters(text: string): readonly string[] {
  const whole: string[] = [];
  for (const grapheme of segmentsOf(text, graphemes)) {
    if (grapheme.length <= graphemeLength) whole.push(grapheme);
    else whole.push(...(grapheme.match(marked) ?? []));
  }
  return whole;
}

const marked = new RegExp(`.{1,${graphemeLength}}`, 'gsu');
