import { buildAutomaton } from './automaton.ts';
import { type FoldedText, foldText, withoutSymbols } from './folded-text.ts';
import { spellingsOf } from './spellings.ts';
import { stretchedSearch } from './stretched.ts';
import { isMeant, type Pattern, type Place, wordsOf } from './term-match.ts';

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

/**
 * Compiles term lists into one filter that reads a text once per way of reading it. A term is found
 * - as a whole word, in any case, width or composition, with accents and zero-width characters inside, and with digits
 *   before or after it;
 * - with ä, ö, ü, ß written as ae, oe, ue, ss, and the other way round;
 * - with leet signs and look-alikes from other scripts for letters (look-alikes.ts), by the rules of {@link isMeant};
 * - with any of its letters written three times or more (bloooood);
 * - with marks inside the word (b.l.o.o.d, blo-od), also such as may stand for letters (b@l@o@o@d);
 * - spelled out by spaces (b l o o d), where at least three pieces stand apart and all but one are single letters; inside
 *   a text that is spelled out there are no word boundaries left to ask for.
 * It is not found inside a longer word: "blut" does not stand in "Blutorange".
 */
export function compileFilter(
  lists: readonly { readonly id: string; readonly category: string; readonly terms: readonly string[] }[],
): TermFilter {
  const patterns: Pattern[] = lists.flatMap(({ id, category, terms }) =>
    [...new Set(terms)].flatMap((term) =>
      spellingsOf(term).map((spelling) => ({ list: id, category, term, folded: foldText(spelling) })),
    ),
  );
  const plain = buildAutomaton(patterns.map(({ folded }) => groupsOf(folded)));
  const stretched = stretchedSearch(patterns);
  return {
    scan(text, wanted) {
      const found = new Map<string, Found>();
      const folded = foldText(text);
      const hasSymbols = folded.glyphs.some(({ kind }) => kind === 'symbol');
      let steps = text.length;
      for (const read of hasSymbols ? [folded, withoutSymbols(folded)] : [folded]) {
        const words = wordsOf(read);
        const look = (index: number, place: Place): void => {
          const pattern = patterns[index];
          if (pattern === undefined || !wanted.has(pattern.list)) return;
          steps += place.last - place.first + 1;
          if (isMeant(pattern.folded, words, place)) note(found, pattern, spanOf(read, place));
        };
        steps += plain.walk(groupsOf(read), (index, last) => {
          const length = patterns[index]?.folded.glyphs.length ?? 0;
          look(index, { first: last - length + 1, last, meant: itself });
        });
        steps += 2 * read.glyphs.length + stretched.walk(words, look);
      }
      return { hits: [...found.values()].map(hitOf).sort(byPlace), steps };
    },
  };
}

const groupsOf = ({ glyphs }: FoldedText): readonly number[] => glyphs.map(({ group }) => group);
const itself = (n: number): number => n;

const spanOf = ({ starts, ends }: FoldedText, { first, last }: Place): Span => ({
  start: starts[first] ?? 0,
  end: ends[last] ?? 0,
});

/** A term of a list with what was found of it; two spellings of one term are one. */
type Found = { readonly pattern: Pattern; readonly spans: Span[] };

function note(found: Map<string, Found>, pattern: Pattern, span: Span): void {
  const key = `${pattern.list}\0${pattern.term}`;
  const known = found.get(key);
  if (known === undefined) found.set(key, { pattern, spans: [span] });
  else known.spans.push(span);
}

/** The places of a term in order. One that was read in two ways counts once, as long as the longer way read it. */
function hitOf({ pattern: { list, category, term }, spans }: Found): FilterHit {
  const apart: Span[] = [];
  for (const span of spans.sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (span.start >= (apart.at(-1)?.end ?? 0)) apart.push(span);
  }
  return { list, category, term, spans: apart };
}

const byPlace = (a: FilterHit, b: FilterHit): number => (a.spans[0]?.start ?? 0) - (b.spans[0]?.start ?? 0);
