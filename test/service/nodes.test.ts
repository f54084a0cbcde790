import { describe, expect, test } from 'vitest';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { moment } from '../moment.ts';
import { request } from './executing.ts';
import { nodes } from './nodes-bench.ts';

const typesOf = ({ items }: ExecutionRecord) => items.map(({ item_type }) => item_type);
const claimsOf = (record: ExecutionRecord) =>
  record.items.filter(({ item_type }) => ['run_claimed', 'run_recovered'].includes(item_type));

/** Holds up a node at the n-th time that it is to record an item of a type. */
function holdingAt(type: string, n = 1) {
  const reached = moment();
  const release = moment();
  let left = n;
  const before = async (stream: string, types: readonly string[]): Promise<void> => {
    if (!stream.startsWith('run-') || !types.includes(type)) return;
    left -= 1;
    if (left !== 0) return;
    reached.arrive();
    await release.come;
  };
  return { before, reached: reached.come, release: release.arrive };
}

const steps = 'interception_iteration';

test('40 runs begun on two nodes are each executed once, by one of them', async () => {
  const bench = await nodes();
  const [a, b] = [await bench.start(), await bench.start()];
  const begun = await Promise.all(
    Array.from({ length: 40 }, (_, nth) =>
      (nth % 2 === 0 ? a : b).ledger.service.start(
        request('dada', `Ein Fluss ${nth}`, { session_id: `session-${nth % 5}` }),
      ),
    ),
  );
  const isOver = async (id: string) => (await bench.recordOf(id)).is_terminal;
  for (const { executionId } of begun) await bench.soon(() => isOver(executionId));
  for (const { executionId } of begun) {
    const record = await bench.recordOf(executionId);
    expect(record).toMatchObject({ status: 'completed', findings: [] });
    expect(claimsOf(record)).toHaveLength(1);
    expect(typesOf(record).filter((type) => type === 'pipeline_complete')).toHaveLength(1);
    const lease = await bench.eventsOf(`lease-${executionId}`);
    expect(lease.map(({ type }) => type)).toEqual(['lease_taken']);
  }
});

