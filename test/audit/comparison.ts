import assert from 'node:assert/strict';
import type { Projector } from '../../src/projector/projector.ts';
import { type AuditedRuns, createAuditedRuns } from '../../src/queries/audited-runs.ts';
import { profileTermNames } from '../../src/queries/decision-filter.ts';
import type { GroupField } from '../../src/queries/decision-groups.ts';
import { countTerms, differingTexts, findReviews, inUse } from '../../src/queries/decision-questions.ts';
import {
  createDecisionQueries,
  type DecisionFilter,
  type DecisionQueries,
} from '../../src/queries/decisions.ts';
import type { MemoryStore } from '../memory-store.ts';
import { type Scan, type ScannedDecision, scan } from './brute-scan.ts';
import type { RawEvent } from './raw-events.ts';

const everything = { limit: Number.MAX_SAFE_INTEGER, offset: 0 };

export type Asked = { readonly decisions: DecisionQueries; readonly runs: AuditedRuns };
export const askedOf = (projector: Projector, store: MemoryStore): Asked => ({
  decisions: createDecisionQueries(projector, (a, b) => store.compare(a, b)),
  runs: createAuditedRuns(projector, (a, b) => store.compare(a, b)),
});

const filtersOver = (all: readonly ScannedDecision[]): DecisionFilter[] => {
  const middle = all[Math.floor(all.length / 2)];
  const each = profileTermNames.flatMap((name): DecisionFilter[] => {
    const values = [...new Set(all.flatMap(({ said }) => said[name] ?? []))].sort();
    return [values[0], values.at(-1)].map((value) => ({ [name]: [value ?? 'none'] }));
  });
  return [
    {},
    ...each,
    { basis: ['fail_open'] },
    { kind: ['skip'], origin: ['own'] },
    { action: ['allow'], step_status: ['unparseable'] },
    { action: ['allow'], parse_status: ['empty', 'unexpected', 'contradictory'] },
    { same_text: ['false'] },
    { same_text: ['unknown'], recorded: true },
    { step_status: ['timeout'] },
    { duration_above: 2 },
    { terms_min: 2, action: ['block'] },
    { language_differs: true },
    { language_differs: true, origin: ['own'] },
    { judgement: 'override' },
    { recorded: false },
    { subject: middle?.subject ?? 'nobody' },
    { subject: 'nobody' },
    { run: middle?.run ?? 'nobody', verdict: ['safe'] },
    { from: middle?.time, verdict: ['unsafe'] },
    { to: middle?.time, safety_level: ['kids', 'youth'] },
    { from: middle?.time, to: middle?.time },
  ];
};

const groupings: readonly (readonly GroupField[])[] = [
  ...profileTermNames.map((name) => [name]),
  ['week'],
  ['day'],
  ['subject'],
  ['category', 'week'],
  ['safety_level', 'action'],
  ['week', 'subject'],
  ['day', 'week'],
  ['model_digest', 'verdict'],
];

function matches(decision: ScannedDecision, filter: DecisionFilter): boolean {
  const {
    from,
    to,
    run,
    subject,
    duration_above,
    language_differs,
    judgement,
    recorded,
    terms_min,
    ...terms
  } = filter;
  return (
    (from === undefined || Date.parse(decision.time) >= Date.parse(from)) &&
    (to === undefined || Date.parse(decision.time) <= Date.parse(to)) &&
    (run === undefined || decision.run === run) &&
    (subject === undefined || decision.subject === subject) &&
    (duration_above === undefined || (decision.duration ?? -1) > duration_above) &&
    (language_differs === undefined || decision.otherLanguage !== null) &&
    (judgement === undefined || decision.reviews.some((review) => review.judgement === judgement)) &&
    (recorded === undefined || decision.recorded === recorded) &&
    (terms_min === undefined || decision.hits >= terms_min) &&
    Object.entries(terms).every(([name, wanted]) =>
      (wanted as readonly string[]).some((value) => decision.said[name]?.includes(value)),
    )
  );
}

export type Figures = { answers: number; rows: number };

/**
 * Asks every question as of an event of the log and holds each answer against the scan of the events up to there. Throws
 * at the first row that is missing, or that should not be there.
 */
