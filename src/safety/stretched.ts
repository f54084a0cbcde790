import { buildAutomaton } from './automaton.ts';
import type { FoldedText } from './folded-text.ts';
import { type Glyph, standsFor } from './glyph.ts';
import type { Pattern, Place, Words } from './term-match.ts';

/** Finds terms some letter of which is written three times or more in the text: "bloooood", "kiiilll". */
export type StretchedSearch = {
  /** Calls `found` for each place that fits letter by letter; returns the number of steps. */
  readonly walk: (words: Words, found: (pattern: number, place: Place) => void) => number;
};

/** How often a letter must stand in a row to count as stretched: two are spelling ("Masse", not "Mase"). */
const stretch = 3;

/**
 * A text in rows: a *block* is one character repeated without a gap, a *run* is blocks that may stand for one another.
 * Columns, as in {@link FoldedText}; each column of beginnings ends with the length of what it divides.
 */
type Rows = {
  /** The first character of each block. */
  readonly blocks: readonly number[];
  readonly glyphs: readonly Glyph[];
  /** The first block of each run. */
  readonly runs: readonly number[];
  readonly groups: readonly number[];
};

/**
 * A search over texts and terms in which each run is one character. Terms that are one run are not searched for: there
 * is nothing around the stretched letter to know them by.
 */
export function stretchedSearch(patterns: readonly Pattern[]): StretchedSearch {
  const terms = patterns.map(({ folded }) => rowsOf(folded));
  const automaton = buildAutomaton(terms.map(({ groups }) => (groups.length < 2 ? [] : groups)));
  return {
    walk(words, found) {
      if (!hasStretch(words)) return words.glyphs.length;
      const rows = rowsOf(words);
      let fitted = 0;
      const walked = automaton.walk(rows.groups, (index, last) => {
        const term = terms[index];
        if (term === undefined) return;
        const first = last - term.groups.length + 1;
        fitted += term.groups.length;
        if (!isLonger(term, rows, first)) return;
        const place = placeOf(term, rows, first, words);
        fitted += 2 * (beginning(rows.runs, last + 1) - beginning(rows.runs, first));
        if (place === undefined) return;
        fitted += place.last - place.first;
        found(index, place);
      });
      return 2 * words.glyphs.length + walked + fitted;
    },
  };
}

function hasStretch({ glyphs }: FoldedText): boolean {
  let [length, group] = [0, -1];
  for (const glyph of glyphs) {
    length = glyph.group === group ? length + 1 : 1;
    group = glyph.group;
    if (length >= stretch) return true;
  }
  return false;
}

function rowsOf({ glyphs, gaps }: FoldedText): Rows {
  const rows = {
    blocks: [] as number[],
    glyphs: [] as Glyph[],
    runs: [] as number[],
    groups: [] as number[],
  };
  for (let index = 0; index < glyphs.length; index += 1) {
    const [glyph, previous] = [glyphs[index], glyphs[index - 1]];
    if (glyph === undefined) break;
    if (glyph.char === previous?.char && gaps[index] === 'none') continue;
    if (glyph.group !== previous?.group) {
      rows.runs.push(rows.blocks.length);
      rows.groups.push(glyph.group);
    }
    rows.blocks.push(index);
    rows.glyphs.push(glyph);
  }
  rows.runs.push(rows.blocks.length);
  rows.blocks.push(glyphs.length);
  return rows;
}

const beginning = (column: readonly number[], index: number): number => column[index] ?? 0;
/** How many characters stand from one block to before another. */
const lengthOf = ({ blocks }: Rows, from: number, to: number): number =>
  beginning(blocks, to) - beginning(blocks, from);

/** Whether some run of the text is longer than the term's; where none is, the search letter by letter has looked. */
function isLonger(term: Rows, rows: Rows, first: number): boolean {
  return term.groups.some((_group, run) => {
    const [from, to] = [beginning(rows.runs, first + run), beginning(rows.runs, first + run + 1)];
    const length = lengthOf(rows, from, to);
    return (
      length >= stretch && length > lengthOf(term, beginning(term.runs, run), beginning(term.runs, run + 1))
    );
  });
}

