import type { DecisionProfile } from '../audit/decision-profile.ts';
import {
  columnRows,
  columnsTable,
  type DecisionRow,
  decisionsTable,
  profilesTable,
  totalsTable,
  totalsKey,
} from '../audit/decision-rows.ts';
import { microsOf } from '../audit/instants.ts';
import type { Change, Projector } from '../projector/projector.ts';
import type { Reader } from '../projector/projection.ts';

/** All decisions by column, in the order of the log: what a question scans. 36 bytes a decision. */
export type DecisionColumns = {
  readonly size: number;
  /** Microseconds since 1970. */
  readonly time: Float64Array;
  readonly number: Uint32Array;
  /** Index in `profiles`. */
  readonly profile: Uint32Array;
  /** Seconds; −1 for none. */
  readonly duration: Float64Array;
  readonly subject: Uint32Array;
  readonly profiles: readonly DecisionProfile[];
};

type Growing = { -readonly [K in keyof DecisionColumns]: DecisionColumns[K] } & {
  profiles: DecisionProfile[];
};

/**
 * A cache of the rows only: it is filled at its first use and then follows the commits, in the turn in which readers see
 * them. The result throws what {@link Projector.reader} throws.
 */
export function createDecisionColumns(projector: Projector): () => DecisionColumns {
  let columns: Growing | undefined;
  const follow = (change: Change): void => {
    if (change.kind === 'replaced') columns = undefined;
    if (change.kind === 'replaced' || columns === undefined) return;
    for (const { key, row } of change.rows(profilesTable))
      columns.profiles[Number(key)] = row as DecisionProfile;
    for (const { row } of change.rows(decisionsTable)) push(columns, row as DecisionRow);
  };
  projector.watch('decisions', follow);
  return () => {
    const reader = projector.reader('decisions');
    columns ??= loaded(reader);
    return columns;
  };
}

function loaded(reader: Reader): Growing {
  const { decisions: size = 0 } = reader.get(totalsTable, totalsKey) ?? {};
  const columns = emptyColumns(Math.max(columnRows, size + (size >>> 2)));
  columns.profiles = Array.from(reader.range(profilesTable), ({ row }) => row);
  for (const { row } of reader.range(columnsTable)) {
    columns.time.set(row.time, columns.size);
    columns.number.set(row.number, columns.size);
    columns.profile.set(row.profile, columns.size);
    columns.duration.set(row.duration, columns.size);
    columns.subject.set(row.subject, columns.size);
    columns.size += row.time.length;
  }
  for (const { row } of reader.range(decisionsTable, { start: columns.size })) push(columns, row);
  return columns;
}

const emptyColumns = (capacity: number): Growing => ({
  size: 0,
  time: new Float64Array(capacity),
  number: new Uint32Array(capacity),
  profile: new Uint32Array(capacity),
  duration: new Float64Array(capacity),
  subject: new Uint32Array(capacity),
  profiles: [],
});

function push(columns: Growing, row: DecisionRow): void {
  if (columns.size === columns.time.length) Object.assign(columns, widened(columns));
  const at = columns.size;
  columns.time[at] = microsOf(row.time);
  columns.number[at] = row.number;
  columns.profile[at] = row.profile;
  columns.duration[at] = row.duration ?? -1;
  columns.subject[at] = row.subject_number;
  columns.size += 1;
}

function widened(columns: Growing): Growing {
  const wider = { ...emptyColumns(columns.size * 2), size: columns.size, profiles: columns.profiles };
  for (const name of ['time', 'number', 'profile', 'duration', 'subject'] as const)
    wider[name].set(columns[name]);
  return wider;
}

/** How many of the first decisions have a number of at most `number`. */
export function decisionsUpTo({ size, number: numbers }: DecisionColumns, number: number): number {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}
