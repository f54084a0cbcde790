import type { DecisionProfile } from '../audit/decision-profile.ts';
import {
  type BlockRow,
  blocksTable,
  type DecisionRow,
  decisionsTable,
  judgedTable,
  languagesTable,
  orderTable,
  placesTable,
  type ReviewRow,
  reviewsTable,
  subjectNumbersTable,
  totalsKey,
  totalsTable,
} from '../audit/decision-rows.ts';
import { microsOf } from '../audit/instants.ts';
import type { Position } from '../event-store/port.ts';
import type { Projector } from '../projector/projector.ts';
import type { Reader } from '../projector/projection.ts';
import { type AsOf, type Cut, cutAt, type Gap } from './as-of.ts';
import type { Page } from './audited-runs.ts';
import { createTermColumn, type TermColumn } from './term-column.ts';
import { createDecisionColumns, type DecisionColumns, decisionsUpTo } from './decision-columns.ts';
import { profileChooser, type ProfileFilter } from './decision-filter.ts';
import { type DecisionGroup, type GroupField, groupDecisions } from './decision-groups.ts';

export type DecisionFilter = ProfileFilter & {
  /** RFC 3339, UTC; both inclusive, by when it was decided. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly run?: string | undefined;
  /** HMAC of a person. */
  readonly subject?: string | undefined;
  /** Seconds; longer ones match. */
  readonly duration_above?: number | undefined;
  /** The text is of another language than was checked. */
  readonly language_differs?: boolean | undefined;
  /** Judged by a person like this. */
  readonly judgement?: string | undefined;
};

/** A decision with all that was known of it at the cut. */
export type AuditedDecision = {
  readonly row: DecisionRow;
  readonly profile: DecisionProfile;
  readonly blocks: readonly BlockRow[];
  readonly reviews: readonly ReviewRow[];
  /** Of what language the text was, where another was checked. */
  readonly actualLanguage: string | null;
};

export type Told<T> = T & { readonly cut: Cut };

/**
 * Questions to the decisions, each answered as of a moment of the log. Synchronous: what it reads is memory and mapped
 * pages. All throw what {@link Projector.reader} throws, and FOREIGN_POSITION.
 */
export type DecisionQueries = {
  /** Newest first, with the exact number of all that match. */
  readonly list: (
    filter: DecisionFilter,
    page: Page,
    asOf: AsOf,
  ) => Told<{ readonly total: number; readonly decisions: readonly AuditedDecision[] }>;
  /** Counts by one or two fields, the largest first; a decision of several categories counts in each. */
  readonly groups: (
    filter: DecisionFilter,
    fields: readonly GroupField[],
    page: Page,
    asOf: AsOf,
  ) => Told<{
    readonly total: number;
    readonly groupsTotal: number;
    readonly groups: readonly DecisionGroup[];
  }>;
  /** What other questions about decisions read. */
  readonly open: (asOf: AsOf) => OpenDecisions;
};

export type OpenDecisions = {
  readonly reader: Reader;
  readonly columns: DecisionColumns;
  readonly cut: Cut;
  /** How many decisions there were. */
  readonly size: number;
  readonly terms: () => TermColumn;
  readonly at: (ordinal: number) => AuditedDecision;
};

export function createDecisionQueries(
  projector: Projector,
  compare: (a: Position, b: Position) => number,
): DecisionQueries {
  const columnsNow = createDecisionColumns(projector);
  const terms = createTermColumn(projector);

  const open = (asOf: AsOf): OpenDecisions => {
    const columns = columnsNow();
    const reader = projector.reader('decisions');
    const count = reader.get(totalsTable, totalsKey)?.numbers ?? 0;
    const cut = cutAt(projector, 'decisions', { table: orderTable, count }, asOf, compare);
    const size = decisionsUpTo(columns, cut.number);
    const at = (ordinal: number): AuditedDecision => decisionAt(reader, columns, cut.number, ordinal);
    return { reader, columns, cut, size, terms, at };
  };

  return {
    open,
    list(filter, { limit, offset }, asOf) {
      const opened = open(asOf);
      const page: number[] = [];
      let total = 0;
      eachMatching(opened, filter, (ordinal) => {
        if (total >= offset && page.length < limit) page.push(ordinal);
        total += 1;
      });
      const decisions = page.map((ordinal) => opened.at(ordinal));
      return { total, decisions, cut: withHistory(opened, filter) };
    },
    groups(filter, fields, page, asOf) {
      const opened = open(asOf);
      const counted = groupDecisions(opened, fields, page, (found) => eachMatching(opened, filter, found));
      return { ...counted, cut: withHistory(opened, filter) };
    },
  };
}

