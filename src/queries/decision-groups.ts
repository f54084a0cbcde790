import { subjectsTable, totalsKey, totalsTable } from '../audit/decision-rows.ts';
import { dayOf, weekOf } from '../audit/instants.ts';
import type { DecisionProfile } from '../audit/decision-profile.ts';
import type { Reader } from '../projector/projection.ts';
import type { Page } from './audited-runs.ts';
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

/**
 * Counts decisions by fields. What a decision says is the same for all of its profile, so only the bucket of time and person
 * is looked up for each. A page of the groups, the largest first, of equal ones by their values.
 */
export function groupDecisions(
  { columns, reader }: Source,
  fields: readonly GroupField[],
  { limit, offset }: Page,
  each: EachDecision,
): { readonly total: number; readonly groupsTotal: number; readonly groups: DecisionGroup[] } {
  const sayings = sayingsOf(columns.profiles, fields);
  const buckets = bucketsOf(columns, reader, fields);
  const said = sayings.texts.length;
  const tallies = new Map<number, Tally>();
  let total = 0;
  each((at) => {
    total += 1;
    const profile = columns.profile[at] ?? 0;
    const first = buckets.of(at) * said;
    for (const saying of sayings.ofProfile[profile] ?? []) {
      const cell = first + saying;
      let tally = tallies.get(cell);
      if (tally === undefined) {
        tally = { count: 0, allowed: 0, blocked: 0, skipped: 0 };
        tallies.set(cell, tally);
      }
      tally.count += 1;
      const outcome = sayings.outcomes[profile];
      if (outcome !== undefined) tally[outcome] += 1;
    }
  });
  const cells = Array.from(tallies).sort(([, a], [, b]) => b.count - a.count);
  const { from, to } = withTies(cells, offset, offset + limit);
  const named = cells.slice(from, to).map(([cell, tally]) => {
    const values = { ...sayings.texts[cell % said], ...buckets.values(Math.floor(cell / said)) };
    return { values, tally, order: fields.map((field) => values[field] ?? '').join('\0') };
  });
  named.sort((a, b) => b.tally.count - a.tally.count || (a.order < b.order ? -1 : 1));
  const groups = named.slice(offset - from, offset - from + limit).map(({ values, tally }) => ({
    values: Object.fromEntries(fields.map((field) => [field, values[field] ?? null])),
    ...tally,
    block_rate: rateOf(tally),
  }));
  return { total, groupsTotal: cells.length, groups };
}

/** A page of cells in the order of their counts, with all that count as much as its first and its last: only these need names. */
function withTies(
  cells: readonly (readonly [number, Tally])[],
  first: number,
  end: number,
): { readonly from: number; readonly to: number } {
  const countAt = (index: number): number | undefined => cells[index]?.[1].count;
  let from = Math.min(first, cells.length);
  let to = Math.min(end, cells.length);
  while (from > 0 && countAt(from - 1) === countAt(from)) from -= 1;
  while (to < cells.length && countAt(to) === countAt(to - 1)) to += 1;
  return { from, to };
}

type Tally = { count: number; allowed: number; blocked: number; skipped: number };
type Values = Readonly<Record<string, string | null>>;

type Sayings = {
  /** All that any profile says under the fields, each once. */
  readonly texts: readonly Values[];
  /** By profile number: indices in `texts`; a decision of several categories says several things. */
  readonly ofProfile: readonly (readonly number[])[];
  /** By profile number: what its decisions count as. */
  readonly outcomes: readonly ('allowed' | 'blocked' | 'skipped' | undefined)[];
};

function sayingsOf(profiles: readonly DecisionProfile[], fields: readonly GroupField[]): Sayings {
  const texts: Values[] = [];
  const known = new Map<string, number>();
  const numberOf = (values: Values): number => {
    const key = JSON.stringify(values);
    const number = known.get(key) ?? texts.push(values) - 1;
    known.set(key, number);
    return number;
  };
  const named = fields.filter((field): field is ProfileTerm => field in profileTerms);
  const ofProfile = profiles.map((profile) => {
    const all = named.reduce<readonly Values[]>(
      (before, field) => {
        const said: readonly (string | null)[] = profileTerms[field](profile);
        return before.flatMap((values) =>
          (said.length === 0 ? [null] : said).map((one) => ({ ...values, [field]: one })),
        );
      },
      [{}],
    );
    return all.map(numberOf);
  });
  return { texts, ofProfile, outcomes: profiles.map(({ action }) => outcomeOf[action]) };
}

const outcomeOf: Readonly<Record<string, keyof Omit<Tally, 'count'>>> = {
  allow: 'allowed',
  modify: 'allowed',
  block: 'blocked',
  skip: 'skipped',
};

type Buckets = {
  readonly of: (at: number) => number;
  readonly values: (bucket: number) => Values;
};

const dayMicros = 86_400_000_000;

/** A bucket is a day or week, a person, both or neither. */
function bucketsOf(columns: DecisionColumns, reader: Reader, fields: readonly GroupField[]): Buckets {
  const units = fields.filter((field) => field === 'day' || field === 'week');
  const people = fields.includes('subject') ? (reader.get(totalsTable, totalsKey)?.subjects ?? 0) + 1 : 1;
  const periods: Values[] = [];
  const ofPeriod = new Map<string, number>();
  let last = { day: Number.NaN, period: 0 };
  const periodOf = (at: number): number => {
    const day = Math.floor((columns.time[at] ?? 0) / dayMicros);
    // Decisions stand nearly in the order of time: the day is mostly the same as before.
    if (day === last.day) return last.period;
    const values = units.map((unit) => [unit, (unit === 'day' ? dayOf : weekOf)(day * dayMicros)] as const);
    const key = values.join();
    const period = ofPeriod.get(key) ?? periods.push(Object.fromEntries(values)) - 1;
    ofPeriod.set(key, period);
    last = { day, period };
    return period;
  };
  const names = new Map<number, string | null>();
  const nameOf = (person: number): string | null => {
    const name = names.get(person) ?? reader.get(subjectsTable, person) ?? null;
    names.set(person, name);
    return name;
  };
  return {
    of: (at) =>
      (units.length === 0 ? 0 : periodOf(at)) * people + (people === 1 ? 0 : (columns.subject[at] ?? 0)),
    values: (bucket) => ({
      ...periods[Math.floor(bucket / people)],
      ...(fields.includes('subject') ? { subject: nameOf(bucket % people) } : {}),
    }),
  };
}

const rateOf = ({ allowed, blocked }: Tally): number | null =>
  allowed + blocked === 0 ? null : blocked / (allowed + blocked);
