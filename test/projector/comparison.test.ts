import { open } from 'lmdb';
import { expect, it } from 'vitest';
import { compareWithRebuild, type Difference } from '../../src/projector/comparison.ts';
import { loadProjections } from '../../src/projector/loader.ts';
import type { Projection } from '../../src/projector/projection.ts';
import { generateLog } from '../generated-log.ts';
import type { MemoryStore } from '../memory-store.ts';
import { keyOf, record } from '../recorded-runs.ts';
import { caughtUp, opened, temporaryDirectory } from './opened.ts';

async function compare(
  directory: string,
  store: MemoryStore,
  projections: readonly Projection[],
): Promise<Difference[]> {
  const scratchDirectory = await temporaryDirectory();
  return compareWithRebuild({ directory, scratchDirectory, store, projections, keyOf, maxDifferences: 100 });
}

it('projections that grew live, in many small batches, equal rebuilt ones row by row', async () => {
  const { store: whole } = generateLog(150);
  const { store } = generateLog(0);
  const directory = await temporaryDirectory();
  const projections = await loadProjections({ timeZone: 'Europe/Berlin' });
  const projector = await opened(projections, { directory, store });
  await caughtUp(projector, store);
  for (const [index, event] of whole.events.entries()) {
    const position = store.add(event.stream, [event]);
    if (index % 11 === 0) await projector.waitFor(position, 10_000);
  }
  await caughtUp(projector, store);
  expect(projector.status().every(({ state }) => state === 'running')).toBe(true);
  await projector.close();
  expect(await compare(directory, store, projections)).toEqual([]);
});

it('names every row that was changed, lost, added or has another form', async () => {
  const { store } = generateLog(10);
  const directory = await temporaryDirectory();
  const projections = (await loadProjections({ timeZone: 'UTC' })).filter(
    ({ name }) => name === 'storage-stats',
  );
  const projector = await opened(projections, { directory, store });
  record(store, 'x', [{ item_type: 'user_input_text', content: 'x', time: '2025-11-03T20:52:39.000Z' }]);
  await caughtUp(projector, store);
  await projector.close();

  const environment = open({ path: directory, noSubdir: false, maxDbs: 64 });
  const counted = environment.openDB<string, string>('storage-stats@1/counted', { encoding: 'string' });
  const totals = environment.openDB<string, string>('storage-stats@1/totals', { encoding: 'string' });
  await counted.put('run-x', '7');
  await counted.put('run-zzz', '1');
  await totals.put('all', '{"records":"many"}');
  await environment.close();

  const differences = await compare(directory, store, projections);
  expect(differences).toMatchObject([
    {
      projection: 'storage-stats',
      table: 'totals',
      key: 'all',
      live: '{"records":"many"}',
      shape: expect.any(String) as string,
    },
    { table: 'counted', key: 'run-x', live: '7', rebuilt: '0' },
    { table: 'counted', key: 'run-zzz', live: '1', rebuilt: null },
  ]);
});
