import { subjectsTable } from '../audit/decision-rows.ts';
import { dayOf, weekOf } from '../audit/instants.ts';
import type { DecisionProfile } from '../audit/decision-profile.ts';
import type { Reader } from '../projector/projection.ts';
import type { DecisionColumns } from './decision-columns.ts';
import { profileTerms, type ProfileTerm } from './decision-filter.ts';

export type GroupField = ProfileTerm | 'day' | 'week' | 'subject';

export type DecisionGroup = {
  /** Null where a decision says nothing under this name. */
  readonly values: Readonly<Record<string, string | null>>;
  readonly count: number;
  readonly allowed: number;
  readonly blocked: number;
  readonly skipped: number;
  /** Of those that were judged. */
  readonly block_rate: number | null;
};

type Source = { readonly columns: DecisionColumns; readonly reader: Reader };
type EachDecision = (found: (ordinal: number) => void) => void;

/** Counts decisions by fields: first how many of each profile in each bucket of days or people, then by what those say. */
export function groupDecisions(
  { columns, reader }: Source,
  fields: readonly GroupField[],
  each: EachDecision,
): { readonly total: number; readonly groups: DecisionGroup[] } {
  const bucketOf = bucketsOf(columns, fields);
  const buckets = new Map<number, Map<number, number>>();
  let total = 0;
  let last = Number.NaN;
  let counts = new Map<number, number>();
  each((at) => {
    total += 1;
    const bucket = bucketOf(at);
    // Decisions stand nearly in the order of time: the bucket is mostly the same as before.
    if (bucket !== last) {
      last = bucket;
      counts = buckets.get(bucket) ?? new Map<number, number>();
      buckets.set(bucket, counts);
    }
    const profile = columns.profile[at] ?? 0;
    counts.set(profile, (counts.get(profile) ?? 0) + 1);
  });
  const cells = new Map<string, Tally>();
  for (const [bucket, profiles] of buckets) {
    const inBucket = fields.map((field) => bucketValue(field, bucket, fields, reader));
    for (const [number, count] of profiles) {
      const profile = columns.profiles[number];
      if (profile === undefined) continue;
      for (const values of combined(fields, inBucket, profile)) tally(cells, values, profile.action, count);
    }
  }
  return { total, groups: [...cells.values()].map((cell) => groupOf(fields, cell)).sort(byCount(fields)) };
}

const dayMicros = 86_400_000_000;
const isTime = (field: GroupField): boolean => field === 'day' || field === 'week';
/** More people than there will be: a bucket of a day and a person is one number. */
const maxSubjects = 2 ** 32;

function bucketsOf(columns: DecisionColumns, fields: readonly GroupField[]): (at: number) => number {
  const byTime = fields.some(isTime);
  const byPerson = fields.includes('subject');
  const day = (at: number): number => Math.floor((columns.time[at] ?? 0) / dayMicros);
  if (byTime && byPerson) return (at) => day(at) * maxSubjects + (columns.subject[at] ?? 0);
  if (byTime) return day;
  return byPerson ? (at) => columns.subject[at] ?? 0 : () => 0;
}

function bucketValue(
  field: GroupField,
  bucket: number,
  fields: readonly GroupField[],
  reader: Reader,
): string | null {
  const byTime = fields.some(isTime);
  const byPerson = fields.includes('subject');
  if (field === 'subject') return reader.get(subjectsTable, byTime ? bucket % maxSubjects : bucket) ?? null;
  if (!isTime(field)) return null;
  const micros = (byPerson ? Math.floor(bucket / maxSubjects) : bucket) * dayMicros;
  return field === 'day' ? dayOf(micros) : weekOf(micros);
}

function combined(
  fields: readonly GroupField[],
  inBucket: readonly (string | null)[],
  profile: DecisionProfile,
): (string | null)[][] {
  return fields.reduce<(string | null)[][]>(
    (all, field, index) => {
      const values =
        field in profileTerms ? profileTerms[field as ProfileTerm](profile) : [inBucket[index] ?? null];
      return all.flatMap((before) =>
        values.length === 0 ? [[...before, null]] : values.map((v) => [...before, v]),
      );
    },
    [[]],
  );
}

type Tally = {
  readonly values: readonly (string | null)[];
  count: number;
  allowed: number;
  blocked: number;
  skipped: number;
};

function tally(
  cells: Map<string, Tally>,
  values: readonly (string | null)[],
  action: string,
  count: number,
): void {
  const key = JSON.stringify(values);
  const cell = cells.get(key) ?? { values, count: 0, allowed: 0, blocked: 0, skipped: 0 };
  cells.set(key, cell);
  cell.count += count;
  if (action === 'allow' || action === 'modify') cell.allowed += count;
  else if (action === 'block') cell.blocked += count;
  else if (action === 'skip') cell.skipped += count;
}

function groupOf(fields: readonly GroupField[], { values, ...counts }: Tally): DecisionGroup {
  const judged = counts.allowed + counts.blocked;
  return {
    values: Object.fromEntries(fields.map((field, index) => [field, values[index] ?? null])),
    ...counts,
    block_rate: judged === 0 ? null : counts.blocked / judged,
  };
}

/** The largest first; of equal ones by their values. */
const byCount =
  (fields: readonly GroupField[]) =>
  (a: DecisionGroup, b: DecisionGroup): number => {
    const order = ({ values }: DecisionGroup): string =>
      fields.map((field) => values[field] ?? '').join('\0');
    return b.count - a.count || (order(a) < order(b) ? -1 : 1);
  };
