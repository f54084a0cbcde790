/**
 * Times are RFC 3339 in UTC with 3 to 9 digits of a second, as text, because an imported time may be finer than a
 * JavaScript number of milliseconds.
 */
export const utcTimePattern =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z$/;

const offsetTimePattern = /^(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Orders two UTC times as instants, whatever their number of digits. */
export function compareTimes(a: string, b: string): number {
  const left = sortable(a);
  const right = sortable(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Seconds from `start` to `end`, in microseconds' precision. */
export function secondsBetween(start: string, end: string): number {
  const micros =
    (Date.parse(wholeSeconds(end)) - Date.parse(wholeSeconds(start))) * 1000 +
    microsOf(end) -
    microsOf(start);
  return micros / 1e6;
}

/**
 * An RFC 3339 time with any offset, as UTC with its digits kept; undefined where it is not one (also for a day that
 * the calendar does not have).
 */
export function toUtc(time: string): string | undefined {
  const match = offsetTimePattern.exec(time);
  if (!match) return undefined;
  const [, seconds = '', fraction = '', offset = 'Z'] = match;
  const local = Date.parse(`${seconds.toUpperCase()}Z`);
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(seconds.toUpperCase()))
    return undefined;
  const instant = Date.parse(`${seconds.toUpperCase()}${offset.toUpperCase()}`);
  if (Number.isNaN(instant)) return undefined;
  const whole = new Date(instant).toISOString().slice(0, 19);
  return /^\d{4}-/.test(whole) ? `${whole}${fraction}Z` : undefined;
}

/** The form our own recorder writes: UTC with milliseconds. */
export function timeOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** A fixed-width text whose order is the order of instants. */
export function sortable(time: string): string {
  return `${time.slice(0, 19)}.${fractionOf(time).padEnd(9, '0')}`;
}

/** Does this name a zone of the IANA database, as in `Europe/Berlin`? */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    // Intl says "no such zone" by throwing; the caller says it with the setting's name.
    return false;
  }
}

const wholeSeconds = (time: string): string => `${time.slice(0, 19)}Z`;
const fractionOf = (time: string): string => time.slice(20, -1);
const microsOf = (time: string): number => Number(fractionOf(time).padEnd(9, '0')) / 1000;
