import { Temporal } from 'temporal-polyfill';
import { LedgerError } from '../errors.ts';
import { toUtc, utcTimePattern } from '../events/time.ts';

export type SourceTime = {
  /** RFC 3339 in UTC, with as many digits of a second as the source had. */
  readonly time: string;
  /** The clocks went forward or back there: the source's text fits no instant or two. */
  readonly doubtful: boolean;
};

const pattern =
  /^(?<day>\d{4}-\d\d-\d\d)[Tt ](?<clock>\d\d:\d\d:[0-5]\d)(?:[.,](?<digits>\d{1,9}))?(?: ?(?<zone>[Zz]|[+-]\d\d:?\d\d))?$/;

/**
 * A time as old writers spell it: ISO 8601 with seconds, up to nine digits of a fraction, and an offset. Where it has
 * none it is read in `timeZone` (IANA). Undefined where it is no time at all.
 */
export function readSourceTime(text: string, timeZone: string): SourceTime | undefined {
  const { day, clock, digits, zone } = pattern.exec(text)?.groups ?? {};
  if (day === undefined || clock === undefined) return undefined;
  const local = `${day}T${clock}${digits === undefined ? '' : `.${digits}`}`;
  const offset = zone ?? (timeZone === 'UTC' ? 'Z' : undefined);
  if (offset === undefined) return readLocal(local, digits?.length ?? 0, timeZone);
  const time = toUtc(`${local}${offset.replace(/^(...)(\d\d)$/, '$1:$2')}`);
  return time === undefined ? undefined : { time, doubtful: false };
}

/** Throws UNKNOWN_TIME_ZONE for a name that the IANA database does not have. */
export function requireTimeZone(timeZone: string): void {
  try {
    Temporal.PlainDateTime.from('2000-01-01').toZonedDateTime(timeZone);
  } catch (cause) {
    throw new LedgerError('UNKNOWN_TIME_ZONE', { timeZone: timeZone.slice(0, 64) }, { cause });
  }
}

function readLocal(local: string, digits: number, timeZone: string): SourceTime | undefined {
  let plain: Temporal.PlainDateTime;
  try {
    plain = Temporal.PlainDateTime.from(local);
  } catch {
    // A day or hour that the calendar does not have; the caller refuses it by name.
    return undefined;
  }
  const at = (disambiguation: 'compatible' | 'earlier' | 'later'): string =>
    plain
      .toZonedDateTime(timeZone, { disambiguation })
      .toInstant()
      .toString({ fractionalSecondDigits: digits as 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 });
  const time = at('earlier');
  const doubtful = time !== at('later');
  const compatible = doubtful ? at('compatible') : time;
  return utcTimePattern.test(compatible) ? { time: compatible, doubtful } : undefined;
}
