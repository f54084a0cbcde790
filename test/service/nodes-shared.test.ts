import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { moment } from '../moment.ts';
import { request } from './executing.ts';
import { everything } from './export-bench.ts';
import { nodes } from './nodes-bench.ts';

const once = { key: 'a-key', what: 'execute', body: { text: 'Ein Fluss' } };

test('two nodes that start beside each other on an empty log publish each document and the policy once', async () => {
  const bench = await nodes();
  const settings = (name: string) => ({ RUNLEDGER_DATA: join(bench.directory, name) });
  await Promise.all(['a', 'b', 'c'].map((name) => bench.start({ settings: settings(name) })));
  const counts = new Map<string, number>();
  for await (const { stream } of bench.store.readAll()) counts.set(stream, (counts.get(stream) ?? 0) + 1);
  expect([...counts.keys()].some((stream) => stream.startsWith('workflow-'))).toBe(true);
  expect([...counts.keys()].some((stream) => stream.startsWith('policy-'))).toBe(true);
  expect([...counts.values()].filter((count) => count !== 1)).toEqual([]);
});

test('what one node publishes is there at the others, and their answers to it are about its newest version', async () => {
  const bench = await nodes();
  const [a, b] = [await bench.start(), await bench.start()];
  const { document } = a.ledger.service.workflows.library.workflow('dada');
  const first = await a.ledger.service.workflows.put(
    { ...document, description: { en: 'one', de: 'eins' } },
    1,
  );
  expect(first.version).toBe(2);
  const second = await b.ledger.service.workflows.put(
    { ...document, description: { en: 'two', de: 'zwei' } },
    2,
  );
  expect(second.version).toBe(3);
  const again = await a.ledger.service.workflows.put(
    { ...document, description: { en: 'two', de: 'zwei' } },
    3,
  );
  expect(again).toMatchObject({ version: 3, created: false, position: null });
  const { executionId } = await a.ledger.service.start(request('dada', 'Ein Fluss'));
  await bench.soon(async () => (await bench.recordOf(executionId)).is_terminal);
  expect((await bench.recordOf(executionId)).items[0]?.metadata['workflow_sha256']).toBe(second.sha256);
});

test('one Idempotency-Key that comes to two nodes at once starts one run', async () => {
  const bench = await nodes();
  const [a, b] = [await bench.start(), await bench.start()];
  const started = await Promise.all(
    [a, b, a, b].map(async ({ ledger }) => {
      try {
        return (await ledger.service.start(request('dada', 'Ein Fluss'), once)).executionId;
      } catch (error) {
        expect(error).toMatchObject({ code: 'REQUEST_IN_FLIGHT' });
        return undefined;
      }
    }),
  );
  const ids = new Set(started.filter((id) => id !== undefined));
  expect(ids.size).toBe(1);
  const streams = new Set<string>();
  for await (const { stream } of bench.store.readAll()) if (stream.startsWith('run-')) streams.add(stream);
  expect(streams.size).toBe(1);
  const other = b.ledger.service.start(request('dada', 'anders'), { ...once, body: { text: 'anders' } });
  await expect(other).rejects.toMatchObject({ code: 'REQUEST_KEY_REUSED' });
});

test('a key whose node died between reserving and starting starts the run under the id that was reserved', async () => {
  const bench = await nodes();
  const reached = moment();
  const a = await bench.start({
    before: (stream) => {
      if (!stream.startsWith('run-')) return;
      a.die();
      reached.arrive();
    },
  });
  const b = await bench.start();
  void a.ledger.service.start(request('dada', 'Ein Fluss'), once).catch(() => undefined);
  await reached.come;
  const { executionId, isNew } = await b.ledger.service.start(request('dada', 'Ein Fluss'), once);
  expect(isNew).toBe(true);
  let reserved: unknown;
  for await (const { stream } of bench.store.readAll())
    if (stream.startsWith('request-'))
      reserved = (await bench.eventsOf(stream))[0]?.core.facts?.['started_id'];
  expect(reserved).toBe(executionId);
  const again = await b.ledger.service.start(request('dada', 'Ein Fluss'), once);
  expect(again).toMatchObject({ executionId, isNew: false });
});

/** A node that is held up when it is to record that an export is finished. */
function holdingExport() {
  const reached = moment();
  const release = moment();
  const before = async (_stream: string, types: readonly string[]): Promise<void> => {
    if (!types.includes('export_finished')) return;
    reached.arrive();
    await release.come;
  };
  return { before, reached: reached.come, release: release.arrive };
}

async function exporting() {
  const bench = await nodes();
  const held = holdingExport();
  const a = await bench.start({ before: held.before });
  const b = await bench.start();
  const run = await a.ledger.service.execute(request('dada', 'Ein Fluss'));
  expect(run.record.status).toBe('completed');
  await bench.elapse(0);
  const { id } = await a.ledger.service.exports.start(everything);
  await held.reached;
  await bench.elapse(1);
  const folder = join(bench.directory, 'exports', id);
  return { bench, held, a, b, id, folder };
}

test('an export that one node works at is left alone by the others, and shown as running by them', async () => {
  const { bench, held, b, id } = await exporting();
  await bench.elapse(60);
  expect((await b.ledger.service.exports.read(id)).status).toBe('running');
  held.release();
  await bench.soon(async () => (await b.ledger.service.exports.read(id)).status === 'finished');
  const events = await bench.eventsOf(`export-${id}`).then((found) => found.map(({ type }) => type));
  expect(events).toEqual(['export_requested', 'export_finished']);
});

test('an export of a dead node is taken over, and comes to its end', async () => {
  const { bench, a, b, id } = await exporting();
  a.die();
  await bench.until(async () => (await b.ledger.service.exports.read(id)).status === 'finished');
  const file = await b.ledger.service.exports.open(id);
  let bytes = 0;
  for await (const chunk of file.read(AbortSignal.any([]))) bytes += chunk.byteLength;
  expect(bytes).toBe(file.sizeBytes);
});

test('an export is cancelled at any node; who works at it stops and removes its files', async () => {
  const { bench, held, b, id, folder } = await exporting();
  await b.ledger.service.exports.cancel(id);
  expect(existsSync(folder)).toBe(true);
  held.release();
  await bench.soon(() => !existsSync(folder));
  expect((await b.ledger.service.exports.read(id)).status).toBe('cancelled');
  await bench.elapse(30);
  expect(existsSync(folder)).toBe(false);
});
