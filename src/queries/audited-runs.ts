import { microsOf } from '../audit/instants.ts';
import * as rows from '../audit/run-rows.ts';
import type { Position } from '../event-store/port.ts';
import type { Projector } from '../projector/projector.ts';
import type { Reader, Table } from '../projector/projection.ts';
import { type AsOf, type Cut, cutAt, type Gap } from './as-of.ts';

export type Page = { readonly limit: number; readonly offset: number };
export type Found<Row> = { readonly cut: Cut; readonly total: number; readonly rows: readonly Row[] };

export type OutputFilter = {
  readonly state?: rows.OutputRow['state'] | undefined;
  readonly mark?: rows.OutputRow['marks'][number] | undefined;
};

export type OpenRun = {
  readonly execution_id: string;
  readonly started: string;
  readonly origin: string;
  readonly open_hours: number;
};

export type RunOfSubject = {
  readonly execution_id: string;
  readonly started: string;
  readonly items: number;
  readonly payloads: number;
  readonly erased: number;
};

/** Questions about runs and what else stands in the log, newest first. All throw what {@link Projector.reader} throws. */
export type AuditedRuns = {
  /** With how many outputs there were of each state and mark. */
  readonly outputs: (
    filter: OutputFilter,
    page: Page,
    asOf: AsOf,
  ) => Found<rows.OutputRow> & { readonly counts: Readonly<Record<string, number>> };
  /** Runs that nothing had ended, begun more than so many hours before `at` (RFC 3339, UTC; by default the log's clock). */
  readonly openRuns: (
    filter: { readonly longerThanHours: number; readonly at?: string | undefined },
    page: Page,
    asOf: AsOf,
  ) => Found<OpenRun> & { readonly at: string | null };
  readonly gaps: (page: Page, asOf: AsOf) => Found<rows.GapRow>;
  readonly clock: (anomaly: string | undefined, page: Page, asOf: AsOf) => Found<rows.ClockRow>;
  readonly exports: (page: Page, asOf: AsOf) => Found<rows.ExportRow>;
  /** Runs that are about a person (HMAC); what of them is erased is told as it is now. */
  readonly ofSubject: (subject: string, page: Page, asOf: AsOf) => Found<RunOfSubject>;
  /** The newest version of every policy that was published by then. */
  readonly policies: (asOf: AsOf) => { readonly cut: Cut; readonly policies: readonly rows.PolicyRow[] };
  /** What a run began with; undefined for one that had not begun. */
  readonly pinned: (executionId: string, asOf: AsOf) => rows.RunRow | undefined;
};

type Opened = { readonly reader: Reader; readonly cut: Cut; readonly totals: rows.AuditTotals };

export function createAuditedRuns(
  projector: Projector,
  compare: (a: Position, b: Position) => number,
): AuditedRuns {
  const open = (asOf: AsOf): Opened => {
    const reader = projector.reader('audited-runs');
    const totals = reader.get(rows.auditTotalsTable, rows.auditTotalsKey) ?? rows.noAuditTotals;
    const order = { table: rows.runOrderTable, count: totals.numbers };
    const cut = cutAt(projector, 'audited-runs', order, asOf, compare);
    return { reader, totals, cut };
  };

  return {
    outputs(filter, page, asOf) {
      const opened = open(asOf);
      const { reader, totals, cut } = opened;
      const size = upTo(reader, rows.outputsTable, totals.outputs, cut.number);
      const names = [...rows.outputStates, ...rows.outputMarks];
      const counts = Object.fromEntries(names.map((name) => [name, countOf(reader, name, size)]));
      const wanted = [filter.state, filter.mark].flatMap((name) => name ?? []);
      const { total, ordinals } = chosen(reader, wanted, size, page, counts);
      const found = ordinals.map((ordinal) => rowAt(reader, rows.outputsTable, ordinal));
      return { cut: withGaps(opened), total, rows: found, counts };
    },
    openRuns({ longerThanHours, at: given }, page, asOf) {
      const opened = open(asOf);
      const { reader, totals, cut } = opened;
      const at = given ?? (cut.clock === '' ? null : `${cut.clock}Z`);
      const size = upTo(reader, rows.spansTable, totals.runs, cut.number);
      const unended = at === null ? [] : unendedThen(reader, cut.number, size);
      const found = unended.flatMap(({ execution_id, started, origin }): OpenRun[] => {
        const open_hours = (microsOf(at ?? '') - microsOf(started)) / 3_600_000_000;
        return open_hours > longerThanHours ? [{ execution_id, started, origin, open_hours }] : [];
      });
      return { cut: withGaps(opened), total: found.length, rows: pageOf(found, page), at };
    },
    gaps: (page, asOf) => listed(open(asOf), rows.gapsTable, (totals) => totals.gaps, page),
    clock(anomaly, page, asOf) {
      const opened = open(asOf);
      const { reader, totals, cut } = opened;
      const size = upTo(reader, rows.clockTable, totals.clock, cut.number);
      const all =
        size === 0 ? [] : Array.from(reader.range(rows.clockTable, { start: size - 1, reverse: true }));
      const found = all
        .map(({ row }) => row)
        .filter((row) => anomaly === undefined || row.anomaly === anomaly);
      return { cut, total: found.length, rows: pageOf(found, page) };
    },
    exports(page, asOf) {
      const opened = open(asOf);
      const found = listed(opened, rows.exportsTable, (totals) => totals.exports, page);
      const known = found.rows.map((row) => ({
        ...row,
        events: row.events.filter(({ number }) => number <= opened.cut.number),
      }));
      return { ...found, rows: known };
    },
    ofSubject(subject, page, asOf) {
      const opened = open(asOf);
      const { reader, totals, cut } = opened;
      const size = upTo(reader, rows.spansTable, totals.runs, cut.number);
      const range = { start: [subject, 0], end: [subject, size] };
      const ids = Array.from(reader.range(rows.runsOfSubjectTable, range), ({ row }) => row).toReversed();
      const shown = pageOf(ids, page).map((id) => runOfSubject(id, reader));
      return { cut, total: ids.length, rows: shown };
    },
    policies(asOf) {
      const { reader, totals, cut } = open(asOf);
      const size = upTo(reader, rows.policiesTable, totals.policies, cut.number);
      const newest = new Map<string, rows.PolicyRow>();
      for (const { row } of reader.range(rows.policiesTable, { start: 0, end: size }))
        newest.set(row.policy_id, row);
      return { cut, policies: [...newest.values()] };
    },
    pinned(executionId, asOf) {
      const { reader, cut } = open(asOf);
      const run = reader.get(rows.auditedRunsTable, executionId);
      return run !== undefined && run.number <= cut.number ? run : undefined;
    },
  };
}

