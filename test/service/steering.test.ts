import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { catalogued } from '../../src/events/catalogue.ts';
import type { MediaBackend } from '../../src/pipeline/backends/media-backend.ts';
import type { TextBackend } from '../../src/pipeline/backends/text-backend.ts';
import type { Ports } from '../../src/pipeline/plan.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { moment } from '../moment.ts';
import { answering, harmless, portsWith } from '../pipeline/harness.ts';
import { randomFrom } from '../recorded-runs.ts';
import { executing, request } from './executing.ts';

/** Backends that stop at their n-th call until the test lets go; they obey the signal, or do not. */
function holdingAt(n: number, obeys = true) {
  let calls = 0;
  const reached = moment();
  const release = moment();
  const { text, mediaBackendOf } = portsWith();
  const held = async <T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    calls += 1;
    if (calls === n) {
      reached.arrive();
      const aborted = new Promise<never>((_, reject) => {
        if (obeys) signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      await Promise.race([release.come, aborted]);
    }
    return call();
  };
  // A backend that does not obey does not look at the signal either.
  const given = (signal: AbortSignal) => (obeys ? signal : new AbortController().signal);
  const slowText: TextBackend = {
    name: text.name,
    run: (asked, signal) => held(signal, () => text.run(asked, given(signal))),
  };
  const slowMedia: Ports['mediaBackendOf'] = (output) => {
    const backend = mediaBackendOf(output);
    return (
      backend && {
        ...backend,
        generate: (asked, signal) => held(signal, () => backend.generate(asked, given(signal))),
      }
    );
  };
  return {
    ports: { text: slowText, mediaBackendOf: slowMedia },
    reached: reached.come,
    release: release.arrive,
  };
}

const typesOf = ({ items }: ExecutionRecord): string[] => items.map((item) => item.item_type);
const codeOf = (error: unknown): string => (error instanceof LedgerError ? error.code : String(error));

/** The stages of a two-output run, by the call of a backend that a cancel meets. */
const calls = [
  { stage: 1, call: 1, step: 'translation' },
  { stage: 2, call: 2, step: 'interception' },
  { stage: 4, call: 3, step: 'output-1' },
  { stage: 4, call: 4, step: 'output-2' },
];

describe('a cancel', () => {
  test.each(calls)(
    'in stage $stage ($step) aborts the backend call and ends the run',
    async ({ call, step }) => {
      const { ports, reached } = holdingAt(call);
      const { bench, control, start } = executing({ ports });
      const { executionId } = await start(request('image_comparison', harmless));
      const ended = control.ended(executionId);
      await reached;
      const { record } = await control.cancel(executionId, 'the lesson is over');
      expect(record.status).toBe('cancelling');
      await ended;
      const after = bench.recordOf(executionId);
      expect(after).toMatchObject({ status: 'cancelled', cancelled_at: expect.any(String), findings: [] });
      expect(
        after.items
          .slice(-3)
          .map(({ item_type, content, metadata }) => [item_type, content, metadata['step_id']]),
      ).toEqual([
        ['step_started', null, step],
        ['cancel_requested', 'the lesson is over', undefined],
        ['run_cancelled', null, undefined],
      ]);
      expect(bench.eventsOf(executionId).at(-2)?.core.actor).toEqual({ kind: 'client', id: 'http' });
    },
  );

  test.each([
    { stage: 1, input: 'Überall Blut an der Wand', last: 'run_claimed' },
    { stage: 3, input: harmless, last: 'interception_final' },
  ])('in stage $stage aborts the check, decides nothing, and ends the run', async ({ input, last }) => {
    const reached = moment();
    const contextCheck: Ports['contextCheck'] = {
      model: 'guard',
      check: (_, signal) =>
        new Promise((__, reject) => {
          reached.arrive();
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
    };
    const { bench, control, start } = executing({
      ports: { contextCheck, text: answering('blood on the wall') },
    });
    const { executionId } = await start(request('passthrough', input));
    const ended = control.ended(executionId);
    await reached.come;
    await control.cancel(executionId, undefined);
    await ended;
    const record = bench.recordOf(executionId);
    expect(record).toMatchObject({ status: 'cancelled', findings: [] });
    expect(typesOf(record).slice(-3)).toEqual([last, 'cancel_requested', 'run_cancelled']);
  });

  test('whose backend does not listen discards the late result, and says that it came', async () => {
    const { ports, reached, release } = holdingAt(3, false);
    const { bench, control, start } = executing({ ports });
    const { executionId } = await start(request('dada', harmless));
    const ended = control.ended(executionId);
    await reached;
    await control.cancel(executionId, undefined);
    release();
    await ended;
    const record = bench.recordOf(executionId);
    expect(typesOf(record).slice(-3)).toEqual(['cancel_requested', 'late_result_discarded', 'run_cancelled']);
    expect(record.items.at(-2)).toMatchObject({
      stage: 4,
      loop_iteration: 1,
      config_used: 'sd35_large',
      model_used: 'builtin/forms',
      backend_used: 'builtin',
      content: null,
      metadata: { discarded_type: 'output_image', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(record).toMatchObject({ status: 'cancelled', outputs_generated: 0, findings: [] });
  });

  test('of a run that waits in the queue ends it at once, and nobody takes it', async () => {
    const { ports, reached, release } = holdingAt(1);
    const { bench, control, start } = executing({ ports, concurrency: 1 });
    const first = await start(request('dada', harmless));
    await reached;
    const waiting = await start(request('dada', 'Ein Haus'));
    const { record } = await control.cancel(waiting.executionId, undefined);
    expect(record.status).toBe('cancelled');
    release();
    await control.ended(first.executionId);
    expect(typesOf(bench.recordOf(waiting.executionId))).toEqual([
      'pipeline_start',
      'user_input_text',
      'cancel_requested',
      'run_cancelled',
    ]);
  });

  test('twice is one; of a run that has ended it is RUN_STATUS and says how it ended', async () => {
    const { control, execute, start } = executing({ ports: { text: portsWith().text }, concurrency: 1 });
    const done = await execute(request('passthrough', harmless));
    const refused = await control
      .cancel(done.record.execution_id, undefined)
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'RUN_STATUS', params: { current_status: 'completed' } });
    const { executionId } = await start(request('dada', harmless));
    await control.pause(executionId, undefined);
    await control.idle();
    await control.cancel(executionId, 'one');
    const again = await control.cancel(executionId, 'two');
    expect(again).toMatchObject({ position: null, record: { status: 'cancelled' } });
  });

  test('stays: no completion of the work, no pause and no resume undoes it', async () => {
    const { ports, reached } = holdingAt(2);
    const { bench, control, start } = executing({ ports });
    const { executionId } = await start(request('dada', harmless));
    const ended = control.ended(executionId);
    await reached;
    await control.cancel(executionId, undefined);
    expect(codeOf(await control.pause(executionId, undefined).catch((error: unknown) => error))).toBe(
      'RUN_STATUS',
    );
    expect(codeOf(await control.resume(executionId, undefined).catch((error: unknown) => error))).toBe(
      'RUN_STATUS',
    );
    await ended;
    expect(bench.recordOf(executionId).status).toBe('cancelled');
  });

  test('of a run that is only recorded here is RUN_ELSEWHERE, of an unknown one EXECUTION_NOT_FOUND', async () => {
    const { bench, control } = executing();
    const items = [{ draft: { item_type: 'pipeline_start' } }];
    await bench.recorder.record({ executionId: 'elsewhere', by: 'foreign', run: 'new', items });
    for (const steer of [control.cancel, control.pause, control.resume]) {
      expect(codeOf(await steer('elsewhere', undefined).catch((error: unknown) => error))).toBe(
        'RUN_ELSEWHERE',
      );
      expect(codeOf(await steer('nobody', undefined).catch((error: unknown) => error))).toBe(
        'EXECUTION_NOT_FOUND',
      );
    }
  });
});

describe('a pause', () => {
  test('lets the step that is under way be finished and recorded, and no other begin, until it is resumed', async () => {
    const { ports, reached, release } = holdingAt(2);
    const { bench, control, start } = executing({ ports });
    const { executionId } = await start(request('dada', harmless));
    const ended = control.ended(executionId);
    await reached;
    expect((await control.pause(executionId, 'lunch')).record.status).toBe('paused');
    release();
    await control.idle();
    expect(typesOf(bench.recordOf(executionId)).slice(-3)).toEqual([
      'step_started',
      'run_paused',
      'interception_final',
    ]);
    expect((await control.resume(executionId, 'back')).record.status).toBe('running');
    await ended;
    const record = bench.recordOf(executionId);
    expect(record).toMatchObject({ status: 'completed', findings: [] });
    expect(typesOf(record).filter((type) => type === 'interception_final')).toHaveLength(1);
    expect(record.items.find(({ item_type }) => item_type === 'pipeline_complete')?.metadata).toMatchObject({
      total_items_logged: record.items.length,
    });
  });

  test('that is lifted while the step is still under way stops nothing', async () => {
    const { ports, reached, release } = holdingAt(2);
    const { bench, control, start } = executing({ ports });
    const { executionId } = await start(request('dada', harmless));
    const ended = control.ended(executionId);
    await reached;
    await control.pause(executionId, undefined);
    await control.resume(executionId, undefined);
    release();
    await ended;
    expect(bench.recordOf(executionId)).toMatchObject({ status: 'completed', findings: [] });
  });

  test('of a waiting run keeps it out of the queue, and a resume puts it back', async () => {
    const { ports, reached, release } = holdingAt(1);
    const { bench, control, start } = executing({ ports, concurrency: 1 });
    const first = await start(request('dada', harmless));
    const firstEnd = control.ended(first.executionId);
    await reached;
    const { executionId } = await start(request('dada', 'Ein Haus'));
    await control.pause(executionId, undefined);
    release();
    await firstEnd;
    expect(bench.recordOf(executionId)).toMatchObject({ status: 'paused' });
    const ended = control.ended(executionId);
    expect((await control.resume(executionId, undefined)).record.status).toBe('pending');
    await ended;
    expect(bench.recordOf(executionId)).toMatchObject({ status: 'completed', findings: [] });
  });

  test('outlives the process: a paused run is not taken up until somebody resumes it', async () => {
    const { ports, reached, release } = holdingAt(2);
    const { bench, control, start } = executing({ ports });
    const { executionId } = await start(request('dada', harmless));
    await reached;
    await control.pause(executionId, undefined);
    release();
    await control.idle();
    const next = executing({ bench, recorder: bench.another(), name: 'worker-2' });
    next.control.add(executionId, 'recovered');
    await next.control.idle();
    expect(bench.recordOf(executionId).status).toBe('paused');
    const ended = next.control.ended(executionId);
    await next.control.resume(executionId, undefined);
    await ended;
    expect(bench.recordOf(executionId)).toMatchObject({ status: 'completed', findings: [] });
  });
});

/** Backends that take some turns of the event loop, as the dice say, and sometimes do not look at the signal. */
function wavering(random: () => number): Partial<Ports> {
  const { text, mediaBackendOf } = portsWith();
  const waver = async <T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    for (let left = Math.floor(random() * 4); left > 0; left -= 1) await turn();
    return call(random() < 0.3 ? new AbortController().signal : signal);
  };
  const picture: MediaBackend = {
    name: 'dots',
    generate: (asked, signal) =>
      waver(signal, (heard) => {
        heard.throwIfAborted();
        const body = { bytes: Buffer.from(`picture of ${asked.prompt}`) };
        return Promise.resolve({
          media: [{ body, metadata: {} }],
          model: 'dots',
          backend: 'dots',
          executionSeconds: 0,
          seed: 1,
        });
      }),
  };
  return {
    text: { name: text.name, run: (asked, signal) => waver(signal, (heard) => text.run(asked, heard)) },
    mediaBackendOf: (output) => (mediaBackendOf(output) === undefined ? undefined : picture),
  };
}

test('1,000 cancels at any moment, the last one too: status and items agree, and nothing comes after', async () => {
  const random = randomFrom(2026);
  const outcomes: Record<string, number> = {};
  for (let round = 0; round < 1_000; round += 1) {
    const { bench, control, start } = executing({ ports: wavering(random), concurrency: 2 });
    const workflow = round % 2 === 0 ? 'image_comparison' : 'dada';
    const { executionId } = await start(request(workflow, harmless));
    const ended = control.ended(executionId);
    for (let left = Math.floor(random() * 12); left > 0; left -= 1) await turn();
    const answer = await control.cancel(executionId, undefined).catch((error: unknown) => error);
    await ended;
    await control.idle();
    const record = bench.recordOf(executionId);
    const types = typesOf(record);
    const wish = types.indexOf('cancel_requested');
    if (record.status === 'cancelled') {
      const later = record.items.slice(wish + 1);
      expect(later.filter(({ item_type }) => catalogued(item_type)?.kind === 'journey')).toEqual([]);
      expect(types.filter((type) => type === 'run_cancelled')).toHaveLength(1);
      expect(types).not.toContain('pipeline_complete');
      expect(answer).toMatchObject({ record: { execution_id: executionId } });
    } else {
      expect(record.status).toBe('completed');
      expect(wish).toBe(-1);
      expect(answer).toMatchObject({ code: 'RUN_STATUS', params: { current_status: 'completed' } });
    }
    expect(record.findings).toEqual([]);
    outcomes[record.status] = (outcomes[record.status] ?? 0) + 1;
  }
  // Both must have come up often, or the moments were badly chosen.
  expect(outcomes['cancelled']).toBeGreaterThan(300);
  expect(outcomes['completed']).toBeGreaterThan(200);
});
