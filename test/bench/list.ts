import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import runList from '../../projections/run-list.ts';
import type { Projector } from '../../src/projector/projector.ts';
import { createRunLists, type RunFilter, type RunListQuery } from '../../src/queries/run-list.ts';
import type { RunSummary } from '../../src/run/record.ts';
import { projectRuns } from './generated-runs.ts';
import { interleaved, printTable, type Row, times } from './measure.ts';
import { loadPeer } from './peers.ts';

type Page = { readonly limit: number; readonly offset: number };
type Case = {
  readonly what: string;
  readonly filter: RunFilter;
  readonly page: Page;
  readonly reachFirst: number;
};
type Listing = (
  filter: RunFilter,
  page: Page,
) => { readonly total: number; readonly texts: readonly string[] };

const newest = { limit: 20, offset: 0 };
const two: RunFilter = { config: 'dada', execution_mode: 'fast' };
const three: RunFilter = { ...two, safety_level: 'kids' };
const four: RunFilter = { ...three, status: ['failed'] };
const fewRuns = 10_000;

/** `list [--runs 1000000] [--repetitions 5]`: pages and exact totals, against better-sqlite3 and against files. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    // The rebuild that follows takes its own size from the same words.
    options: {
      runs: { type: 'string', default: '1000000' },
      events: { type: 'string' },
      repetitions: { type: 'string', default: '5' },
    },
  });
  const [runs, repetitions] = [Number(values.runs), Number(values.repetitions)];
  const directory = await mkdtemp(join(tmpdir(), 'runledger-list-'));
  const projection = runList({ timeZone: 'Europe/Berlin' });
  try {
    const many = await projectRuns(join(directory, 'many'), projection, runs);
    const few = await projectRuns(join(directory, 'few'), projection, fewRuns);
    const list = createRunLists(many).list;
    const rows = [
      ...(await againstSqlite(many, list, join(directory, 'peer.db'), runs, repetitions)),
      await againstFiles(few, join(directory, 'files'), repetitions),
      await againstOurselves(list, createRunLists(few).list, repetitions),
    ];
    printTable(`Lists at ${runs.toLocaleString('en')} runs: page and exact total, in milliseconds`, rows);
    await many.close();
    await few.close();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const casesOf = (runs: number): Case[] => [
  { what: 'popular filter', filter: { config: 'dada' }, page: newest, reachFirst: 10 },
  {
    what: 'popular filter, in the middle',
    filter: { config: 'dada' },
    page: { limit: 20, offset: Math.floor(runs / 10) },
    reachFirst: 10,
  },
  { what: 'small result (one user)', filter: { user_id: 'user-77' }, page: newest, reachFirst: 0.5 },
  {
    what: 'small result, two filters',
    filter: { user_id: 'user-77', config: 'dada' },
    page: newest,
    reachFirst: 0.5,
  },
  { what: 'two filters', filter: two, page: newest, reachFirst: 0.5 },
  {
    what: 'two filters, deep',
    filter: two,
    page: { limit: 20, offset: Math.floor(runs / 20) },
    reachFirst: 0.5,
  },
  { what: 'three filters', filter: three, page: newest, reachFirst: 0.5 },
  { what: 'four filters', filter: four, page: newest, reachFirst: 0.5 },
  {
    what: 'four filters, deep',
    filter: four,
    page: { limit: 20, offset: Math.floor(runs / 1000) },
    reachFirst: 0.5,
  },
];

async function againstSqlite(
  projector: Projector,
  list: RunListQuery,
  path: string,
  runs: number,
  repetitions: number,
): Promise<Row[]> {
  const peer = await loadPeer<{ readonly default: new (path: string) => Sqlite }>('better-sqlite3');
  if (peer === null) return [];
  const database = new peer.default(path);
  const theirs = fillSqlite(database, projector);
  const rows: Row[] = [];
  for (const { what, filter, page, reachFirst } of casesOf(runs)) {
    const [expected, found] = [theirs(filter, page), list(filter, page)];
    if (JSON.stringify(expected) !== JSON.stringify({ texts: found.texts, total: found.total }))
      throw new Error(`${what}: the two lists differ`);
    const [baseline = 0, ours = 0] = await interleaved(repetitions, [
      async () => millisecondsOf(() => theirs(filter, page)),
      async () => millisecondsOf(() => list(filter, page)),
    ]);
    rows.push([
      `${what} (${found.total.toLocaleString('en')} found)`,
      baseline.toFixed(3),
      ours.toFixed(3),
      times(baseline / ours),
      times(reachFirst),
    ]);
  }
  database.close();
  return rows;
}

type Statement = {
  readonly run: (...values: readonly unknown[]) => unknown;
  readonly all: (...values: readonly unknown[]) => readonly { readonly summary: string }[];
  readonly get: (...values: readonly unknown[]) => { readonly total: number };
};
type Sqlite = {
  readonly exec: (sql: string) => unknown;
  readonly prepare: (sql: string) => Statement;
  readonly close: () => void;
};

const columns = {
  config: 'config_name',
  user_id: 'user_id',
  status: 'status',
  safety_level: 'safety_level',
  execution_mode: 'execution_mode',
} as const;

/** The same summaries, with an index that fits each of the queries, so that no row is looked at in vain. */
function fillSqlite(database: Sqlite, projector: Projector): Listing {
  database.exec('PRAGMA journal_mode=WAL; PRAGMA cache_size=-400000; PRAGMA mmap_size=8000000000');
  database.exec(
    'CREATE TABLE runs (ts TEXT, id TEXT, config_name TEXT, user_id TEXT, status TEXT, safety_level TEXT, execution_mode TEXT, summary TEXT)',
  );
  const insert = database.prepare('INSERT INTO runs VALUES (?,?,?,?,?,?,?,?)');
  const everything = createRunLists(projector).list;
  database.exec('BEGIN');
  for (let offset = 0, limit = 10_000; ; offset += limit) {
    const { texts, total } = everything({}, { limit, offset });
    for (const text of texts) {
      const run = JSON.parse(text) as RunSummary;
      insert.run(
        run.timestamp,
        run.execution_id,
        run.config_name,
        run.user_id,
        run.status,
        run.safety_level,
        run.execution_mode,
        text,
      );
    }
    if (offset + limit >= total) break;
  }
  database.exec('COMMIT');
  const orders = ['config_name', 'user_id', 'user_id, config_name', 'config_name, execution_mode'];
  orders.push(
    'config_name, execution_mode, safety_level',
    'config_name, execution_mode, safety_level, status',
  );
  for (const [index, order] of orders.entries())
    database.exec(`CREATE INDEX by_${index} ON runs (${order}, ts DESC, id)`);
  database.exec('ANALYZE');
  const prepared = new Map<string, readonly [count: Statement, page: Statement]>();
  return (filter, { limit, offset }) => {
    const members = Object.keys(filter) as (keyof typeof columns)[];
    const where = members.map((member) => `${columns[member]} = ?`).join(' AND ');
    let statements = prepared.get(where);
    if (statements === undefined) {
      statements = [
        database.prepare(`SELECT count(*) AS total FROM runs WHERE ${where}`),
        database.prepare(`SELECT summary FROM runs WHERE ${where} ORDER BY ts DESC, id LIMIT ? OFFSET ?`),
      ];
      prepared.set(where, statements);
    }
    const values = members.map((member) => String(filter[member]));
    const found = statements[1].all(...values, limit, offset);
    return { texts: found.map(({ summary }) => summary), total: statements[0].get(...values).total };
  };
}

