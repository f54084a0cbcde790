import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import runList from '../../projections/run-list.ts';
import { decodeEvent } from '../../src/events/envelope.ts';
import { sortable } from '../../src/events/time.ts';
import { openProjector } from '../../src/projector/projector.ts';
import { createRunLists, type RunFilter, type RunListQuery } from '../../src/queries/run-list.ts';
import {
  evolveRecord,
  executionIdOf,
  initialRecordState,
  type RecordState,
  type RunSummary,
  summaryOf,
} from '../../src/run/record.ts';
import { generateLog } from '../generated-log.ts';
import { createMemoryStore, type MemoryStore } from '../memory-store.ts';
import { caughtUp, opened, temporaryDirectory } from '../projector/opened.ts';
import { keyOf } from '../recorded-runs.ts';

const timeZone = 'Europe/Berlin';

/** A run as the brute force sees it: folded from the log, nothing else. */
type Run = { readonly summary: RunSummary; readonly state: RecordState };

function foldLog(store: MemoryStore): Run[] {
  const states = new Map<string, RecordState>();
  for (const stored of store.events) {
    const id = executionIdOf(stored.stream);
    if (id === undefined) continue;
    const event = decodeEvent(stored, keyOf(stored.stream));
    states.set(id, evolveRecord(states.get(id) ?? initialRecordState(id), event));
  }
  const runs = [...states.values()].map((state) => ({ state, summary: summaryOf(state) }));
  const orderOf = ({ summary }: Run): string => sortable(summary.timestamp);
  return runs.sort((a, b) => {
    if (orderOf(a) !== orderOf(b)) return orderOf(a) < orderOf(b) ? 1 : -1;
    return a.summary.execution_id < b.summary.execution_id ? -1 : 1;
  });
}

const localDate = (time: string): string => new Date(time).toLocaleDateString('sv-SE', { timeZone });

const matchers: { readonly [K in keyof RunFilter]-?: (run: Run, value: never) => boolean } = {
  config: ({ summary }, value) => summary.config_name === value,
  workflow_id: ({ summary }, value) => summary.workflow_id === value,
  date: ({ summary }, value) => localDate(summary.timestamp) === value,
  user_id: ({ summary }, value) => summary.user_id === value,
  session_id: ({ summary }, value) => summary.session_id === value,
  status: ({ summary }, value: readonly string[]) =>
    value.includes(summary.status) || (value.includes('active') && !summary.is_terminal),
  safety_level: ({ summary }, value) => summary.safety_level === value,
  execution_mode: ({ summary }, value) => summary.execution_mode === value,
  scope_type: ({ summary }, value) => summary.scope_type === value,
  scope_id: ({ summary }, value) => summary.scope_id === value,
  from: ({ summary }, value) => sortable(summary.timestamp) >= sortable(value),
  to: ({ summary }, value) => sortable(summary.timestamp) <= sortable(value),
  output: ({ state }, value) => state.outputs.some(({ media_type }) => media_type === value),
};

const matching = (runs: readonly Run[], filter: RunFilter): Run[] =>
  runs.filter((run) =>
    Object.entries(filter).every(([member, value]) =>
      (matchers[member as keyof RunFilter] as (run: Run, value: unknown) => boolean)(run, value),
    ),
  );

const pages = [
  { limit: 20, offset: 0 },
  { limit: 7, offset: 3 },
  { limit: 100, offset: 700 },
  { limit: 3, offset: 1999 },
  { limit: 5, offset: 5000 },
];

describe('run-list over 2,000 generated runs', () => {
  const { store } = generateLog(2000);
  let runs: readonly Run[] = [];
  let list: RunListQuery;
  let times: { readonly early: string; readonly late: string };
  let filters: readonly RunFilter[] = [];

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'runledger-list-'));
    const projector = await openProjector({
      directory,
      store,
      projections: [runList({ timeZone })],
      keyOf,
      now: () => 0,
    });
    list = createRunLists(projector).list;
    await caughtUp(projector, store);
    runs = foldLog(store);
    times = {
      early: runs[1500]?.summary.timestamp ?? '',
      late: runs[300]?.summary.timestamp ?? '',
    };
    filters = [
      { config: 'dada' },
      { workflow_id: 'bauhaus' },
      { date: localDate(times.late) },
      { user_id: 'grace hopper' },
      { user_id: 'ü'.repeat(200) },
      { user_id: '#1' },
      { session_id: 'morning' },
      { status: ['completed'] },
      { status: ['active'] },
      { status: ['failed', 'blocked', 'active'] },
      { safety_level: 'kids' },
      { execution_mode: 'eco' },
      { scope_type: 'course' },
      { scope_id: '2' },
      { from: times.early },
      { to: times.late },
      { output: 'music' },
      { output: '3d' },
    ];
    return async () => {
      await projector.close();
      await rm(directory, { recursive: true, force: true });
    };
  });

  const agrees = (filter: RunFilter): void => {
    const expected = matching(runs, filter);
    for (const page of pages) {
      const { texts, total } = list(filter, page);
      expect(total, JSON.stringify(filter)).toBe(expected.length);
      const wanted = expected.slice(page.offset, page.offset + page.limit);
      expect(
        texts.map((text) => JSON.parse(text) as unknown),
        JSON.stringify({ filter, page }),
      ).toEqual(wanted.map(({ summary }) => summary));
    }
  };

  it('the generated log has ties, late arrivals and every status', () => {
    const seen = runs.map(({ summary }) => summary.timestamp);
    expect(new Set(seen).size).toBeLessThan(seen.length);
    expect(new Set(runs.map(({ summary }) => summary.status)).size).toBeGreaterThanOrEqual(8);
  });

  it('lists all runs newest first, ties by id, with their exact number', () => agrees({}));

  it('each filter selects what a scan of all runs selects, on every page', () => {
    for (const filter of filters) {
      expect(matching(runs, filter).length, JSON.stringify(filter)).toBeGreaterThan(0);
      agrees(filter);
    }
  });

  it('every pair of filters selects what both select', () => {
    for (const first of filters) for (const second of filters) agrees({ ...first, ...second });
  });

  it('three and four filters select what all of them select', () => {
    agrees({ config: 'dada', execution_mode: 'eco', status: ['completed'] });
    agrees({ config: 'dada', safety_level: 'kids', from: times.early, to: times.late });
    agrees({ output: 'image', safety_level: 'youth', status: ['completed', 'failed'], to: times.late });
  });

  it('an empty range of time and a value that nothing has select nothing', () => {
    agrees({ from: times.late, to: times.early });
    agrees({ config: 'nobody' });
    agrees({ config: 'nobody', status: ['completed'] });
    agrees({ from: '2030-01-01T00:00:00Z' });
    agrees({ to: '1990-01-01T00:00:00Z', config: 'dada' });
    agrees({ status: [] });
  });

  it('a bound between two instants of one millisecond is exact', () => {
    const exact = `${times.late.slice(0, -1)}000001Z`;
    agrees({ from: exact });
    agrees({ to: exact });
  });
});

