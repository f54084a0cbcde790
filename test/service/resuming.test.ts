import { describe, expect, test } from 'vitest';
import { catalogued } from '../../src/events/catalogue.ts';
import type { ExecutionItem } from '../../src/events/item.ts';
import type { TextBackend } from '../../src/pipeline/backends/text-backend.ts';
import type { Ports } from '../../src/pipeline/plan.ts';
import { moment } from '../moment.ts';
import { harmless, portsWith } from '../pipeline/harness.ts';
import { runBench } from '../run-bench.ts';
import { dyingAt, executing, request } from './executing.ts';

/** What a reader sees of a run, whatever happened to the process that executed it. */
const journeyOf = (items: readonly ExecutionItem[]) =>
  items
    .filter((item) => ['journey', 'decision'].includes(catalogued(item.item_type)?.kind ?? ''))
    .map((item) => [item.item_type, item.stage_iteration, item.loop_iteration, item.content]);

const workflows = ['dada', 'stillepost', 'image_comparison', 'passthrough'];

/** A run that nothing disturbs, how often it appends and how often it asks a backend. */
async function undisturbed(workflow: string) {
  let appends = 0;
  const { ports, calls } = hangingAt(Infinity);
  const bench = runBench((store) => ({
    ...store,
    append: (...args) => {
      appends += 1;
      return store.append(...args);
    },
  }));
  const { record } = await executing({ bench, ports }).execute(request(workflow, harmless));
  return { journey: journeyOf(record.items), appends, calls: calls() };
}

/** Another process over the same log takes the run up; its record once it has ended. */
async function takenUp(bench: ReturnType<typeof runBench>, id: string) {
  const { control } = executing({ bench, recorder: bench.another(), name: 'worker-2' });
  control.add(id, 'recovered');
  await control.ended(id);
  return bench.recordOf(id);
}

describe.each(workflows)('a process that dies while it executes %s', (workflow) => {
  test.each(['before', 'after'] as const)(
    'at any append, %s it is stored: another takes the run up after the last recorded item, and repeats none',
    async (when) => {
      const expected = await undisturbed(workflow);
      // The first append is the start: before it is stored, there is no run.
      for (let at = when === 'before' ? 2 : 1; at <= expected.appends; at += 1) {
        const where = `${when} append ${at} of ${expected.appends}`;
        const bench = runBench();
        const { wrap, died } = dyingAt(at, when);
        const dying = executing({ bench, recorder: bench.another(wrap) });
        void dying.start(request(workflow, harmless));
        await died;
        const id = [...bench.store.streams.keys()][0]?.replace('run-', '') ?? '';
        const left = bench.recordOf(id);
        const record = await takenUp(bench, id);
        expect(record, where).toMatchObject({ status: 'completed', findings: [] });
        expect(journeyOf(record.items), where).toEqual(expected.journey);
        const count = (type: string) => record.items.filter((item) => item.item_type === type).length;
        expect(count('run_claimed'), where).toBe(1);
        const wasTaken = left.items.some((item) => item.item_type === 'run_claimed');
        expect(count('run_recovered'), where).toBe(wasTaken && !left.is_terminal ? 1 : 0);
      }
    },
  );

  test('in the middle of any call of a backend: the call is made again, and counted as another attempt', async () => {
    const calls = (await undisturbed(workflow)).calls;
    for (let at = 1; at <= calls; at += 1) {
      const bench = runBench();
      const { ports, died } = hangingAt(at);
      const dying = executing({ bench, ports });
      const { executionId } = await dying.start(request(workflow, harmless));
      await died;
      const record = await takenUp(bench, executionId);
      expect(record, `call ${at}`).toMatchObject({ status: 'completed', findings: [] });
      expect(journeyOf(record.items), `call ${at}`).toEqual((await undisturbed(workflow)).journey);
      const attempts = record.items
        .filter((item) => item.item_type === 'step_started')
        .map((item) => item.metadata['attempt']);
      expect(attempts.filter((attempt) => attempt === 2)).toHaveLength(1);
    }
  });
});

/** Backends whose n-th call never answers; `died` resolves when that call has come. */
function hangingAt(n: number) {
  let calls = 0;
  const died = moment();
  const counted = <T>(call: () => Promise<T>): Promise<T> => {
    calls += 1;
    if (calls !== n) return call();
    died.arrive();
    return new Promise(() => undefined);
  };
  const { text, mediaBackendOf } = portsWith();
  const hanging: TextBackend = { name: text.name, run: (...args) => counted(() => text.run(...args)) };
  const media: Ports['mediaBackendOf'] = (output) => {
    const backend = mediaBackendOf(output);
    return backend && { ...backend, generate: (...args) => counted(() => backend.generate(...args)) };
  };
  return { ports: { text: hanging, mediaBackendOf: media }, died: died.come, calls: () => calls };
}

test('a run that stops its process again and again without a step in between is ended at last', async () => {
  const bench = runBench();
  const first = hangingAt(1);
  const { executionId } = await executing({ bench, ports: first.ports }).start(request('dada', harmless));
  await first.died;
  let lives = 0;
  while (!bench.recordOf(executionId).is_terminal && lives < 20) {
    lives += 1;
    const { ports, died } = hangingAt(1);
    const { control } = executing({ bench, ports, recorder: bench.another(), name: `life-${lives}` });
    control.add(executionId, 'recovered');
    await Promise.race([died, control.ended(executionId)]);
  }
  const record = bench.recordOf(executionId);
  expect(record).toMatchObject({ status: 'failed', error: { type: 'RUN_STUCK' } });
  expect(lives).toBeLessThan(15);
});

test('a run whose policy is gone ends with RUN_UNRESUMABLE, and nothing is made up', async () => {
  const bench = runBench();
  const { ports, died } = hangingAt(1);
  const { executionId } = await executing({ bench, ports }).start(request('dada', harmless));
  await died;
  const { control } = executing({ bench, recorder: bench.another(), name: 'worker-2', hasPolicy: false });
  control.add(executionId, 'recovered');
  await control.ended(executionId);
  const record = bench.recordOf(executionId);
  expect(record).toMatchObject({ status: 'failed', error: { type: 'RUN_UNRESUMABLE' } });
  expect(record.items.at(-1)?.content).toContain('of the policy workshop is not there');
  expect(record.items.some((item) => item.item_type === 'interception_final')).toBe(false);
});

test('a worker whose run another has claimed adds nothing to it', async () => {
  const bench = runBench();
  const { ports, died } = hangingAt(1);
  const held = moment();
  const slow: TextBackend = {
    name: 'slow',
    run: async (...args) => {
      void ports.text.run(...args);
      await held.come;
      return portsWith().text.run(...args);
    },
  };
  const first = executing({ bench, ports: { text: slow } });
  const { executionId } = await first.start(request('dada', harmless));
  const firstEnd = first.control.ended(executionId);
  await died;
  const record = await takenUp(bench, executionId);
  const items = record.items.length;
  held.arrive();
  await firstEnd.catch(() => undefined);
  await first.control.finish(0);
  // A result that comes too late leaves its trace, nothing else.
  const late = bench.recordOf(executionId).items.slice(items);
  expect(late.map((item) => item.item_type)).toEqual(['late_result_discarded']);
});
