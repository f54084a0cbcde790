/** Whole microseconds since 1970 of an RFC 3339 time in UTC; finer digits are cut off. */
export function microsOf(time: string): number {
  const fraction = time.slice(20, -1).padEnd(6, '0').slice(0, 6);
  return Date.parse(`${time.slice(0, 19)}Z`) * 1_000 + Number(fraction);
}

const dayMs = 86_400_000;

/** The ISO 8601 week of an instant, UTC: `2026-W48`. */
export function weekOf(micros: number): string {
  const day = Math.floor(micros / 1_000 / dayMs);
  // 1970-01-01 was a Thursday, and a week belongs to the year of its Thursday.
  const thursday = day - ((((day + 3) % 7) + 7) % 7) + 3;
  const date = new Date(thursday * dayMs);
  const year = date.getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0, 1) / dayMs) / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/** The day of an instant, UTC: `2026-11-28`. */
export const dayOf = (micros: number): string => new Date(micros / 1_000).toISOString().slice(0, 10);
