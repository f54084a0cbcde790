import { createHash } from 'node:crypto';
import { z } from 'zod';
import { sortable, toUtc } from '../src/events/time.ts';
import {
  jsonTable,
  type Projection,
  type ProjectionSettings,
  type Table,
  textTable,
  type View,
} from '../src/projector/projection.ts';
import {
  evolveRecord,
  executionIdOf,
  initialRecordState,
  type RecordState,
  type RunSummary,
  summaryOf,
} from '../src/run/record.ts';

const ordinal = z.int().min(0);
const pair = z.tuple([z.string(), z.string()]);

/** The fold of one run, without the texts that no list shows. */
const runRow = z.strictObject({
  ordinal,
  state: z.custom<RecordState>((value) => typeof value === 'object' && value !== null),
  filters: z.array(pair),
});
export type RunRow = z.infer<typeof runRow>;

/** When a run arrived it was later than all before it, or it says which one was the latest so far. */
const arrivalRow = z.strictObject({
  /** `sortable` start. */
  time: z.string(),
  id: z.string(),
  /** Ordinal of the run that is first in the list among all that had arrived by then. */
  latest: ordinal,
});
export type ArrivalRow = z.infer<typeof arrivalRow>;

/** By execution id. */
export const runsTable: Table<RunRow> = jsonTable('runs', runRow);
/** By ordinal: RunSummary as ready JSON. */
export const summariesTable = textTable('summaries', z.string());
/** By ordinal. An ordinal is the place of a run's first event among all runs' first events, from 0. */
export const arrivalsTable: Table<ArrivalRow> = jsonTable('arrivals', arrivalRow);
/**
 * By first ordinal: the ordinal after the last. Outside of these blocks the order of arrival is the order of the list,
 * and every run before a block is before all in it. So a few that arrive late cost only their surroundings.
 */
export const blocksTable: Table<number> = jsonTable('blocks', ordinal);
/** By [field, value, ordinal]: the truth behind every filter. */
export const filtersTable: Table<number> = jsonTable('filters', z.literal(1));
/** By [field, value]: how many ordinals it has. */
export const countsTable: Table<number> = jsonTable('counts', z.int().min(1));
/** The key in {@link countsTable} of the number of all runs, which is the next ordinal. */
export const allRuns = ['all', '-'] as const;

/** All runs with their ready summaries, in the order of arrival, and the rows behind every filter and total. */
export default function runList({ timeZone }: ProjectionSettings): Projection {
  const dateOf = dateIn(timeZone);
  return {
    name: 'run-list',
    version: `3 ${timeZone}`,
    tables: [runsTable, summariesTable, arrivalsTable, blocksTable, filtersTable, countsTable],
    handle(events, view) {
      const folded = new Map<string, Folding>();
      let runs = view.get(countsTable, allRuns) ?? 0;
      for (const { stream, event } of events) {
        const id = executionIdOf(stream);
        if (id === undefined) continue;
        let folding = folded.get(id);
        if (folding === undefined) {
          folding = beginFold(id, view.get(runsTable, id), () => runs++);
          folded.set(id, folding);
        }
        // A stream that is told from its beginning again (content_erased) is folded anew.
        const before = event.core.seq === 1 ? initialRecordState(id) : folding.state;
        folding.state = evolveRecord(before, event);
      }
      for (const folding of folded.values()) storeRun(view, folding, dateOf);
      if (folded.size > 0) view.put(countsTable, allRuns, runs);
    },
  };
}

type Folding = { readonly ordinal: number; readonly row: RunRow | undefined; state: RecordState };

function beginFold(id: string, row: RunRow | undefined, nextOrdinal: () => number): Folding {
  return row === undefined
    ? { ordinal: nextOrdinal(), row, state: initialRecordState(id) }
    : { ordinal: row.ordinal, row, state: row.state };
}

type DateOf = (time: string) => string;

function storeRun(view: View, { ordinal, row, state }: Folding, dateOf: DateOf): void {
  const summary = summaryOf(state);
  const filters = filtersOf(summary, state, dateOf);
  if (row === undefined) arrive(view, ordinal, summary, state);
  changeFilters(view, ordinal, row?.filters ?? [], filters);
  view.put(runsTable, summary.execution_id, { ordinal, state: withoutTexts(state), filters });
  view.put(summariesTable, ordinal, JSON.stringify(summary));
}