export function compareAt(asked: Asked, events: readonly RawEvent[], count: number, figures: Figures): void {
  const asOf = { position: events[count - 1]?.position };
  const found = scan(events.slice(0, count));
  const same = (what: string, ours: unknown, scanned: unknown): void => {
    figures.answers += 1;
    figures.rows += Array.isArray(scanned) ? scanned.length : 1;
    assert.deepEqual(ours, scanned, `${what} as of event ${count}`);
  };
  const newest = found.decisions.toReversed();
  const details = (decision: ScannedDecision) => ({
    at: `${decision.run} ${decision.seq}`,
    blocks: decision.blocks,
    reviews: decision.reviews.map(({ seq, answered }) => [seq, answered]),
    language: decision.otherLanguage,
  });
  const all = asked.decisions.list({}, everything, asOf);
  const ours = all.decisions.map(({ row, blocks, reviews, actualLanguage }) => ({
    at: `${row.execution_id} ${row.sequence_number}`,
    blocks: blocks.map((block) => block.sequence_number),
    reviews: reviews.map((review) => [review.sequence_number, review.answered !== null]),
    language: actualLanguage,
  }));
  same('decisions', ours, newest.map(details));
  const unrecorded = newest.filter(({ recorded }) => !recorded).length;
  const told = all.cut.gaps.find(({ reason }) => reason === 'no_decision_record')?.count ?? 0;
  same('decisions without a record', told, unrecorded);
  for (const filter of filtersOver(found.decisions)) compareFilter(asked, newest, filter, asOf, same);
  for (const fields of groupings) {
    const { groups, total } = asked.decisions.groups({}, fields, everything, asOf);
    same('grouped total', total, newest.length);
    const counts = groups.map(({ values, count: n, allowed, blocked, skipped }) => [
      fields.map((field) => values[field] ?? '').join(' '),
      [n, allowed, blocked, skipped].join(' '),
    ]);
    same(`by ${fields.join()}`, new Map(counts as [string, string][]), groupsOf(newest, fields));
    // Pages may begin and end between groups that count the same.
    for (let offset = 1; offset < groups.length; offset += Math.ceil(groups.length / 3)) {
      const page = asked.decisions.groups({}, fields, { limit: 3, offset }, asOf).groups;
      same(`a page by ${fields.join()} from ${offset}`, page, groups.slice(offset, offset + 3));
    }
  }
  compareRest(asked, found, asOf, same);
}

type Same = (what: string, ours: unknown, scanned: unknown) => void;
type AsOf = { readonly position: string | undefined };

function compareFilter(
  { decisions }: Asked,
  newest: readonly ScannedDecision[],
  filter: DecisionFilter,
  asOf: AsOf,
  same: Same,
): void {
  const wanted = newest.filter((decision) => matches(decision, filter));
  // Every page from one seek would read all rows again and again: the total is exact, and pages are its slices.
  const page = { limit: 50, offset: Math.floor(wanted.length / 2) };
  const { total, decisions: rows } = decisions.list(filter, page, asOf);
  const what = JSON.stringify(filter);
  same(`total of ${what}`, total, wanted.length);
  same(
    what,
    rows.map(({ row }) => `${row.execution_id} ${row.sequence_number}`),
    wanted.slice(page.offset, page.offset + page.limit).map(({ run, seq }) => `${run} ${seq}`),
  );
}

function groupsOf(all: readonly ScannedDecision[], fields: readonly GroupField[]): Map<string, string> {
  const counts = new Map<string, [number, number, number, number]>();
  const valuesOf = (decision: ScannedDecision, field: GroupField): readonly string[] => {
    const values =
      field === 'subject'
        ? [decision.subject ?? '']
        : field === 'day'
          ? [decision.time.slice(0, 10)]
          : field === 'week'
            ? [isoWeek(decision.time)]
            : (decision.said[field] ?? []);
    return values.length === 0 ? [''] : values;
  };
  for (const decision of all) {
    const keys = fields.reduce<readonly string[]>(
      (keys, field) => keys.flatMap((key) => valuesOf(decision, field).map((value) => `${key} ${value}`)),
      [''],
    );
    const action = decision.said['action']?.[0];
    for (const key of keys.map((text) => text.slice(1))) {
      const count = counts.get(key) ?? [0, 0, 0, 0];
      count[0] += 1;
      if (action === 'allow') count[1] += 1;
      if (action === 'block') count[2] += 1;
      if (action === 'skip') count[3] += 1;
      counts.set(key, count);
    }
  }
  return new Map([...counts].map(([key, count]) => [key, count.join(' ')]));
}

