import type { OrderRow } from '../audit/decision-rows.ts';
import type { Position } from '../event-store/port.ts';
import { sortable } from '../events/time.ts';
import type { Projector } from '../projector/projector.ts';
import type { Reader, Table } from '../projector/projection.ts';

/** A moment of the log: a position in it, or a time of our clock (RFC 3339, UTC); without either its end. */
export type AsOf = { readonly position?: Position | undefined; readonly time?: string | undefined };

/** Why an answer may lack something that happened. */
export type Gap = {
  readonly reason:
    | 'read_model_behind'
    | 'as_of_not_reached'
    | 'no_decision_record'
    | 'recorder_gap'
    | 'content_erased'
    | 'outputs_unknown'
    | 'policy_unknown';
  readonly count: number;
  readonly detail: string;
};

/** The place in the log up to which an answer speaks. */
export type Cut = {
  /** Numbers up to here are in the answer. */
  readonly number: number;
  /** What a later request sends as `as_of` for the same answer; null while the log is empty. */
  readonly asOf: string | null;
  /** The latest `sortable` time of our clock by then; empty before the first event. */
  readonly clock: string;
  readonly gaps: readonly Gap[];
};

type Compare = (a: Position, b: Position) => number;

/**
 * Where a moment stands among the numbers of a read model. Throws what {@link Projector.reader} throws, and
 * FOREIGN_POSITION for a position of another log.
 */
export function cutAt(
  projector: Projector,
  name: string,
  { table, count }: { readonly table: Table<OrderRow>; readonly count: number },
  { position, time }: AsOf,
  compare: Compare,
): Cut {
  const reader = projector.reader(name);
  const status = projector.status().find((one) => one.name === name);
  const reached = status?.position ?? null;
  const lag = status?.lagEvents ?? 0;
  const gaps: Gap[] = [];
  if (position !== undefined && (reached === null || compare(position, reached) > 0)) {
    const detail = `The read model ${name} has not come to this position: ask again, or with runledger-min-position.`;
    gaps.push({ reason: 'as_of_not_reached', count: Math.max(1, lag), detail });
  } else if (position === undefined && time === undefined && lag > 0) {
    const detail = `The read model ${name} lacks at least so many events of the log.`;
    gaps.push({ reason: 'read_model_behind', count: lag, detail });
  }
  const isWithin = (row: OrderRow): boolean =>
    (position === undefined || compare(row.position, position) <= 0) &&
    (time === undefined || row.clock <= sortable(time));
  const number =
    position === undefined && time === undefined ? count : lastWithin(reader, table, count, isWithin);
  const clock = reader.get(table, number)?.clock ?? '';
  return { number, asOf: position ?? time ?? reached, clock, gaps };
}

function lastWithin(
  reader: Reader,
  table: Table<OrderRow>,
  count: number,
  isWithin: (row: OrderRow) => boolean,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const row = reader.get(table, middle);
    if (row !== undefined && isWithin(row)) low = middle;
    else high = middle - 1;
  }
  return low;
}
