import { LedgerError } from '../errors.ts';
import { toUtc } from '../events/time.ts';
import { badTime } from './run-filter.ts';

/** A place in the life of a run: after an item, or what was known at a time (RFC 3339, UTC). */
export type Moment = { readonly seq?: number | undefined; readonly time?: string | undefined };

/** The moment that `at_seq` and `at` name; the newest where neither is given. Throws INVALID_REQUEST. */
export function momentAt(given: {
  readonly at_seq?: string | undefined;
  readonly at?: string | undefined;
}): Moment {
  const { at_seq, at } = given;
  const time = at === undefined ? undefined : toUtc(at);
  if (at !== undefined && time === undefined) throw badTime('at', at);
  return { seq: at_seq === undefined ? undefined : sequenceNumber('at_seq', at_seq), time };
}

/** A moment that is a sequence number or a time. Throws INVALID_REQUEST. */
export function momentNamed(name: string, value: string): Moment {
  if (/^\d{1,9}$/.test(value)) return { seq: sequenceNumber(name, value) };
  const time = toUtc(value);
  if (time !== undefined) return { time };
  const cure = 'send a sequence number, or a time with its zone, such as 2026-01-31T09:30:00Z';
  throw new LedgerError('INVALID_REQUEST', { what: `${name} is "${value}"`, cure });
}

function sequenceNumber(name: string, value: string): number {
  const seq = Number(value);
  if (/^\d{1,9}$/.test(value) && seq >= 1) return seq;
  throw new LedgerError('INVALID_REQUEST', {
    what: `${name} is "${value}"`,
    cure: 'send a sequence number from 1',
  });
}