/** By counting weeks from the Monday of the week that holds 4 January. */
function isoWeek(time: string): string {
  const day = Date.parse(`${time.slice(0, 10)}T00:00:00Z`) / 86_400_000;
  const mondayOf = (year: number): number => {
    const fourth = Date.UTC(year, 0, 4) / 86_400_000;
    return fourth - ((new Date(fourth * 86_400_000).getUTCDay() + 6) % 7);
  };
  const year = [1, 0, -1]
    .map((step) => Number(time.slice(0, 4)) + step)
    .find((candidate) => mondayOf(candidate) <= day);
  return `${year}-W${String(Math.floor((day - mondayOf(year ?? 0)) / 7) + 1).padStart(2, '0')}`;
}

function compareRest(asked: Asked, found: Scan, asOf: AsOf, same: Same): void {
  compareOutputs(asked, found, asOf, same);
  compareReviews(asked, found, asOf, same);
  compareTexts(asked, found, asOf, same);
  const { runs, decisions } = asked;
  const at = new Date(found.clockMs + 86_400_000 * 2).toISOString();
  const open = runs
    .openRuns({ longerThanHours: 24, at }, everything, asOf)
    .rows.map((run) => run.execution_id);
  const old = (started: string): boolean => Date.parse(at) - Date.parse(started) > 86_400_000;
  const unended = found.runs.filter(({ imported, ended, started }) => !imported && !ended && old(started));
  same('open runs', open, unended.map(({ run }) => run).toReversed());
  const place = (row: { readonly execution_id: string; readonly sequence_number: number }): string =>
    `${row.execution_id} ${row.sequence_number}`;
  same('gaps', runs.gaps(everything, asOf).rows.map(place), found.gaps.toReversed());
  const anomalies = runs.clock(undefined, everything, asOf).rows.map((row) => `${place(row)} ${row.anomaly}`);
  same('clock', anomalies.sort(), [...found.anomalies].sort());
  const exported = runs.exports(everything, asOf).rows;
  const types = exported.map(({ export_id, events }) => [export_id, events.map(({ type }) => type)]);
  same('exports', new Map(types as [string, string[]][]), found.exports);
  const { policies } = runs.policies(asOf);
  same('policies', new Map(policies.map(({ policy_id, version }) => [policy_id, version])), found.policies);
  const person = found.runs[Math.floor(found.runs.length / 2)]?.subject ?? '';
  const ofPerson = runs.ofSubject(person, everything, asOf).rows.map((run) => run.execution_id);
  same(
    'runs of a person',
    ofPerson,
    found.runs
      .filter(({ subject }) => subject === person)
      .map(({ run }) => run)
      .toReversed(),
  );
  const used = new Map<string, number>();
  for (const { said } of found.decisions.filter((decision) => decision.said['kind']?.[0] !== 'block')) {
    const by = ['policy_version', 'model_requested', 'model', 'model_digest']
      .map((name) => said[name]?.[0] ?? '-')
      .join(' ');
    used.set(by, (used.get(by) ?? 0) + 1);
  }
  const said = inUse(decisions.open(asOf), undefined).map(
    (use) =>
      [
        [use.policy, use.model_requested, use.model, use.model_digest].map((one) => one ?? '-').join(' '),
        use.decisions,
      ] as const,
  );
  same('in use', new Map(said), used);
}