/**
 * Where a term stands in the runs from `first` on, which have its groups: of the first run from where a word may begin,
 * of the last one to where a word may end, the ones between them whole.
 */
function placeOf(term: Rows, rows: Rows, first: number, words: Words): Place | undefined {
  const meant: number[] = [];
  let start: number | undefined;
  let end = 0;
  for (const run of term.groups.keys()) {
    const isLast = run === term.groups.length - 1;
    const part = { from: beginning(rows.runs, first + run), to: beginning(rows.runs, first + run + 1) };
    const bounds = fit(
      { rows, ...part },
      { rows: term, from: beginning(term.runs, run), to: beginning(term.runs, run + 1) },
      (block) => (run === 0 ? words.mayBegin[beginning(rows.blocks, block)] === 1 : block === part.from),
      (block) => (isLast ? words.mayEnd[beginning(rows.blocks, block) - 1] === 1 : block === part.to),
    );
    if (bounds === undefined) return undefined;
    for (const [at, block] of bounds.slice(0, -1).entries()) {
      const letter = beginning(term.runs, run) + at;
      const from = beginning(rows.blocks, block);
      end = beginning(rows.blocks, beginning(bounds, at + 1)) - 1;
      start ??= from;
      const lastMeant = beginning(term.blocks, letter + 1) - 1;
      for (let cell = from; cell <= end; cell += 1)
        meant.push(Math.min(beginning(term.blocks, letter) + cell - from, lastMeant));
    }
  }
  return start === undefined ? undefined : { first: start, last: end, meant: (n) => meant[n] ?? -1 };
}

/** Some blocks of a text, end exclusive. */
type Part = { readonly rows: Rows; readonly from: number; readonly to: number };

/**
 * Splits blocks among the letters of a term: each letter takes the blocks that stand for it, as many characters as it is
 * written with or at least three. Letters that can stand for one another (k[1llll] for "kill") make this a search; it
 * looks at each block once per letter. Returns the block where each letter begins, and the one after the last.
 */
function fit(
  text: Part,
  letters: Part,
  mayBegin: (block: number) => boolean,
  mayEnd: (block: number) => boolean,
): readonly number[] | undefined {
  let reached: readonly boolean[] = Array.from({ length: text.to - text.from + 1 }, (_none, at) =>
    mayBegin(text.from + at),
  );
  const origins: (readonly (number | undefined)[])[] = [];
  for (let letter = letters.from; letter < letters.to; letter += 1) {
    const origin = originsOf(text, letters.rows, letter, reached);
    reached = origin.map((from) => from !== undefined);
    origins.push(origin);
  }
  const end = reached.findIndex((is, at) => is && mayEnd(text.from + at));
  if (end === -1) return undefined;
  const bounds = [end];
  for (const origin of origins.toReversed()) bounds.push(origin[bounds.at(-1) ?? 0] ?? 0);
  return bounds.toReversed().map((at) => text.from + at);
}

/** For each end, the latest block from which a letter may reach to there; counted from the beginning of the part. */
function originsOf(
  { rows, from, to }: Part,
  term: Rows,
  letter: number,
  reached: readonly boolean[],
): readonly (number | undefined)[] {
  const wanted = term.glyphs[letter];
  const written = lengthOf(term, letter, letter + 1);
  const origins: (number | undefined)[] = [undefined];
  /** Per block, the latest reached one at or before it, in the row of blocks that stand for this letter. */
  const latest: (number | undefined)[] = [];
  for (let at = 0; at < to - from; at += 1) {
    const glyph = rows.glyphs[from + at];
    const fits = glyph && wanted && standsFor(glyph, wanted) !== undefined;
    latest.push(fits ? (reached[at] ? at : latest[at - 1]) : undefined);
    origins.push(undefined);
    for (let origin = at; latest[origin] !== undefined; origin -= 1) {
      const length = lengthOf(rows, from + origin, from + at + 1);
      if (length < stretch && !(length === written && reached[origin])) continue;
      origins[at + 1] = length < stretch ? origin : latest[origin];
      break;
    }
  }
  return origins;
}