describe('run-list while runs arrive', () => {
  it('a page read after every batch agrees with a scan: bitmaps follow the commits', async () => {
    const { store: source } = generateLog(300, 7);
    const store = createMemoryStore();
    const projector = await opened([runList({ timeZone })], { directory: await temporaryDirectory(), store });
    const list = createRunLists(projector).list;
    await caughtUp(projector, store);
    const filters: RunFilter[] = [
      {},
      { config: 'dada' },
      { status: ['active'] },
      { status: ['completed'], config: 'dada' },
      { from: '2025-11-04T00:00:00Z', safety_level: 'kids' },
    ];
    for (let from = 0; from < source.events.length; from += 97) {
      for (const event of source.events.slice(from, from + 97)) store.add(event.stream, [event]);
      const head = await store.head();
      await projector.waitFor(head ?? '', 10_000);
      const runs = foldLog(store);
      for (const filter of filters) {
        const expected = matching(runs, filter);
        const { texts, total } = list(filter, { limit: 10, offset: 2 });
        expect(total).toBe(expected.length);
        expect(texts.map((text) => (JSON.parse(text) as RunSummary).execution_id)).toEqual(
          expected.slice(2, 12).map(({ summary }) => summary.execution_id),
        );
      }
    }
  });

  it('a selection keeps what matched when it was made, though runs arrive and change between its pages', async () => {
    const { store: source } = generateLog(300, 7);
    const store = createMemoryStore();
    const projector = await opened([runList({ timeZone })], { directory: await temporaryDirectory(), store });
    const { select } = createRunLists(projector);
    await caughtUp(projector, store);
    const half = Math.floor(source.events.length / 2);
    const arrive = async (from: number, to: number): Promise<void> => {
      for (const event of source.events.slice(from, to)) store.add(event.stream, [event]);
      await projector.waitFor((await store.head()) ?? '', 10_000);
    };
    await arrive(0, half);
    const runs = foldLog(store);
    const filters: RunFilter[] = [
      {},
      { config: 'dada' },
      { status: ['active'] },
      { from: '2025-11-04T00:00:00Z', safety_level: 'kids' },
      { config: 'no-such' },
    ];
    const selections = filters.map((filter) => select(filter));
    const ids = (from: number, to: number) =>
      selections.map((selection) =>
        selection
          .texts({ offset: from, limit: to - from })
          .map((text) => (JSON.parse(text) as RunSummary).execution_id),
      );
    const first = ids(0, 10);
    await arrive(half, source.events.length);
    const rest = ids(10, 500);
    for (const [index, filter] of filters.entries()) {
      const expected = matching(runs, filter).map(({ summary }) => summary.execution_id);
      expect(selections[index]?.total).toBe(expected.length);
      expect([...(first[index] ?? []), ...(rest[index] ?? [])]).toEqual(expected);
      selections[index]?.release();
    }
  });

  it('a large stretch of late arrivals that grows between two pages is listed in order', async () => {
    const { store: source } = generateLog(2500, 9);
    const store = createMemoryStore();
    const projector = await opened([runList({ timeZone })], { directory: await temporaryDirectory(), store });
    const list = createRunLists(projector).list;
    await caughtUp(projector, store);
    const filters: RunFilter[] = [{}, { execution_mode: 'eco' }, { from: '2025-11-10T00:00:00Z' }];
    const shares = [0.605, 0.61, 0.62, 0.63, 0.645, 1];
    for (const [index, share] of shares.entries()) {
      const [from, to] = [shares[index - 1] ?? 0, share].map((part) =>
        Math.floor(part * source.events.length),
      );
      for (const event of source.events.slice(from, to)) store.add(event.stream, [event]);
      await projector.waitFor((await store.head()) ?? '', 10_000);
      const runs = foldLog(store);
      for (const filter of filters) {
        const expected = matching(runs, filter);
        const { texts, total } = list(filter, { limit: expected.length, offset: 0 });
        expect(total).toBe(expected.length);
        expect(texts.map((text) => (JSON.parse(text) as RunSummary).execution_id)).toEqual(
          expected.map(({ summary }) => summary.execution_id),
        );
      }
    }
  });
});
