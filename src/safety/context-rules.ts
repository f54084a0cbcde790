import type { ContextAnswer, ContextChecker, ContextHit, ContextQuestion } from './context-check.ts';
import { foldText, withoutSymbols } from './folded-text.ts';
import type { Span } from './term-filter.ts';

/** What answers where no model does. */
export const rulesModel = 'builtin/context-rules';

/** How far, in words, a rule looks. */
const reach = { negation: 3, tone: 2, setting: 12 } as const;

/**
 * The built-in context check: looks at the words around each hit and dismisses it where one of four rules applies,
 * otherwise lets it stand. It understands nothing, and it says what it is. Same text, same answer.
 * - negation: `no`, `without`, `kein` … at most 3 words before, in the same clause;
 * - figurative: the next or the previous word makes a fixed phrase with it (blood orange, blutige Anfänger);
 * - tone, not for law lists: `friendly`, `cute`, `lustig` … at most 2 words away;
 * - setting: museum, history lesson, memorial … at most 12 words away; for law lists this stands for the exemptions of
 *   §86(4) StGB: art, science, teaching, reporting on history.
 */
export function builtinContextRules(clock: () => number): ContextChecker {
  return {
    model: rulesModel,
    async check(question, signal) {
      signal.throwIfAborted();
      const started = clock();
      const { verdict, dismissed, raw } = judgeByRules(question);
      return {
        verdict,
        dismissed,
        native: verdict,
        parseStatus: 'canonical',
        raw,
        model: rulesModel,
        backend: 'builtin',
        executionSeconds: clock() - started,
      } satisfies ContextAnswer;
    },
  };
}

/** What the rules say of the hits in a text. Pure: whoever asks again, years later, gets the same. */
export function judgeByRules({ text, hits }: Pick<ContextQuestion, 'text' | 'hits'>): Pick<
  ContextAnswer,
  'dismissed' | 'raw'
> & {
  readonly verdict: 'safe' | 'unsafe';
} {
  const words = readWords(text);
  const judged = hits.map((hit) => judge(hit, words));
  const verdict = judged.some(({ hit, harmless }) => harmless.length < hit.spans.length) ? 'unsafe' : 'safe';
  return {
    verdict,
    dismissed: judged.flatMap(({ hit, harmless }) =>
      harmless.length === 0 ? [] : [{ ...withoutScope(hit), spans: harmless }],
    ),
    raw: [verdict, ...judged.map(({ hit, reasons }) => `${hit.term}: ${reasons.join(', ')}`)].join('\n'),
  };
}

/** Folded as the text is: it knows no ß. */
const words = (text: string): ReadonlySet<string> => new Set(readWords(text).map((word) => word.text));

const negations = words(
  'no not without never neither nor kein keine keinen keiner keinem ohne nicht nie niemals weder',
);
const figurative = words(
  'orange oranges moon mond donation donor spende spenden pressure druck test type group vessel vessels bank ' +
    'anfänger brother brothers bruder brüder comfort movie night party costume kostüm film filme komödie comedy',
);
const tones = words(
  'friendly cute sweet gentle funny kind shy happy tiny lovable plush toy freundlich freundliche freundlicher ' +
    'freundliches süß süße süßer süßes lieb liebe liebes lieber lustig lustige lustiger lustiges nett nette netter ' +
    'nettes fröhlich fröhliche fröhlicher fröhliches schüchtern schüchterne schüchternes kuschelig kuscheliges plüsch',
);
const settings = words(
  'museum museums history historical historian lesson textbook memorial documentary exhibition archive research ' +
    'museen geschichte geschichtsunterricht historisch historische historischer historisches historiker unterricht ' +
    'schulbuch gedenkstätte mahnmal dokumentation dokumentarfilm ausstellung archiv forschung aufklärung',
);

type Word = { readonly text: string; readonly start: number; readonly end: number; readonly clause: number };

/** The words of a text by its gaps, folded like the filter folds them, each with the clause it stands in. */
function readWords(text: string): readonly Word[] {
  const { glyphs, starts, ends, tokens } = withoutSymbols(foldText(text));
  const found: { text: string; start: number; end: number; clause: number }[] = [];
  let clause = 0;
  for (const [index, { char }] of glyphs.entries()) {
    const [start, end] = [starts[index] ?? 0, ends[index] ?? 0];
    const last = found.at(-1);
    if (last !== undefined && tokens[index] === tokens[index - 1]) {
      last.text += char;
      last.end = end;
    } else {
      if (last !== undefined && /[.,;:!?\n]/.test(text.slice(last.end, start))) clause += 1;
      found.push({ text: char, start, end, clause });
    }
  }
  return found;
}

type Judgement = {
  readonly hit: ContextHit;
  readonly harmless: readonly Span[];
  readonly reasons: readonly string[];
};

function judge(hit: ContextHit, text: readonly Word[]): Judgement {
  const reasons = hit.spans.map((span) => ({ span, reason: reasonFor(hit, span, text) }));
  return {
    hit,
    harmless: reasons.flatMap(({ span, reason }) => (reason === undefined ? [] : [span])),
    reasons: [...new Set(reasons.map(({ reason }) => reason ?? 'meant as it stands'))],
  };
}

function reasonFor(hit: ContextHit, span: Span, text: readonly Word[]): string | undefined {
  const from = indexAt(text, span.start);
  const to = indexAt(text, span.end - 1);
  const clause = text[from]?.clause;
  const near = (low: number, high: number, known: ReadonlySet<string>): string | undefined =>
    [...text.slice(Math.max(0, low), from), ...text.slice(to + 1, high + 1)].find((word) =>
      known.has(word.text),
    )?.text;
  const before = text.slice(Math.max(0, from - reach.negation), from);
  const negation = before.find((word) => word.clause === clause && negations.has(word.text))?.text;
  if (negation !== undefined) return `negation (${negation})`;
  const setting = near(from - reach.setting, to + reach.setting, settings);
  if (setting !== undefined) return `setting (${setting})`;
  const phrase = near(from - 1, to + 1, figurative);
  if (phrase !== undefined && hit.scope === 'level') return `figurative (${phrase})`;
  const tone = near(from - reach.tone, to + reach.tone, tones);
  return tone !== undefined && hit.scope === 'level' ? `tone (${tone})` : undefined;
}

/** The last word that begins at or before an offset; by halving, because a text may hold thousands of hits. */
function indexAt(text: readonly Word[], offset: number): number {
  let [low, high] = [0, text.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((text[middle]?.start ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

const withoutScope = ({ list, category, term }: ContextHit): Omit<ContextHit, 'scope' | 'spans'> => ({
  list,
  category,
  term,
});
