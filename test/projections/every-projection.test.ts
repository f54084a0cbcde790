import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exportStreamOf } from '../../src/exporters/export-job.ts';
import { arrivalOf } from '../../src/projector/arrival.ts';
import { openEnvironment } from '../../src/projector/environment.ts';
import { type Instance, stepOf } from '../../src/projector/instance.ts';
import { loadProjections } from '../../src/projector/loader.ts';
import type { Projection } from '../../src/projector/projection.ts';
import { newBuild } from '../../src/projector/startup.ts';
import { exportHistory } from '../exported-jobs.ts';
import { replayHistory } from '../replayed-jobs.ts';
import { type GeneratedLog, generateLog } from '../generated-log.ts';
import type { MemoryStore } from '../memory-store.ts';
import { temporaryDirectory } from '../projector/opened.ts';
import { publishHistory } from '../published-workflows.ts';
import { keyOf } from '../recorded-runs.ts';

const projections = await loadProjections({ timeZone: 'Europe/Berlin' });

/** Runs, documents that were published, changed, retired and published again, and exports with every end. */
function logOf(runs: number, seed: number): GeneratedLog {
  const log = generateLog(runs, seed);
  publishHistory(log.store, 'dada', ['bundled', 'one'], ['http', 'two'], ['folder', 'three']);
  publishHistory(log.store, 'mine', ['folder', 'one'], ['folder', null], ['folder', 'one'], ['http', null]);
  replayHistory(log.store, 'replay_20251103_210000_00000001', 'replay_requested', 'replay_finished');
  replayHistory(log.store, 'replay_20251103_210100_00000002', 'replay_requested', 'replay_failed');
  exportHistory(log.store, 'export_20251103_200000_00000001', 'export_requested', 'export_finished');
  exportHistory(
    log.store,
    'export_20251103_200000_00000002',
    'export_requested',
    'export_failed',
    'export_resumed',
    'export_failed',
    'export_expired',
  );
  exportHistory(log.store, 'export_20251103_200000_00000003', 'export_requested', 'export_cancelled');
  return log;
}

/** All rows after the events of a log came in batches of the given sizes, the last one again and again. */
async function rowsAfter(
  projection: Projection,
  store: MemoryStore,
  sizes: readonly number[],
  keys: typeof keyOf | (() => undefined) = keyOf,
): Promise<{ readonly rows: unknown[]; readonly stopped: Instance['stopped'] }> {
  const environment = openEnvironment(await temporaryDirectory());
  let instance = await newBuild(environment, projection, store.storeId);
  const arrivals = store.events.map((event) => arrivalOf(event, keys));
  for (let from = 0, batch = 0; from < arrivals.length; batch++) {
    const size = sizes[Math.min(batch, sizes.length - 1)] ?? 1;
    const { writes, after } = stepOf(instance, arrivals.slice(from, from + size), store);
    await environment.commit(() => writes.forEach((write) => instance.tables.store(write)), false);
    instance = after;
    from += size;
  }
  const rows = projection.tables.map((table) => [...instance.tables.latest.range(table)]);
  for (const [index, table] of projection.tables.entries()) {
    for (const { row } of rows[index] ?? []) table.row.parse(row);
  }
  await environment.close();
  return { rows, stopped: instance.stopped };
}

it('the folder is the registry', () => {
  expect(projections.map(({ name }) => name)).toEqual([
    'active-runs',
    'audited-runs',
    'decisions',
    'exports',
    'replays',
    'requests',
    'run-items',
    'run-list',
    'run-record',
    'storage-stats',
    'violations',
    'workflows',
  ]);
});

describe.each(projections)('projection $name', (projection) => {
  it('has the same rows wherever one batch ends and the next begins, each of its table’s form', async () => {
    const { store } = logOf(25, 5);
    const whole = await rowsAfter(projection, store, [store.events.length]);
    expect(whole.rows.flat().length).toBeGreaterThan(0);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (sizes) => {
        expect((await rowsAfter(projection, store, sizes)).rows).toEqual(whole.rows);
      }),
      { numRuns: 12, examples: [[[1]]] },
    );
  });

  it('is total for payloads that were erased', async () => {
    const { store } = logOf(40, 6);
    const { stopped, rows } = await rowsAfter(projection, store, [9], () => undefined);
    expect(stopped).toBeUndefined();
    expect(rows.flat().length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toMatch(/Blume|grace hopper/);
  });

  it('takes a stream that is told from its beginning again for the same stream', async () => {
    const { store } = logOf(12, 8);
    const once = await rowsAfter(projection, store, [5]);
    const { store: twice } = logOf(12, 8);
    const streams = [
      twice.events[0]?.stream,
      'workflow-mine',
      exportStreamOf('export_20251103_200000_00000002'),
    ];
    const again = twice.events.filter((event) => streams.includes(event.stream));
    const retold: MemoryStore = { ...twice, events: [...twice.events, ...again] };
    // Positions of the retold events lie behind, so the instance would skip them: they come as the log's newest.
    const renumbered: MemoryStore = {
      ...retold,
      events: retold.events.map((event, index) => ({
        ...event,
        position: String(index + 1).padStart(9, '0'),
      })),
    };
    const rows = (await rowsAfter(projection, renumbered, [5])).rows;
    const withoutPositions = (all: unknown[]): string =>
      JSON.stringify(all).replaceAll(/"position":"\d+"/g, '');
    expect(withoutPositions(rows)).toBe(withoutPositions(once.rows));
  });

  it('leaves streams that are no runs out of its runs', async () => {
    const { store } = generateLog(0);
    const [event] = generateLog(1).store.events;
    if (event === undefined) throw new Error('no event');
    store.add('policy-x', [event]);
    const moved = { ...store, events: store.events.map((stored) => ({ ...stored, stream: 'policy-x' })) };
    const environment = openEnvironment(await temporaryDirectory());
    const instance = await newBuild(environment, projection, 'memory');
    const arrivals = moved.events.map((stored) => ({
      ...arrivalOf({ ...stored, stream: event.stream }, keyOf),
      stream: 'policy-x',
    }));
    const { writes, after } = stepOf(instance, arrivals, moved);
    expect(after.stopped).toBeUndefined();
    expect(writes.every(({ table }) => ['totals', 'counted'].includes(table.name))).toBe(true);
    await environment.close();
  });
});
