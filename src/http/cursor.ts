import { LedgerError } from '../errors.ts';
import { compareTimes } from '../events/time.ts';
import type { RunFilter, RunListQuery } from '../queries/run-list.ts';
import type { RunSummary } from '../run/record.ts';

type Place = { readonly time: string; readonly id: string };

/** A MAC under the deployment's key: what comes back as a cursor was given out here, for this very filter. */
export type Authenticate = (text: string) => string;

type CursorPage = { readonly texts: readonly string[]; readonly total: number; readonly next: string | null };

/**
 * The page behind a cursor; an empty one is the first. Runs that begin meanwhile shift nothing, unlike with an offset.
 * Throws INVALID_REQUEST for a cursor that was not given out for this filter.
 */
export function cursorPage(
  list: RunListQuery,
  authenticate: Authenticate,
  filter: RunFilter,
  { cursor, limit }: { readonly cursor: string; readonly limit: number },
): CursorPage {
  const scope = JSON.stringify(filter);
  const { total, texts: first } = list(filter, { limit, offset: 0 });
  const texts = cursor === '' ? first : textsAfter(list, filter, placeOf(cursor, scope, authenticate), limit);
  const last = texts.at(-1);
  const isFull = texts.length === limit && last !== undefined;
  return { texts, total, next: isFull ? cursorAt(last, scope, authenticate) : null };
}

function textsAfter(list: RunListQuery, filter: RunFilter, place: Place, limit: number): readonly string[] {
  const bounded = { ...filter, to: earlier(filter.to, place.time) };
  const texts: string[] = [];
  // Runs of the same instant stand in the order of their ids; those up to the cursor's were given already.
  for (let offset = 0; texts.length < limit; offset += limit) {
    const page = list(bounded, { limit, offset }).texts;
    texts.push(...page.filter((text) => isAfter(text, place)));
    if (page.length < limit) break;
  }
  return texts.slice(0, limit);
}

function isAfter(text: string, place: Place): boolean {
  const { timestamp, execution_id } = JSON.parse(text) as RunSummary;
  return compareTimes(timestamp, place.time) < 0 || execution_id > place.id;
}

const earlier = (a: string | undefined, b: string): string =>
  a !== undefined && compareTimes(a, b) < 0 ? a : b;

function cursorAt(text: string, scope: string, authenticate: Authenticate): string {
  const { timestamp, execution_id } = JSON.parse(text) as RunSummary;
  const body = Buffer.from(JSON.stringify([timestamp, execution_id])).toString('base64url');
  return `${body}.${authenticate(`${body} ${scope}`)}`;
}

function placeOf(cursor: string, scope: string, authenticate: Authenticate): Place {
  const [body = '', mac] = cursor.split('.');
  if (mac !== authenticate(`${body} ${scope}`)) {
    throw new LedgerError('INVALID_REQUEST', {
      what: 'The cursor was not given out for this list',
      cure: 'begin with an empty cursor, and send next_cursor with the same filters',
    });
  }
  const [time, id] = JSON.parse(Buffer.from(body, 'base64url').toString()) as [string, string];
  return { time, id };
}