const pageOf = <T>(all: readonly T[], { limit, offset }: Page): readonly T[] =>
  all.slice(offset, offset + limit);

/** Of the first `size` runs those that nothing had ended by `number`, the newest first. */
function unendedThen(reader: Reader, number: number, size: number): readonly rows.SpanRow[] {
  const keys = reader.keys(rows.openUntilTable, { start: [number + 1, 0] });
  const ordinals = Array.from(keys, (key) => Number((key as readonly number[])[1]));
  return ordinals
    .filter((ordinal) => ordinal < size)
    .sort((a, b) => b - a)
    .map((ordinal) => rowAt(reader, rows.spansTable, ordinal));
}

/** How many rows of a table by ordinal have a number of at most `number`: both only ever grow. */
function upTo(
  reader: Reader,
  table: Table<{ readonly number: number }>,
  count: number,
  number: number,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rowAt(reader, table, middle).number <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rowAt<Row>(reader: Reader, table: Table<Row>, ordinal: number): Row {
  const row = reader.get(table, ordinal);
  if (row === undefined) throw new TypeError(`table ${table.name} has no row ${ordinal}`);
  return row;
}

function listed<Row extends { readonly number: number }>(
  { reader, totals, cut }: Opened,
  table: Table<Row>,
  countOf: (totals: rows.AuditTotals) => number,
  page: Page,
): Found<Row> {
  const total = upTo(reader, table, countOf(totals), cut.number);
  const start = total - 1 - page.offset;
  const range = { start, reverse: true, limit: page.limit };
  const found = start < 0 ? [] : Array.from(reader.range(table, range), ({ row }) => row);
  return { cut, total, rows: found };
}

const countOf = (reader: Reader, name: string, size: number): number =>
  reader.count(rows.outputIndexTable, { start: [name, 0], end: [name, size] });

type Chosen = { readonly total: number; readonly ordinals: readonly number[] };

/** Outputs that are in every one of these sets, newest first. */
function chosen(
  reader: Reader,
  [name, ...others]: readonly string[],
  size: number,
  { limit, offset }: Page,
  counts: Readonly<Record<string, number>>,
): Chosen {
  if (name === undefined) {
    const last = size - 1 - offset;
    const ordinals = Array.from(
      { length: Math.max(0, Math.min(limit, last + 1)) },
      (_, index) => last - index,
    );
    return { total: size, ordinals };
  }
  const range = { start: [name, size - 1], end: [name, -1], reverse: true };
  const page = others.length === 0 ? { limit, offset } : {};
  const keys = size === 0 ? [] : reader.keys(rows.outputIndexTable, { ...range, ...page });
  const ordinals = Array.from(keys, (key) => Number((key as readonly (string | number)[])[1]));
  if (others.length === 0) return { total: counts[name] ?? 0, ordinals };
  const both = ordinals.filter((ordinal) =>
    others.every((other) => reader.has(rows.outputIndexTable, [other, ordinal])),
  );
  return { total: both.length, ordinals: both.slice(offset, offset + limit) };
}

function runOfSubject(executionId: string, reader: Reader): RunOfSubject {
  const run = reader.get(rows.auditedRunsTable, executionId);
  if (run === undefined) throw new TypeError(`there is no run ${executionId}`);
  const { started, context, payloads, erased } = run;
  return { execution_id: executionId, started, items: context.seq, payloads, erased };
}

/** What the recorder itself says that it lost. */
function withGaps({ reader, totals, cut }: Opened): Cut {
  const count = upTo(reader, rows.gapsTable, totals.gaps, cut.number);
  if (count === 0) return cut;
  const detail =
    'So many times a recorder says that it dropped or delayed something: GET /api/audit/gaps lists them.';
  const gap: Gap = { reason: 'recorder_gap', count, detail };
  return { ...cut, gaps: [...cut.gaps, gap] };
}