/** Milliseconds a call, over as many calls as take a tenth of a second. */
function millisecondsOf(query: () => unknown): number {
  const began = performance.now();
  let calls = 0;
  while (performance.now() - began < 100) {
    query();
    calls++;
  }
  return (performance.now() - began) / calls;
}

/** How it was done before: one JSON file a run, all of them loaded for every page. */
async function againstFiles(few: Projector, folder: string, repetitions: number): Promise<Row> {
  const list = createRunLists(few).list;
  await mkdir(folder);
  for (const text of list({}, { limit: fewRuns, offset: 0 }).texts) {
    const { execution_id } = JSON.parse(text) as RunSummary;
    await writeFile(join(folder, `${execution_id}.json`), text);
  }
  const loadAll = async (): Promise<number> => {
    const began = performance.now();
    const runs: RunSummary[] = [];
    for (const file of await readdir(folder))
      runs.push(JSON.parse(await readFile(join(folder, file), 'utf8')) as RunSummary);
    const found = runs.filter(({ config_name }) => config_name === 'dada');
    found.sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1)).slice(0, 20);
    return performance.now() - began;
  };
  const [baseline = 0, ours = 0] = await interleaved(repetitions, [
    loadAll,
    async () => millisecondsOf(() => list({ config: 'dada' }, newest)),
  ]);
  const what = `${fewRuns.toLocaleString('en')} runs, against one file a run`;
  return [what, baseline.toFixed(1), ours.toFixed(3), times(baseline / ours), times(1000)];
}

async function againstOurselves(many: RunListQuery, few: RunListQuery, repetitions: number): Promise<Row> {
  const [small = 0, large = 0] = await interleaved(repetitions, [
    async () => millisecondsOf(() => few({ config: 'dada' }, newest)),
    async () => millisecondsOf(() => many({ config: 'dada' }, newest)),
  ]);
  const what = `same query at ${fewRuns.toLocaleString('en')} runs (time here / there)`;
  return [what, small.toFixed(3), large.toFixed(3), times(large / small), '≤ 2 ×'];
}