/** Gives a new run its place in the list: behind all others nearly always, else it extends or makes a block. */
function arrive(view: View, ordinal: number, summary: RunSummary, state: RecordState): void {
  const time = sortable(listTime(summary, state));
  const arrival: ArrivalRow = { time, id: summary.execution_id, latest: ordinal };
  const latest = arrivalAt(view, arrivalAt(view, ordinal - 1)?.latest);
  if (latest === undefined || compareArrivals(latest, arrival) < 0) {
    view.put(arrivalsTable, ordinal, arrival);
    return;
  }
  view.put(arrivalsTable, ordinal, { ...arrival, latest: latest.latest });
  let start = firstAfter(view, arrival, ordinal);
  // Blocks that reach into the new one become part of it.
  for (const { key, row: end } of view.range(blocksTable, { start: ordinal, reverse: true })) {
    if (typeof key !== 'number' || end <= start) break;
    view.remove(blocksTable, key);
    start = Math.min(start, key);
  }
  view.put(blocksTable, start, ordinal + 1);
}

const arrivalAt = (view: View, ordinal: number | undefined): ArrivalRow | undefined =>
  ordinal === undefined || ordinal < 0 ? undefined : view.get(arrivalsTable, ordinal);

/** The first ordinal by which a run after `arrival` had arrived: the latest so far only ever grows, so it can be bisected. */
function firstAfter(view: View, arrival: ArrivalRow, end: number): number {
  let low = 0;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const latest = arrivalAt(view, arrivalAt(view, middle)?.latest);
    if (latest !== undefined && compareArrivals(latest, arrival) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The list from its far end: older first, and of two that began at the same instant the greater id first. */
export function compareArrivals(
  a: Pick<ArrivalRow, 'time' | 'id'>,
  b: Pick<ArrivalRow, 'time' | 'id'>,
): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id > b.id ? -1 : 1;
}

/** An imported record may bring a timestamp that is none; then its first item tells when it began. */
const listTime = (summary: RunSummary, state: RecordState): string =>
  toUtc(summary.timestamp) ?? state.life.startedAt ?? '';

function changeFilters(
  view: View,
  ordinal: number,
  before: readonly (readonly [string, string])[],
  after: readonly (readonly [string, string])[],
): void {
  const differs = (list: typeof before, [field, value]: readonly [string, string]): boolean =>
    !list.some(([otherField, otherValue]) => field === otherField && value === otherValue);
  for (const filter of before) {
    if (!differs(after, filter)) continue;
    view.remove(filtersTable, [...filter, ordinal]);
    count(view, filter, -1);
  }
  for (const filter of after) {
    if (!differs(before, filter)) continue;
    view.put(filtersTable, [...filter, ordinal], 1);
    count(view, filter, 1);
  }
}

function count(view: View, filter: readonly [string, string], by: number): void {
  const next = (view.get(countsTable, filter) ?? 0) + by;
  if (next > 0) view.put(countsTable, filter, next);
  else view.remove(countsTable, filter);
}

function filtersOf(summary: RunSummary, state: RecordState, dateOf: DateOf): [string, string][] {
  const filters: [string, string][] = [
    ['date', dateOf(listTime(summary, state))],
    ['status', summary.status],
  ];
  const add = (field: string, value: string | null): void => {
    if (value !== null) filters.push([field, filterValue(value)]);
  };
  add('config', summary.config_name ?? summary.workflow_id);
  add('user_id', summary.user_id);
  add('session_id', summary.session_id);
  add('safety_level', summary.safety_level);
  add('execution_mode', summary.execution_mode);
  add('scope_type', summary.scope_type);
  add('scope_id', summary.scope_id);
  for (const media of deliveredMedia(state)) add('output', media);
  return filters;
}

/** What a check withheld after all was not delivered. */
function deliveredMedia({ outputs, life }: RecordState): Set<string> {
  const delivered = outputs.filter(
    ({ loop_iteration }) => life.loops[String(loop_iteration ?? 0)] !== 'blocked',
  );
  return new Set(delivered.flatMap(({ media_type }) => media_type ?? []));
}

/** A value as it stands in a key: a long or an odd one by its digest, which no plain value can be taken for. */
export function filterValue(value: string): string {
  if (/^[\p{L}\p{N}_][^\p{C}]{0,127}$/u.test(value)) return value;
  return `#${createHash('sha256').update(value).digest('hex')}`;
}

const keptMembers = [
  'timestamp',
  'config_name',
  'workflow_id',
  'execution_mode',
  'safety_level',
  'user_id',
  'session_id',
  'scope_type',
  'scope_id',
  'taxonomy_version',
  'total_execution_time',
] as const;

function withoutTexts(state: RecordState): RecordState {
  const { given } = state;
  return {
    ...state,
    given: Object.fromEntries(
      keptMembers.flatMap((member) => (given[member] === undefined ? [] : [[member, given[member]]])),
    ),
    finalText: null,
    outputs: state.outputs.map((output) => ({ ...output, config: null, content: null, file_path: null })),
    error: null,
    life: { ...state.life, findings: [] },
  };
}

/** YYYY-MM-DD of an instant in a time zone. */
function dateIn(timeZone: string): DateOf {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    calendar: 'iso8601',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (time) => format.format(Date.parse(time));
}