test('a dead node’s run is taken over within about a term, and goes on after its last recorded item', async () => {
  const bench = await nodes();
  const held = holdingAt(steps, 3);
  const a = await bench.start({ before: held.before });
  const b = await bench.start();
  const { executionId } = await a.ledger.service.start(request('stillepost', 'Ein Fluss'));
  await held.reached;
  await bench.elapse(30);
  expect(claimsOf(await bench.recordOf(executionId))).toHaveLength(1);
  a.die();
  await bench.elapse(10);
  expect(claimsOf(await bench.recordOf(executionId))).toHaveLength(1);
  await bench.elapse(15);
  await bench.until(async () => (await bench.recordOf(executionId)).is_terminal);
  const record = await bench.recordOf(executionId);
  expect(record).toMatchObject({ status: 'completed', findings: [] });
  expect(claimsOf(record).map(({ item_type }) => item_type)).toEqual(['run_claimed', 'run_recovered']);
  const iterations = record.items.filter(({ item_type }) => item_type === steps);
  expect(iterations.map(({ stage_iteration }) => stage_iteration)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(b.ledger.service.version).toBe(a.ledger.service.version);
});

describe('a run that another node has in hand', () => {
  /** Two nodes, and a run that the first has in hand, held up before its third iteration is recorded. */
  async function twoNodes() {
    const bench = await nodes();
    const held = holdingAt(steps, 3);
    const a = await bench.start({ before: held.before });
    const b = await bench.start();
    const { executionId } = await a.ledger.service.start(request('stillepost', 'Ein Fluss'));
    await held.reached;
    await bench.elapse(1);
    const isOver = async () => (await bench.recordOf(executionId)).is_terminal;
    return { bench, held, a, b, executionId, isOver };
  }

  test('is cancelled here: the wish is recorded, and who has it ends it', async () => {
    const { bench, held, b, executionId, isOver } = await twoNodes();
    const { record } = await b.ledger.service.cancel(executionId, 'enough');
    expect(record.status).toBe('cancelling');
    held.release();
    await bench.soon(isOver);
    const ended = await bench.recordOf(executionId);
    expect(ended).toMatchObject({ status: 'cancelled', findings: [] });
    expect(typesOf(ended).filter((type) => type === 'run_cancelled')).toHaveLength(1);
    expect(claimsOf(ended)).toHaveLength(1);
  });

  test('and is cancelled when that node is dead is ended by another, within about a term', async () => {
    const { bench, a, b, executionId, isOver } = await twoNodes();
    a.die();
    expect((await b.ledger.service.cancel(executionId, undefined)).record.status).toBe('cancelling');
    await bench.elapse(25);
    await bench.soon(isOver);
    expect(await bench.recordOf(executionId)).toMatchObject({ status: 'cancelled', findings: [] });
  });

  test('is paused here and resumed here: no further step begins in between', async () => {
    const { bench, held, b, executionId, isOver } = await twoNodes();
    expect((await b.ledger.service.pause(executionId, undefined)).record.status).toBe('paused');
    held.release();
    const lease = async () => (await bench.eventsOf(`lease-${executionId}`)).at(-1)?.type;
    await bench.soon(async () => (await lease()) === 'lease_released');
    const paused = await bench.recordOf(executionId);
    expect(typesOf(paused).filter((type) => type === steps)).toHaveLength(3);
    await bench.elapse(60);
    expect((await bench.recordOf(executionId)).version).toBe(paused.version);
    await b.ledger.service.resume(executionId, undefined);
    await bench.soon(isOver);
    expect(await bench.recordOf(executionId)).toMatchObject({ status: 'completed', findings: [] });
  });

  test('goes on at once elsewhere when its node is closed', async () => {
    const { bench, held, a, executionId, isOver } = await twoNodes();
    const closed = a.close();
    held.release();
    await closed;
    await bench.soon(isOver);
    const record = await bench.recordOf(executionId);
    expect(record).toMatchObject({ status: 'completed', findings: [] });
    expect(claimsOf(record)).toHaveLength(2);
  });

  test('ends there for whoever waits for it here', async () => {
    const bench = await nodes();
    const held = holdingAt('interception_final');
    const a = await bench.start({ settings: { RUNLEDGER_CONCURRENCY: '1' }, before: held.before });
    await a.ledger.service.start(request('dada', 'Ein Fluss'));
    await held.reached;
    // It waits behind the other one; b takes it after a term.
    const executed = a.ledger.service.execute(request('dada', 'Ein Baum'));
    await bench.start();
    await bench.elapse(30);
    const { record } = await executed;
    expect(record.status).toBe('completed');
    expect(claimsOf(record)).toHaveLength(1);
    held.release();
  });

  test('is not touched by a node that starts beside the living one', async () => {
    const { bench, held, executionId, isOver } = await twoNodes();
    await bench.start();
    await bench.elapse(40);
    expect(claimsOf(await bench.recordOf(executionId))).toHaveLength(1);
    held.release();
    await bench.soon(isOver);
    expect(claimsOf(await bench.recordOf(executionId))).toHaveLength(1);
  });
});

test('a worker that stood still for longer than the term adds nothing to a run that another has', async () => {
  const bench = await nodes();
  const held = holdingAt(steps, 3);
  const a = await bench.start({ before: held.before });
  await bench.start();
  const { executionId } = await a.ledger.service.start(request('stillepost', 'Ein Fluss'));
  await held.reached;
  await bench.elapse(1);
  a.freeze();
  const isOver = async () => (await bench.recordOf(executionId)).is_terminal;
  await bench.until(isOver);
  const before = await bench.recordOf(executionId);
  expect(before).toMatchObject({ status: 'completed', findings: [] });
  // Its append was on its way all the time.
  held.release();
  a.thaw();
  await bench.elapse(40);
  const after = await bench.recordOf(executionId);
  expect(after.items.slice(before.items.length).map(({ item_type }) => item_type)).not.toContain(
    'pipeline_error',
  );
  expect(after).toMatchObject({ status: 'completed', findings: [] });
  expect(claimsOf(after)).toHaveLength(2);
  const iterations = after.items.filter(({ item_type }) => item_type === steps);
  expect(iterations.map(({ stage_iteration }) => stage_iteration)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a refusal by what a node remembers of a run is decided anew: two nodes steer one run in turn', async () => {
  const bench = await nodes();
  const held = holdingAt('interception_final');
  const settings = { RUNLEDGER_CONCURRENCY: '1' };
  const [a, b] = [
    await bench.start({ settings, before: held.before }),
    await bench.start({ settings, before: held.before }),
  ];
  await a.ledger.service.start(request('dada', 'steht'));
  await held.reached;
  const { executionId } = await a.ledger.service.start(request('dada', 'Ein Baum'));
  await a.ledger.service.pause(executionId, undefined);
  await b.ledger.service.cancel(executionId, undefined);
  // What a remembers is a paused run, which could be resumed.
  const resumed = a.ledger.service.resume(executionId, undefined);
  await expect(resumed).rejects.toMatchObject({ params: { current_status: 'cancelled' } });
  const next = await a.ledger.service.start(request('dada', 'Ein Haus'));
  await a.ledger.service.pause(next.executionId, undefined);
  await b.ledger.service.resume(next.executionId, undefined);
  // What a remembers is a paused run, which cannot be paused.
  await bench.soon(async () => (await bench.recordOf(next.executionId)).is_terminal);
  const paused = a.ledger.service.pause(next.executionId, undefined);
  await expect(paused).rejects.toMatchObject({ params: { current_status: 'completed' } });
  held.release();
});
