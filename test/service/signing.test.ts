import { expect, test } from 'vitest';
import type { Ledger } from '../../src/service/assemble.ts';
import { nodes, type Nodes } from './nodes-bench.ts';

const typesOf = async (bench: Nodes): Promise<string[]> =>
  (await bench.eventsOf('ledger')).map(({ type }) => type);

const checkpoints = async (bench: Nodes): Promise<number> =>
  (await typesOf(bench)).filter((type) => type === 'checkpoint_signed').length;

const record = async (ledger: Ledger, executionId: string, ...types: readonly string[]): Promise<void> => {
  for (const item_type of types) {
    const run = item_type === 'pipeline_start' ? 'new' : 'existing';
    await ledger.service.recorder.record({
      executionId,
      by: 'foreign',
      items: [{ draft: { item_type } }],
      run,
    });
  }
};

test('what grows is signed every ten seconds, what ended a second later, and an idle ledger never again', async () => {
  const bench = await nodes();
  const { ledger } = await bench.start();
  await bench.elapse(30);
  // What the start published.
  expect(await checkpoints(bench)).toBe(1);
  await bench.elapse(120);
  expect(await typesOf(bench)).toEqual(['ledger_key_published', 'run_heads_recorded', 'checkpoint_signed']);
  await record(ledger, 'exec_a', 'pipeline_start', 'my_own_step');
  await bench.elapse(11);
  await bench.soon(async () => (await checkpoints(bench)) === 2);
  await record(ledger, 'exec_a', 'my_own_step', 'pipeline_complete');
  await bench.elapse(2);
  // The note is written to a real disk, for which held time does not wait.
  await bench.soon(async () => (await checkpoints(bench)) === 3);
  await bench.elapse(60);
  expect(await checkpoints(bench)).toBe(3);
});

test('of several nodes one signs, and another goes on when it dies', async () => {
  const bench = await nodes();
  const first = await bench.start();
  const second = await bench.start();
  const third = await bench.start();
  await bench.elapse(40);
  expect(await checkpoints(bench)).toBe(1);
  await record(second.ledger, 'exec_a', 'pipeline_start', 'pipeline_complete');
  await bench.until(async () => (await checkpoints(bench)) === 2);
  await bench.elapse(30);
  expect(await checkpoints(bench)).toBe(2);
  first.die();
  await record(third.ledger, 'exec_b', 'pipeline_start', 'pipeline_complete');
  await bench.until(async () => (await checkpoints(bench)) === 3);
  expect((await typesOf(bench)).filter((type) => type === 'ledger_key_published')).toHaveLength(1);
  expect(second.ledger.service.ledger.checkpoint().note).toBe(third.ledger.service.ledger.checkpoint().note);
});

test('who is killed between signing and storing leaves the same checkpoint to be signed, or a larger one', async () => {
  const bench = await nodes();
  const killed = await bench.start({
    before: (stream, types) => {
      if (stream === 'ledger' && types.includes('checkpoint_signed')) killed.die();
    },
  });
  await bench.elapse(12);
  await bench.soon(async () => (await typesOf(bench)).length === 2);
  expect((await typesOf(bench)).at(-1)).toBe('run_heads_recorded');
  const next = await bench.start();
  await bench.until(async () => (await checkpoints(bench)) === 1);
  expect(next.ledger.service.ledger.checkpoint().size).toBeGreaterThan(0);
  expect((await typesOf(bench)).filter((type) => type === 'ledger_key_published')).toHaveLength(1);
});
