/** What a folded character is; a symbol is one of `@` and `$`, which may stand for a letter. */
export type CellKind = 'letter' | 'digit' | 'symbol';

/** One folded character with its place in the original text. Separators leave no cell, only a gap. */
export type Cell = {
  /** The folded character, one code point. */
  readonly char: string;
  readonly kind: CellKind;
  /** UTF-16 offsets in the original text, end exclusive. */
  readonly start: number;
  readonly end: number;
  /**
   * What stood before it: nothing, only marks such as `.` `-` `_` that people put inside a word, or a real gap (white
   * space, and the apostrophe, which joins two words: "he'll" is not "hell").
   */
  readonly gap: 'none' | 'mark' | 'space';
  /** The number of the run of cells without any gap that it belongs to. */
  readonly token: number;
};

/**
 * A text without everything that hides a word: NFKC, case folding, format and zero-width characters and stray combining
 * marks removed, separators turned into gaps. Linear in the text.
 */
export function foldText(text: string): readonly Cell[] {
  const cells: Cell[] = [];
  // Texts repeat their characters: each cluster is folded once.
  const known = new Map<string, readonly FoldedChar[]>();
  let gap: Cell['gap'] = 'none';
  let token = 0;
  for (const { 0: cluster, index: start } of text.matchAll(clusterPattern)) {
    const folded = known.get(cluster) ?? foldCluster(cluster);
    known.set(cluster, folded);
    for (const { char, kind } of folded) {
      if (kind === undefined) {
        gap = gap === 'space' || spacePattern.test(char) ? 'space' : 'mark';
        continue;
      }
      if (gap !== 'none' && cells.length > 0) token += 1;
      cells.push({ char, kind, start, end: start + cluster.length, gap, token });
      gap = 'none';
    }
  }
  return cells;
}

/**
 * A base character with its combining marks, so that composing can go cluster by cluster and every folded character
 * knows its place. At most 8 marks are taken at once: ICU sorts marks by insertion, which a pile of them makes quadratic.
 */
const clusterPattern =
  /[\u1100-\u11ff]{1,8}|[^\p{M}\uff9e\uff9f][\p{M}\uff9e\uff9f]{0,8}|[\p{M}\uff9e\uff9f]{1,8}/gsu;
const hiddenPattern = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const spacePattern = /[\s'’ʼ]/u;
const asciiPattern = /^[\0-\x7f]$/;

/** A folded character; one without a kind is a separator. */
type FoldedChar = { readonly char: string; readonly kind: CellKind | undefined };

function foldCluster(cluster: string): readonly FoldedChar[] {
  const folded = asciiPattern.test(cluster)
    ? cluster.toLowerCase()
    : cluster
        .normalize('NFKC')
        .toLowerCase()
        .replaceAll('ß', 'ss')
        .replaceAll('ς', 'σ')
        .normalize('NFKC')
        .replace(hiddenPattern, '');
  return Array.from(folded, (char) => ({ char, kind: kindOf(char) }));
}

function kindOf(char: string): CellKind | undefined {
  if (/\p{L}/u.test(char)) return 'letter';
  if (/\p{N}/u.test(char)) return 'digit';
  return char === '@' || char === '$' ? 'symbol' : undefined;
}
