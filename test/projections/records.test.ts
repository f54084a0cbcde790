import { expect, it } from 'vitest';
import { decodeEvent } from '../../src/events/envelope.ts';
import { mergeItem } from '../../src/events/item.ts';
import { loadProjections } from '../../src/projector/loader.ts';
import type { Projector } from '../../src/projector/projector.ts';
import { readActiveRuns } from '../../src/queries/active-runs.ts';
import { readHeader, readItems, readRecord } from '../../src/queries/run-record.ts';
import { readStorageStats } from '../../src/queries/storage-stats.ts';
import { evolveRecord, headerOf, initialRecordState, streamOf } from '../../src/run/record.ts';
import { type GeneratedLog, generateLog } from '../generated-log.ts';
import { caughtUp, opened, temporaryDirectory } from '../projector/opened.ts';
import { keyOf, record } from '../recorded-runs.ts';

async function projected(runs: number): Promise<GeneratedLog & { readonly projector: Projector }> {
  const log = generateLog(runs, 4);
  const projections = await loadProjections({ timeZone: 'UTC' });
  const projector = await opened(projections, { directory: await temporaryDirectory(), store: log.store });
  await caughtUp(projector, log.store);
  return { ...log, projector };
}

it('a record is the header and the items of its events, and its version is the stream’s revision', async () => {
  const { store, ids, projector } = await projected(30);
  for (const id of ids) {
    const events = store.events
      .filter(({ stream }) => stream === streamOf(id))
      .map((event) => decodeEvent(event, keyOf(event.stream)));
    const header = headerOf(events.reduce(evolveRecord, initialRecordState(id)));
    const items = events.map(({ core, payload, erased }) => mergeItem(core, payload, erased));
    const { version, text } = readRecord(projector, id);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify({ ...header, items })));
    expect(version).toBe(events.length - 1);
    expect(readHeader(projector, id).version).toBe(version);
  }
});

it('items of a run are paged by sequence number', async () => {
  const { ids, projector } = await projected(5);
  const id = ids[0] ?? '';
  const all = readItems(projector, id, { from: 1, limit: 1000 });
  expect(all.map((text) => (JSON.parse(text) as { sequence_number: number }).sequence_number)).toEqual(
    all.map((_, index) => index + 1),
  );
  expect(readItems(projector, id, { from: 2, limit: 1 })).toEqual(all.slice(1, 2));
  expect(readItems(projector, id, { from: 99, limit: 10 })).toEqual([]);
});

it('a run that is not there is EXECUTION_NOT_FOUND', async () => {
  const { projector } = await projected(1);
  expect(() => readRecord(projector, 'nobody')).toThrow(/There is no run nobody/);
  expect(readItems(projector, 'nobody', { from: 1, limit: 10 })).toEqual([]);
});

it('storage statistics are the bytes of the log and the runs by status', async () => {
  const { store, ids, projector } = await projected(60);
  const { records, events, bytes, byStatus } = readStorageStats(projector);
  const stored = store.events.reduce(
    (sum, { core, sealed }) => sum + core.byteLength + (sealed?.byteLength ?? 0),
    0,
  );
  expect({ records, events, bytes }).toEqual({
    records: ids.length,
    events: store.events.length,
    bytes: stored,
  });
  const statuses = ids.map((id) => (JSON.parse(readHeader(projector, id).text) as { status: string }).status);
  for (const [status, count] of Object.entries(byStatus))
    expect(count, status).toBe(statuses.filter((other) => other === status).length);
});

it('active runs are our own open ones, with their start and their last position, until something ends them', async () => {
  const { store, projector } = await projected(0);
  const time = '2025-11-03T20:52:39.000Z';
  record(store, 'ours', [{ item_type: 'pipeline_start', time }]);
  record(store, 'foreign', [{ item_type: 'pipeline_start', time, actor: 'client' }]);
  record(store, 'imported', [{ item_type: 'pipeline_start', time, actor: 'importer' }]);
  const claimed = record(store, 'ours', [{ item_type: 'run_claimed', time }]);
  await projector.waitFor(claimed, 10_000);
  expect(readActiveRuns(projector)).toEqual([
    { executionId: 'ours', status: 'running', startedAt: time, version: 1, position: claimed, lease: null },
  ]);
  await projector.waitFor(
    record(store, 'ours', [{ item_type: 'pipeline_complete', stage: 5, time }]),
    10_000,
  );
  expect(readActiveRuns(projector)).toEqual([]);
  await projector.waitFor(record(store, 'ours', [{ item_type: 'log_entry', time }]), 10_000);
  expect(readActiveRuns(projector)).toEqual([]);
});
