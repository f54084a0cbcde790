import { buildAutomaton } from './automaton.ts';
import { type Cell, foldText } from './folded-text.ts';

/** UTF-16 offsets in the original text, end exclusive: `text.slice(start, end)` is what was found. */
export type Span = { readonly start: number; readonly end: number };

/** A term of a list that stands in the text, with every place where it does. */
export type FilterHit = {
  readonly list: string;
  readonly category: string;
  readonly term: string;
  readonly spans: readonly Span[];
};

export type FilterResult = {
  readonly hits: readonly FilterHit[];
  /** Elementary steps taken: grows linearly with the text, whatever stands in it. */
  readonly steps: number;
};

export type TermFilter = {
  /** Finds the terms of the named lists, in the order in which they first stand in the text. */
  readonly scan: (text: string, lists: ReadonlySet<string>) => FilterResult;
};

type Pattern = {
  readonly list: string;
  readonly category: string;
  readonly term: string;
  readonly cells: readonly Cell[];
};

/**
 * Compiles term lists into one filter that reads a text once. A term is found
 * - as a whole word, in any case, width or composition, with zero-width characters inside, and with digits before or
 *   after it;
 * - with leet signs for letters (0→o, 1→i or l, 3→e, 4→a, 5→s, 7→t, @→a, $→s), unless digits are all there is;
 * - with marks inside the word (b.l.o.o.d, blo-od);
 * - spelled out by spaces (b l o o d), where at least three pieces stand apart and all but one are single letters; inside
 *   a text that is spelled out there are no word boundaries left to ask for.
 * It is not found inside a longer word: "blut" does not stand in "Blutorange".
 */
export function compileFilter(
  lists: readonly { readonly id: string; readonly category: string; readonly terms: readonly string[] }[],
): TermFilter {
  const patterns: Pattern[] = lists.flatMap(({ id, category, terms }) =>
    [...new Set(terms)].map((term) => ({ list: id, category, term, cells: foldText(term) })),
  );
  const automaton = buildAutomaton(patterns.map(({ cells }) => cells.map(classOf)));
  return {
    scan(text, wanted) {
      const cells = foldText(text);
      const edges = wordEdges(cells);
      const places = new Map<Pattern, Span[]>();
      let compared = 0;
      const walked = automaton.walk(cells.map(classOf), (index, last) => {
        const pattern = patterns[index];
        if (pattern === undefined || !wanted.has(pattern.list)) return;
        compared += pattern.cells.length;
        const span = matchAt(pattern.cells, cells, edges, last);
        if (span === undefined) return;
        const spans = places.get(pattern) ?? [];
        spans.push(span);
        places.set(pattern, spans);
      });
      return { hits: hitsOf(places), steps: cells.length + walked + compared };
    },
  };
}

/** The letters that a sign may stand for. */
const leet: ReadonlyMap<string, string> = new Map([
  ['0', 'o'],
  ['1', 'il'],
  ['3', 'e'],
  ['4', 'a'],
  ['5', 's'],
  ['7', 't'],
  ['@', 'a'],
  ['$', 's'],
]);

/** One class for all signs that may mean the same, so that the automaton walks one way only; matchAt tells them apart. */
function classOf({ char }: Cell): string {
  const meant = leet.get(char)?.at(-1) ?? char;
  return meant === 'i' ? 'l' : meant;
}

type WordEdges = { readonly before: readonly boolean[]; readonly after: readonly boolean[] };

/** Whether a word may begin, or end, at each cell. Digits and symbols that hang on a word do not make it another word. */
function wordEdges(cells: readonly Cell[]): WordEdges {
  const before: boolean[] = [];
  for (const [index, cell] of cells.entries()) {
    const previous = cells[index - 1];
    before.push(previous === undefined || cell.gap !== 'none' || isOpen(previous, before[index - 1] ?? true));
  }
  const after: boolean[] = Array.from(cells, () => true);
  for (let index = cells.length - 2; index >= 0; index -= 1) {
    const next = cells[index + 1];
    after[index] = next === undefined || next.gap !== 'none' || isOpen(next, after[index + 1] ?? true);
  }
  return { before, after };
}

const isOpen = (neighbour: Cell, beyond: boolean): boolean =>
  neighbour.kind === 'symbol' || (neighbour.kind === 'digit' && beyond);

/** The span of a term that ends at cell `last`, if what stands there really is that term. */
function matchAt(
  term: readonly Cell[],
  cells: readonly Cell[],
  edges: WordEdges,
  last: number,
): Span | undefined {
  const first = last - term.length + 1;
  const [start, end] = [cells[first], cells[last]];
  if (start === undefined || end === undefined) return undefined;
  if (!edges.before[first] || !edges.after[last]) return undefined;
  let [literal, letters, spaces, long] = [true, false, 0, 0];
  for (const [offset, wanted] of term.entries()) {
    const cell = cells[first + offset];
    if (cell === undefined) return undefined;
    if (cell.char !== wanted.char) {
      if (!leet.get(cell.char)?.includes(wanted.char)) return undefined;
      literal = false;
    }
    letters ||= cell.kind === 'letter';
    // Between the words of a phrase any gap will do, also none.
    if (offset > 0 && wanted.gap === 'none' && cell.gap === 'space') spaces += 1;
    // The second cell of a piece makes it a long one; further cells of the same piece do not count again.
    const isSecond =
      offset > 0 && cell.gap === 'none' && (offset === 1 || cells[first + offset - 1]?.gap !== 'none');
    if (isSecond) long += 1;
  }
  if (!literal && !letters) return undefined;
  const pieces = end.token - start.token + 1;
  const isSpelled = pieces >= 3 && long <= 1;
  return spaces === 0 || isSpelled ? { start: start.start, end: end.end } : undefined;
}

function hitsOf(places: ReadonlyMap<Pattern, readonly Span[]>): readonly FilterHit[] {
  return [...places]
    .map(([{ list, category, term }, spans]) => ({ list, category, term, spans }))
    .sort((a, b) => (a.spans[0]?.start ?? 0) - (b.spans[0]?.start ?? 0));
}