function decisionAt(
  reader: Reader,
  columns: DecisionColumns,
  number: number,
  ordinal: number,
): AuditedDecision {
  const row = reader.get(decisionsTable, ordinal);
  const profile = row && columns.profiles[row.profile];
  if (row === undefined || profile === undefined) throw new TypeError(`there is no decision ${ordinal}`);
  const range = { start: [ordinal, 0], end: [ordinal, Number.MAX_SAFE_INTEGER] };
  const language = reader.get(languagesTable, ordinal);
  return {
    row,
    profile,
    blocks: Array.from(reader.range(blocksTable, range), (entry) => entry.row).filter(
      (block) => block.number <= number,
    ),
    reviews: reviewsOf(reader, range, number),
    actualLanguage: language !== undefined && language.number <= number ? language.actual : null,
  };
}

function reviewsOf(reader: Reader, range: object, number: number): ReviewRow[] {
  return Array.from(reader.keys(judgedTable, range)).flatMap((key) => {
    const review = reader.get(reviewsTable, Number((key as readonly number[])[1]));
    return review === undefined || review.number > number ? [] : reviewAsOf(review, number);
  });
}

/** A later answer was not known then. */
export const reviewAsOf = (review: ReviewRow, number: number): ReviewRow =>
  review.answered !== null && review.answered > number ? { ...review, answered: null } : review;

/** Calls `found` for every decision that matches, newest first. */
export function eachMatching(
  { reader, columns, size, cut }: OpenDecisions,
  filter: DecisionFilter,
  found: (ordinal: number) => void,
): void {
  const { time, duration, subject, profile } = columns;
  const isChosen = profileChooser(filter);
  const wanted = Uint8Array.from(columns.profiles, (profile) => (isChosen(profile) ? 1 : 0));
  const from = filter.from === undefined ? Number.NEGATIVE_INFINITY : microsOf(filter.from);
  const to = filter.to === undefined ? Number.POSITIVE_INFINITY : microsOf(filter.to);
  const above = filter.duration_above ?? -2;
  const person =
    filter.subject === undefined ? undefined : (reader.get(subjectNumbersTable, filter.subject) ?? -1);
  const among = amongOf(reader, filter, cut.number);
  const check = (at: number): void => {
    if (wanted[profile[at] ?? 0] === 0) return;
    const instant = time[at] ?? 0;
    if (instant < from || instant > to || (duration[at] ?? -1) <= above) return;
    if (person !== undefined && subject[at] !== person) return;
    found(at);
  };
  if (among === undefined) for (let at = size - 1; at >= 0; at--) check(at);
  else for (const at of [...among].sort((a, b) => b - a)) if (at < size) check(at);
}

/** The few decisions that can match, where the filter names a run, a language that differs or a person's judgement. */
function amongOf(reader: Reader, filter: DecisionFilter, number: number): Iterable<number> | undefined {
  const sets: Set<number>[] = [];
  if (filter.run !== undefined) {
    const range = { start: [filter.run, 0], end: [filter.run, Number.MAX_SAFE_INTEGER] };
    sets.push(new Set(Array.from(reader.range(placesTable, range), ({ row }) => row)));
  }
  if (filter.language_differs === true) {
    const known = Array.from(reader.range(languagesTable)).filter(({ row }) => row.number <= number);
    sets.push(new Set(known.map(({ key }) => Number(key))));
  }
  if (filter.judgement !== undefined) {
    const reviews = Array.from(reader.range(reviewsTable), ({ row }) => row);
    const judged = reviews.filter(
      (review) =>
        review.number <= number && review.judgement === filter.judgement && review.decision !== null,
    );
    sets.push(new Set(judged.map(({ decision }) => Number(decision))));
  }
  const [first, ...others] = sets;
  return first && [...first].filter((ordinal) => others.every((set) => set.has(ordinal)));
}

/** What no record proves: a decision without one may be among those that were asked for. */
function withHistory(opened: OpenDecisions, filter: DecisionFilter): Cut {
  const { from, to, run, subject } = filter;
  let count = 0;
  eachMatching(opened, { from, to, run, subject, recorded: false }, () => void (count += 1));
  if (count === 0) return opened.cut;
  const detail =
    'So many decisions of the same period, run and person have no decision record (old history, foreign pipelines): what they rest on is not known, and a filter by it does not find them.';
  const gap: Gap = { reason: 'no_decision_record', count, detail };
  return { ...opened.cut, gaps: [...opened.cut.gaps, gap] };
}
