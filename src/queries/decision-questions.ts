import {
  checkedTable,
  differingTable,
  type ReviewRow,
  reviewsTable,
  decisionsTable,
  totalsKey,
  totalsTable,
} from '../audit/decision-rows.ts';
import { microsOf } from '../audit/instants.ts';
import type { Page } from './audited-runs.ts';
import type { Cut, Gap } from './as-of.ts';
import { type AuditedDecision, eachMatching, type OpenDecisions, reviewAsOf } from './decisions.ts';

/** How often the fast filter hit a term, and what a model said of the text then. */
export type TermCount = {
  readonly list: string;
  readonly term: string;
  readonly hits: number;
  readonly false_positives: number;
  readonly confirmed: number;
  readonly undecided: number;
  /** Blocked without asking a model. */
  readonly not_asked: number;
  /** Of those where a model came to a verdict. */
  readonly false_positive_rate: number | null;
};

type Counting = { -readonly [K in keyof TermCount]: TermCount[K] };

/** By term, most hits first. Terms stand in payloads: of an erased text only that it had hits is left, and that is told. */
export function countTerms(opened: OpenDecisions): {
  readonly cut: Cut;
  readonly terms: readonly TermCount[];
} {
  const { columns, size } = opened;
  const { ofDecision, sets } = opened.terms();
  // Few sets and few profiles differ: decisions are counted by both before anything is looked at.
  const pairs = new Map<number, number>();
  for (const [ordinal, set] of ofDecision) {
    if (ordinal >= size) continue;
    const pair = set * columns.profiles.length + (columns.profile[ordinal] ?? 0);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  const counts = new Map<string, Counting>();
  let told = 0;
  for (const [pair, decisions] of pairs) {
    const profile = columns.profiles[pair % columns.profiles.length];
    if (profile === undefined) continue;
    if (profile.terms > 0) told += decisions;
    for (const [list, term] of sets[Math.floor(pair / columns.profiles.length)] ?? []) {
      const name = `${list}\0${term}`;
      const count = counts.get(name) ?? newCount(list, term);
      counts.set(name, count);
      count.hits += decisions;
      if (!profile.methods.includes('llm_context_check')) count.not_asked += decisions;
      else if (profile.verdict === 'safe') count.false_positives += decisions;
      else if (profile.verdict === 'unsafe') count.confirmed += decisions;
      else count.undecided += decisions;
    }
  }
  const terms = [...counts.values()].map(withRate);
  terms.sort((a, b) => b.hits - a.hits || (`${a.list}\0${a.term}` < `${b.list}\0${b.term}` ? -1 : 1));
  return { cut: withErased(opened, told), terms };
}

const newCount = (list: string, term: string): Counting => ({
  list,
  term,
  hits: 0,
  false_positives: 0,
  confirmed: 0,
  undecided: 0,
  not_asked: 0,
  false_positive_rate: null,
});

function withRate(count: Counting): TermCount {
  const judged = count.false_positives + count.confirmed;
  return { ...count, false_positive_rate: judged === 0 ? null : count.false_positives / judged };
}

function withErased({ columns, size, cut }: OpenDecisions, told: number): Cut {
  const withHits = Uint8Array.from(columns.profiles, ({ terms }) => (terms > 0 ? 1 : 0));
  let hit = 0;
  for (let at = 0; at < size; at++) hit += withHits[columns.profile[at] ?? 0] ?? 0;
  if (hit <= told) return cut;
  const detail = 'So many decisions had hits whose terms are erased, or were never told: they are in no row.';
  const gap: Gap = { reason: 'content_erased', count: hit - told, detail };
  return { ...cut, gaps: [...cut.gaps, gap] };
}

/** One text, by its commitment, that got different verdicts. */
export type DifferingText = {
  readonly role: string;
  readonly commitment: string;
  readonly decisions: readonly AuditedDecision[];
};

/** So many decisions of one text are shown; the rest is counted by the filter of decisions. */
const maxShownOfText = 20;

/** Texts of a role that got different verdicts, the one that differed last first. */
export function differingTexts(
  { reader, cut, size, at }: OpenDecisions,
  role: string,
  { limit, offset }: Page,
): { readonly cut: Cut; readonly total: number; readonly texts: readonly DifferingText[] } {
  const known = Array.from(reader.range(differingTable, { end: cut.number + 1 }), ({ row }) => row);
  const ofRole = known.filter(([of]) => of === role).toReversed();
  const texts = ofRole.slice(offset, offset + limit).map(([of, commitment]) => {
    const range = { start: [of, commitment, 0], end: [of, commitment, size], limit: maxShownOfText };
    const ordinals = Array.from(reader.keys(checkedTable, range), (key) =>
      Number((key as readonly (string | number)[])[2]),
    );
    return { role: of, commitment, decisions: ordinals.map(at) };
  });
  return { cut, total: ofRole.length, texts };
}

export type ReviewFilter = {
  readonly judgement?: string | undefined;
  /** HMAC of who reviewed. */
  readonly actor?: string | undefined;
  /** True: asks for an answer and has none; false: answered. */
  readonly open?: boolean | undefined;
  /** At `at` (RFC 3339, UTC; by default the log's clock). */
  readonly olderThanHours?: number | undefined;
  readonly at?: string | undefined;
};

export type FoundReview = { readonly row: ReviewRow; readonly decisionSeq: number | null };

/** What people said of decisions, newest first. */
export function findReviews(
  { reader, cut }: OpenDecisions,
  filter: ReviewFilter,
  { limit, offset }: Page,
): {
  readonly cut: Cut;
  readonly total: number;
  readonly at: string | null;
  readonly reviews: readonly FoundReview[];
} {
  const count = reader.get(totalsTable, totalsKey)?.reviews ?? 0;
  const at = filter.at ?? (cut.clock === '' ? null : `${cut.clock}Z`);
  const all = count === 0 ? [] : Array.from(reader.range(reviewsTable, { start: count - 1, reverse: true }));
  const found = all
    .filter(({ row }) => row.number <= cut.number)
    .map(({ row }) => reviewAsOf(row, cut.number))
    .filter((row) => matches(row, filter, at));
  const reviews = found.slice(offset, offset + limit).map((row) => {
    const decision = row.decision === null ? undefined : reader.get(decisionsTable, row.decision);
    return { row, decisionSeq: decision?.sequence_number ?? null };
  });
  return { cut, total: found.length, at, reviews };
}

function matches(row: ReviewRow, filter: ReviewFilter, at: string | null): boolean {
  if (filter.judgement !== undefined && row.judgement !== filter.judgement) return false;
  if (filter.actor !== undefined && row.actor?.id !== filter.actor) return false;
  if (filter.open === true && !(asksForAnswer(row) && row.answered === null)) return false;
  if (filter.open === false && row.answered === null) return false;
  if (filter.olderThanHours === undefined || at === null) return true;
  return (microsOf(at) - microsOf(row.time)) / 3_600_000_000 > filter.olderThanHours;
}

/** An appeal, or a mark that somebody should look at; an override, a confirmation or an answer asks nothing. */
const asksForAnswer = ({ judgement, answers }: ReviewRow): boolean =>
  answers === null && judgement !== 'override' && judgement !== 'confirmed';

/** What decided, and when it last did. */
export type InUse = {
  readonly policy: string | null;
  readonly model_requested: string | null;
  readonly model: string | null;
  readonly model_digest: string | null;
  readonly decisions: number;
  readonly last: string;
};

/** Policies and models by which decisions were made, the one that was used last first; of one run where it is named. */
export function inUse(opened: OpenDecisions, run: string | undefined): readonly InUse[] {
  const { columns, reader } = opened;
  const found = new Map<string, { -readonly [K in keyof InUse]: InUse[K] }>();
  const ofProfile = new Map<number, { decisions: number }>();
  eachMatching(opened, { run, kind: ['check', 'skip'] }, (at) => {
    const number = columns.profile[at] ?? 0;
    const known = ofProfile.get(number);
    if (known !== undefined) {
      known.decisions += 1;
      return;
    }
    const profile = columns.profiles[number];
    if (profile === undefined) return;
    const { policy, model_requested, model, model_digest } = profile;
    const by = {
      policy: policy === null ? null : `${policy.id}:${policy.version}`,
      model_requested,
      model,
      model_digest,
    };
    const key = JSON.stringify(by);
    // Newest first: the first of its kind is the last that was made.
    const use = found.get(key) ?? { ...by, decisions: 0, last: reader.get(decisionsTable, at)?.time ?? '' };
    use.decisions += 1;
    found.set(key, use);
    ofProfile.set(number, use);
  });
  return [...found.values()];
}
