import { groupOf, lookAlikeOf } from './look-alikes.ts';

/** What a folded character is; a symbol is a sign that may stand for a letter, such as `@`, `$` or `!`. */
type GlyphKind = 'letter' | 'digit' | 'symbol';

/** A folded character, and what it may stand for in a word. */
export type Glyph = {
  /** One code point. */
  readonly char: string;
  readonly kind: GlyphKind;
  /** One number for all characters that may stand for one another, so that a search walks one way only. */
  readonly group: number;
  /** The letters that it is written for in leet. */
  readonly leet: string;
  /** The Latin letters that it looks like. */
  readonly twins: string;
  readonly isLatin: boolean;
  /** A letter of a look-alike script that no Latin letter looks like: who writes it, writes that script. */
  readonly isNative: boolean;
  /** Whether it may stand for a letter at the beginning, and at the end, of a word. */
  readonly mayBegin: boolean;
  readonly mayEnd: boolean;
};

/** The glyph of one folded code point; undefined for a separator. */
export function glyphOf(char: string): Glyph | undefined {
  const { leet, twins, isNear } = lookAlikeOf(char);
  const isLetter = letterPattern.test(char);
  const isDigit = digitPattern.test(char);
  if (!isLetter && !isDigit && leet === '' && twins === '') return undefined;
  return {
    char,
    kind: isLetter ? 'letter' : isDigit ? 'digit' : 'symbol',
    group: groupOf(char),
    leet,
    twins,
    isLatin: latinPattern.test(char),
    isNative: isLetter && !isNear && lookAlikeScripts.test(char),
    mayBegin: !punctuation.includes(char),
    mayEnd: char === '+' || !punctuation.includes(char),
  };
}

/** How a glyph of a text stands for one of a term. */
export type Standing = 'same' | 'leet' | 'twin';

/** Whether, and how, a glyph of a text stands for one of a term. */
export function standsFor(glyph: Glyph, wanted: Glyph): Standing | undefined {
  if (glyph.char === wanted.char) return 'same';
  if (shares(glyph.leet, wanted.char + wanted.twins)) return 'leet';
  return shares(glyph.char + glyph.twins, wanted.char + wanted.twins) ? 'twin' : undefined;
}

function shares(some: string, others: string): boolean {
  for (const one of some) if (others.includes(one)) return true;
  return false;
}

/** Signs that stand beside words all the time: a letter only inside one ("Kil!" is not "kill", "(at" is not "cat"). */
const punctuation = '!|(<+';

const letterPattern = /\p{L}/u;
const digitPattern = /\p{N}/u;
const latinPattern = /\p{Script=Latin}/u;
const lookAlikeScripts = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;
