import { RoaringBitmap32 } from 'roaring-wasm';
import {
  allRuns,
  countsTable,
  filtersTable,
  filterValue,
  summariesTable,
} from '../../projections/run-list.ts';
import { oldSafetyLevels } from '../events/decision.ts';
import { sortable } from '../events/time.ts';
import type { Projector } from '../projector/projector.ts';
import type { Reader } from '../projector/projection.ts';
import { type RunStatus, runStatuses } from '../run/lifecycle.ts';
import { countOf, createFilterBitmaps, type OwnedBitmap, type Term } from './filter-bitmaps.ts';
import { createListOrder, type TimeSpan } from './list-order.ts';
import { bitmapOrdinals, everyOrdinal, type Ordinals, rowOrdinals } from './ordinals.ts';

/** Every member that is given must match. */
export type RunFilter = {
  readonly config?: string | undefined;
  /** The same as `config`. */
  readonly workflow_id?: string | undefined;
  /** YYYY-MM-DD in the configured time zone. */
  readonly date?: string | undefined;
  readonly user_id?: string | undefined;
  readonly session_id?: string | undefined;
  /** Any of these; `active` is every status that is not terminal. */
  readonly status?: readonly (RunStatus | 'active')[] | undefined;
  readonly safety_level?: string | undefined;
  readonly execution_mode?: string | undefined;
  readonly scope_type?: string | undefined;
  readonly scope_id?: string | undefined;
  /** RFC 3339 in UTC; runs that began then or later. */
  readonly from?: string | undefined;
  /** RFC 3339 in UTC; runs that began then or earlier. */
  readonly to?: string | undefined;
  /** A media type that was delivered. */
  readonly output?: string | undefined;
};

export type RunPage = {
  /** RunSummary as ready JSON, newest first; of two that began at the same instant the smaller id first. */
  readonly texts: readonly string[];
  /** Of all that match, exact at any size. */
  readonly total: number;
};

type Page = { readonly limit: number; readonly offset: number };

export type RunListQuery = (filter: RunFilter, page: Page) => RunPage;

/** All runs that matched a filter at one moment, whatever begins or changes since. */
export type RunSelection = {
  readonly total: number;
  /** Summaries as they are now, in the order of the list. Throws what {@link Projector.reader} throws. */
  readonly texts: (page: Page) => readonly string[];
  readonly release: () => void;
};

export type RunLists = {
  readonly list: RunListQuery;
  readonly select: (filter: RunFilter) => RunSelection;
};

/** Up to here a single filter is read from its rows, without a bitmap: a fresh process answers at once. */
const maxDirectRows = 2000;

const terminal: ReadonlySet<RunStatus> = new Set([
  'completed',
  'failed',
  'blocked',
  'cancelled',
  'incomplete',
]);
const activeStatuses = runStatuses.filter((status) => !terminal.has(status));

/**
 * Lists and selects runs. Synchronous, because what it reads is memory and mapped pages, and because rows and bitmaps are of one
 * commit only within one turn of the event loop. Throws what {@link Projector.reader} throws.
 */
export function createRunLists(projector: Projector): RunLists {
  const bitmaps = createFilterBitmaps();
  const order = createListOrder();
  projector.watch('run-list', (change) => {
    bitmaps.follow(change);
    if (change.kind === 'replaced') order.clear();
  });

  /** The caller disposes of it. */
  const selected = (reader: Reader, filter: RunFilter, terms: readonly Term[], runs: number): OwnedBitmap => {
    if (filter.from === undefined && filter.to === undefined) return bitmaps.select(reader, terms);
    const bounds = spanBitmap(order.between(reader, sorted(filter.from), sorted(filter.to), runs));
    const bitmap = bitmaps.select(reader, terms, bounds);
    bounds.dispose();
    return bitmap;
  };

  const textsOf = (reader: Reader, ordinals: Ordinals, { limit, offset }: Page): string[] =>
    order.page(reader, ordinals, limit, offset).map((ordinal) => summaryAt(reader, ordinal));

  const list: RunListQuery = (filter, page) => {
    const { limit, offset } = page;
    const reader = projector.reader('run-list');
    const terms = termsOf(filter);
    const runs = reader.get(countsTable, allRuns) ?? 0;
    const answer = (ordinals: Ordinals): RunPage => ({
      texts: textsOf(reader, ordinals, page),
      total: ordinals.size,
    });

    const [term] = terms;
    const isTimed = filter.from !== undefined || filter.to !== undefined;
    if (term === undefined && !isTimed) return answer(everyOrdinal(runs));
    const [value] = term?.values ?? [];
    if (
      term !== undefined &&
      value !== undefined &&
      terms.length === 1 &&
      term.values.length === 1 &&
      !isTimed
    ) {
      const isNear = offset + limit <= maxDirectRows && !order.isScattered(reader, runs);
      if (!bitmaps.has(term.field, value) && isNear)
        return answer(rowOrdinals(reader, filtersTable, [term.field, value], countOf(reader, term)));
    }
    const bitmap = selected(reader, filter, terms, runs);
    try {
      return answer(bitmapOrdinals(bitmap));
    } finally {
      bitmap.dispose();
    }
  };

  const select: RunLists['select'] = (filter) => {
    const reader = projector.reader('run-list');
    const terms = termsOf(filter);
    const runs = reader.get(countsTable, allRuns) ?? 0;
    const isEverything = terms.length === 0 && filter.from === undefined && filter.to === undefined;
    const bitmap = isEverything ? undefined : selected(reader, filter, terms, runs);
    const ordinals = bitmap === undefined ? everyOrdinal(runs) : bitmapOrdinals(bitmap);
    return {
      total: ordinals.size,
      texts: (page) => textsOf(projector.reader('run-list'), ordinals, page),
      release: () => bitmap?.dispose(),
    };
  };

  return { list, select };
}

const sorted = (time: string | undefined): string | undefined =>
  time === undefined ? undefined : sortable(time);

function summaryAt(reader: Reader, ordinal: number): string {
  const text = reader.get(summariesTable, ordinal);
  if (text === undefined) throw new TypeError(`run-list has no summary ${ordinal}`);
  return text;
}

function termsOf(filter: RunFilter): Term[] {
  const terms: Term[] = [];
  const add = (field: string, value: string | undefined): void => {
    if (value !== undefined) terms.push({ field, values: [filterValue(value)] });
  };
  add('config', filter.config);
  if (filter.workflow_id !== filter.config) add('config', filter.workflow_id);
  add('date', filter.date);
  add('user_id', filter.user_id);
  add('session_id', filter.session_id);
  add('safety_level', filter.safety_level && (oldSafetyLevels[filter.safety_level] ?? filter.safety_level));
  add('execution_mode', filter.execution_mode);
  add('scope_type', filter.scope_type);
  add('scope_id', filter.scope_id);
  add('output', filter.output);
  if (filter.status !== undefined) {
    const values = new Set(
      filter.status.flatMap((status) => (status === 'active' ? activeStatuses : status)),
    );
    terms.push({ field: 'status', values: [...values] });
  }
  return terms;
}

function spanBitmap({ start, end, exceptions }: TimeSpan): RoaringBitmap32 {
  const bitmap = new RoaringBitmap32();
  if (end > start) bitmap.addRange(start, end);
  for (const { block } of exceptions) bitmap.removeRange(block.start, block.end);
  for (const { ordinals } of exceptions) bitmap.addMany(ordinals);
  return bitmap;
}
