import { LedgerError } from '../errors.ts';

type Bounds = { readonly defaultLimit: number; readonly maxLimit: number };

/** `limit` and `offset` of a list. Refused when wrong or too large, never clamped. Throws INVALID_LIMIT, INVALID_OFFSET. */
export function pageOf(
  query: { readonly limit?: string | undefined; readonly offset?: string | undefined },
  { defaultLimit, maxLimit }: Bounds,
): { limit: number; offset: number } {
  const limit = wholeNumber(query.limit ?? String(defaultLimit));
  if (limit === undefined || limit < 1 || limit > maxLimit) {
    throw new LedgerError('INVALID_LIMIT', { value: query.limit ?? '', max: maxLimit });
  }
  const offset = wholeNumber(query.offset ?? '0');
  if (offset === undefined) throw new LedgerError('INVALID_OFFSET', { value: query.offset ?? '' });
  return { limit, offset };
}

/** Is this YYYY-MM-DD a day that the calendar has? */
export function isCalendarDay(day: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return false;
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

function wholeNumber(text: string): number | undefined {
  if (!/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
}
