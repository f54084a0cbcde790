import { type Glyph, glyphOf } from './glyph.ts';

/**
 * The folded characters of a text, each with its place in the original. Columns instead of one object per character: a
 * text of a million characters is then no work for the collector. Separators leave no character, only a gap.
 */
export type FoldedText = {
  readonly glyphs: readonly Glyph[];
  /** UTF-16 offsets in the original text, end exclusive. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** What stands before each character. */
  readonly gaps: readonly Gap[];
  /** The number of the run of characters without any gap that each belongs to. */
  readonly tokens: readonly number[];
};

/**
 * Nothing, only marks such as `.` `-` `_` that people put inside a word, or a real gap: white space, and the apostrophe,
 * which joins two words ("he'll" is not "hell").
 */
type Gap = 'none' | 'mark' | 'space';

/**
 * A text without everything that hides a word: NFKC, case folding, accents and stray combining marks, format and
 * zero-width characters taken off, separators turned into gaps. The dots of ä, ö and ü stay, ß becomes ss. Linear in the
 * text.
 */
export function foldText(text: string): FoldedText {
  const column = columns();
  // Texts repeat their characters: each cluster is folded once.
  const known = new Map<string, readonly FoldedChar[]>();
  const clusters = new RegExp(clusterPattern);
  for (let [start, end] = [0, 0]; start < text.length; start = end) {
    end = start + 1;
    // Most characters are plain and stand before another plain one: no mark can belong to them.
    if (!isAscii(text, start) || !isAscii(text, end)) {
      clusters.lastIndex = start;
      end = clusters.test(text) ? clusters.lastIndex : end;
    }
    const cluster = text.slice(start, end);
    let folded = known.get(cluster);
    if (folded === undefined) {
      folded = foldCluster(cluster);
      known.set(cluster, folded);
    }
    for (const { glyph, separator } of folded) {
      if (glyph === undefined) column.addGap(separator);
      else column.add(glyph, start, end);
    }
  }
  return column.folded;
}

/** The same text, with its symbols taken as marks between letters: `b@l@o@o@d` reads "b l o o d". */
export function withoutSymbols({ glyphs, starts, ends, gaps }: FoldedText): FoldedText {
  const column = columns();
  for (const [index, glyph] of glyphs.entries()) {
    const gap = gaps[index] ?? 'none';
    if (gap !== 'none') column.addGap(gap);
    if (glyph.kind === 'symbol') column.addGap('mark');
    else column.add(glyph, starts[index] ?? 0, ends[index] ?? 0);
  }
  return column.folded;
}

type Columns = {
  readonly folded: FoldedText;
  readonly add: (glyph: Glyph, start: number, end: number) => void;
  /** Of several gaps in a row the widest counts. */
  readonly addGap: (gap: Gap) => void;
};

function columns(): Columns {
  const glyphs: Glyph[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const gaps: Gap[] = [];
  const tokens: number[] = [];
  let gap: Gap = 'none';
  let token = 0;
  return {
    folded: { glyphs, starts, ends, gaps, tokens },
    add(glyph, start, end) {
      if (gap !== 'none' && glyphs.length > 0) token += 1;
      glyphs.push(glyph);
      starts.push(start);
      ends.push(end);
      gaps.push(gap);
      tokens.push(token);
      gap = 'none';
    },
    addGap(next) {
      if (gap !== 'space') gap = next;
    },
  };
}

/** Beyond the end there is nothing that could belong to a character either. */
const isAscii = (text: string, index: number): boolean => !(text.charCodeAt(index) > 0x7f);

/**
 * A base character with its combining marks, also where format characters stand between them, so that composing can go
 * cluster by cluster and every folded character knows its place. At most 8 marks are taken at once: ICU sorts marks by
 * insertion, which a pile of them makes quadratic.
 */
const clusterPattern =
  /[\u1100-\u11ff]{1,8}|[^\p{M}\uff9e\uff9f](?:\p{Cf}{0,2}[\p{M}\uff9e\uff9f]){0,8}|[\p{M}\uff9e\uff9f]{1,8}/suy;
/** The folded characters of a cluster that count: one ligature of Arabic is a whole sentence of 18. */
const maxFolded = 8;
const formatPattern = /\p{Cf}/gu;
const hiddenPattern = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const spacePattern = /[\s'’ʼ]/u;
const asciiPattern = /^[\0-\x7f]$/;
const accentedScripts = /[\p{Script=Latin}\p{Script=Greek}]/u;

/** A folded character; one without a glyph is a separator. */
type FoldedChar = { readonly glyph: Glyph | undefined; readonly separator: Gap };

function foldCluster(cluster: string): readonly FoldedChar[] {
  const folded = asciiPattern.test(cluster)
    ? cluster.toLowerCase()
    : Array.from(composed(cluster.replace(formatPattern, '')), withoutAccent).join('');
  return Array.from(folded)
    .slice(0, maxFolded)
    .map((char) => ({ glyph: glyphOf(char), separator: spacePattern.test(char) ? 'space' : 'mark' }));
}

const composed = (cluster: string): string =>
  cluster
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('æ', 'ae')
    .replaceAll('œ', 'oe')
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
    .replace(hiddenPattern, '');

/** The letter below its accents. Only a diaeresis on a, o or u stays: "töten" is not "toten". */
function withoutAccent(char: string): string {
  if (!accentedScripts.test(char)) return char;
  const [base = char, ...marks] = char.normalize('NFD');
  return 'aou'.includes(base) && marks.includes('\u0308') ? `${base}\u0308`.normalize('NFC') : base;
}
