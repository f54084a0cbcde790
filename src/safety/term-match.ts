import type { FoldedText } from './folded-text.ts';
import { type Glyph, standsFor } from './glyph.ts';

/** A term of a list, folded. A term with an umlaut has one of these per spelling. */
export type Pattern = {
  readonly list: string;
  readonly category: string;
  readonly term: string;
  readonly folded: FoldedText;
};

/** A folded text with where its words may begin and end. */
export type Words = FoldedText & {
  /** Per character, 1 where a word may begin with it. */
  readonly mayBegin: Uint8Array;
  /** Per character, 1 where a word may end with it. */
  readonly mayEnd: Uint8Array;
  /** How many words before each word hold a letter that only its own script has. */
  readonly nativesBefore: Uint32Array;
};

/** Digits and symbols that hang on a word do not make it another word: "blood123" holds "blood". */
export function wordsOf(folded: FoldedText): Words {
  const { glyphs, gaps, tokens } = folded;
  const mayBegin = new Uint8Array(glyphs.length);
  const mayEnd = new Uint8Array(glyphs.length);
  const nativesBefore = new Uint32Array((tokens.at(-1) ?? -1) + 2);
  // By index: this runs over every character of every text, and an iterator of pairs takes twice as long.
  for (let index = 0; index < glyphs.length; index += 1) {
    const isFree = gaps[index] !== 'none' || isOpen(glyphs[index - 1], mayBegin[index - 1] === 1);
    mayBegin[index] = isFree ? 1 : 0;
    const token = tokens[index] ?? 0;
    const before = nativesBefore[token] ?? 0;
    if (token !== tokens[index - 1]) nativesBefore[token + 1] = before;
    if (glyphs[index]?.isNative) nativesBefore[token + 1] = before + 1;
  }
  for (let index = glyphs.length - 1; index >= 0; index -= 1) {
    const isFree = gaps[index + 1] !== 'none' || isOpen(glyphs[index + 1], mayEnd[index + 1] === 1);
    mayEnd[index] = isFree ? 1 : 0;
  }
  return { ...folded, mayBegin, mayEnd, nativesBefore };
}

const isOpen = (glyph: Glyph | undefined, beyond: boolean): boolean =>
  glyph === undefined || glyph.kind === 'symbol' || (glyph.kind === 'digit' && beyond);

/** Where a term stands: its first and its last character, and for each of them the one of the term that it stands for. */
export type Place = {
  readonly first: number;
  readonly last: number;
  /** The character of the term that the character `first + n` stands for. */
  readonly meant: (n: number) => number;
};

/**
 * Whether what stands at a place really is that term, and not what only has its letters:
 * - digits and symbols are leet only beside letters: two of them, where the term has more than two;
 * - a sign that is punctuation elsewhere is none at the edge of a word;
 * - spaces inside a word count only where it is spelled out: three pieces or more, of which all but one are single;
 * - letters of another script count where the word mixes scripts. A word that is all of another script counts only where
 *   none of the three words before and after it has a letter of such a script that looks like no Latin one: "тот" is
 *   Russian among Russian words, and a way to write "tot" anywhere else.
 */
export function isMeant(term: FoldedText, words: Words, { first, last, meant }: Place): boolean {
  if (words.mayBegin[first] !== 1 || words.mayEnd[last] !== 1) return false;
  let [leet, letters, own, twins, foreign] = [0, 0, 0, 0, false];
  let [spaces, long] = [0, 0];
  for (let index = first; index <= last; index += 1) {
    const at = meant(index - first);
    const [glyph, wanted] = [words.glyphs[index], term.glyphs[at]];
    if (glyph === undefined || wanted === undefined) return false;
    const standing = standsFor(glyph, wanted);
    if (standing === undefined) return false;
    if (standing === 'leet') leet += 1;
    else if (glyph.kind !== 'digit') letters += 1;
    if (standing === 'twin') twins += 1;
    else if (glyph.kind === 'letter') own += 1;
    foreign ||= glyph.isNative || (wanted.kind === 'letter' && !wanted.isLatin);
    if (index === first) continue;
    const isNewWord = term.gaps[at] !== 'none' && meant(index - 1 - first) !== at;
    if (words.gaps[index] === 'space' && !isNewWord) spaces += 1;
    // The second character of a piece makes it a long one; further ones of the same piece do not count again.
    if (words.gaps[index] === 'none' && (index === first + 1 || words.gaps[index - 1] !== 'none')) long += 1;
  }
  if (leet > 0 && letters < Math.min(2, term.glyphs.length - 1)) return false;
  if (!words.glyphs[first]?.mayBegin && words.glyphs[first]?.char !== term.glyphs[0]?.char) return false;
  if (!words.glyphs[last]?.mayEnd && words.glyphs[last]?.char !== term.glyphs.at(-1)?.char) return false;
  const [from, to] = [words.tokens[first] ?? 0, words.tokens[last] ?? 0];
  const isSpelled = to - from >= 2 && long <= 1;
  if (spaces > 0 && !isSpelled) return false;
  return twins === 0 || own > 0 || (!foreign && !standsAmongNatives(words, from, to));
}

/** How many words on either side tell what script somebody writes in. */
const neighbours = 3;

function standsAmongNatives({ nativesBefore }: Words, from: number, to: number): boolean {
  const low = nativesBefore[Math.max(0, from - neighbours)] ?? 0;
  const high = nativesBefore[Math.min(nativesBefore.length - 1, to + 1 + neighbours)] ?? 0;
  return high > low;
}