function compareOutputs({ runs }: Asked, { outputs }: Scan, asOf: AsOf, same: Same): void {
  const wanted = [
    {},
    ...(['delivered', 'blocked', 'withheld', 'failed', 'skipped'] as const).map((state) => ({ state })),
    ...(['undecided', 'against_decision', 'other_text', 'text_unproven', 'served_before_block'] as const).map(
      (mark) => ({ mark }),
    ),
    { state: 'delivered', mark: 'other_text' } as const,
    { state: 'withheld', mark: 'served_before_block' } as const,
  ];
  for (const filter of wanted) {
    const ours = runs.outputs(filter, everything, asOf);
    const scanned = outputs.filter(
      ({ state, marks }) =>
        (!('state' in filter) || state === filter.state) &&
        (!('mark' in filter) || marks.includes(filter.mark)),
    );
    same(`number of outputs ${JSON.stringify(filter)}`, ours.total, scanned.length);
    same(
      `outputs ${JSON.stringify(filter)}`,
      ours.rows.map((row) => `${row.execution_id} ${row.sequence_number} ${row.marks.join()}`),
      scanned.map(({ run, seq, marks }) => `${run} ${seq} ${marks.join()}`).toReversed(),
    );
  }
}

function compareReviews({ decisions }: Asked, { reviews, clockMs }: Scan, asOf: AsOf, same: Same): void {
  const at = new Date(clockMs).toISOString();
  const asks = ({ judgement, answers }: Scan['reviews'][number]): boolean =>
    answers === null && !['override', 'confirmed'].includes(judgement);
  const cases = [
    { filter: {}, isWanted: () => true },
    {
      filter: { judgement: 'override' },
      isWanted: (one: Scan['reviews'][number]) => one.judgement === 'override',
    },
    { filter: { open: true, at }, isWanted: (one: Scan['reviews'][number]) => asks(one) && !one.answered },
    { filter: { open: false }, isWanted: (one: Scan['reviews'][number]) => one.answered },
    {
      filter: { open: true, olderThanHours: 5, at },
      isWanted: (one: Scan['reviews'][number]) =>
        asks(one) && !one.answered && clockMs - Date.parse(one.time) > 5 * 3_600_000,
    },
    {
      filter: { actor: reviews[0]?.actor ?? 'nobody' },
      isWanted: (one: Scan['reviews'][number]) => one.actor === (reviews[0]?.actor ?? 'nobody'),
    },
  ];
  for (const { filter, isWanted } of cases) {
    const ours = findReviews(decisions.open(asOf), filter, everything).reviews.map(
      ({ row }) => `${row.execution_id} ${row.sequence_number}`,
    );
    const scanned = reviews.filter(isWanted).map(({ run, seq }) => `${run} ${seq}`);
    same(`reviews ${JSON.stringify(filter)}`, ours, scanned.toReversed());
  }
}

function compareTexts({ decisions }: Asked, found: Scan, asOf: AsOf, same: Same): void {
  const terms = new Map<string, string>();
  const counts = new Map<string, [number, number, number, number, number]>();
  for (const { terms: hit, said } of found.decisions) {
    for (const term of hit) {
      const count = counts.get(term) ?? [0, 0, 0, 0, 0];
      count[0] += 1;
      const verdict = said['verdict']?.[0];
      const slot = !said['method']?.includes('llm_context_check')
        ? 4
        : verdict === 'safe'
          ? 1
          : verdict === 'unsafe'
            ? 2
            : 3;
      count[slot] = (count[slot] ?? 0) + 1;
      counts.set(term, count);
    }
  }
  for (const [term, count] of counts) terms.set(term, count.join(' '));
  const ours = countTerms(decisions.open(asOf)).terms.map(
    ({ list, term, hits, false_positives, confirmed, undecided, not_asked }) =>
      [`${list} ${term}`, [hits, false_positives, confirmed, undecided, not_asked].join(' ')] as const,
  );
  same('terms', new Map(ours), terms);
  for (const role of ['user_input', 'interception']) {
    const verdicts = new Map<string, Set<string>>();
    for (const { commitment, said } of found.decisions) {
      const verdict = said['verdict']?.[0];
      if (commitment === null || verdict === undefined || said['role']?.[0] !== role) continue;
      verdicts.set(commitment, (verdicts.get(commitment) ?? new Set()).add(verdict));
    }
    const differing = [...verdicts].filter(([, set]) => set.size > 1).map(([commitment]) => commitment);
    const { texts, total } = differingTexts(decisions.open(asOf), role, everything);
    same(`texts of ${role}`, texts.map(({ commitment }) => commitment).sort(), differing.sort());
    same(`number of texts of ${role}`, total, differing.length);
  }
}
