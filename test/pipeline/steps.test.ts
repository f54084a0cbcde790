import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { BackendError } from '../../src/pipeline/backends/backend-error.ts';
import type { TextBackend, TextResponse } from '../../src/pipeline/backends/text-backend.ts';
import { moment } from '../moment.ts';
import { harmless, itemOf, itemsOf, planOf, portsWith, type Ran, run, story } from './harness.ts';

const answer: TextResponse = {
  text: 'A flower',
  model: 'llama3.2:3b',
  backend: 'ollama',
  modelDigest: 'sha256:abc',
  executionSeconds: 2.5,
  method: 'llm',
  seed: 42,
  finishReason: 'stop',
  usage: { input_tokens: 12, output_tokens: 3 },
};

/** A backend that fails as told, call by call, and then answers. */
function failing(...failures: readonly unknown[]): TextBackend {
  let calls = 0;
  return {
    name: 'ollama',
    run: () => {
      const failure = failures[calls];
      calls += 1;
      return failure === undefined ? Promise.resolve(answer) : Promise.reject(failure);
    },
  };
}

const textOnly = (text: TextBackend): Promise<Ran> =>
  run(planOf('dada', 'A flower', { outputs: [] }), portsWith({ text }));

const busy = new BackendError(
  'BACKEND_BUSY',
  { backend: 'ollama', status: 503 },
  { status: 503, body: 'try again' },
);
const away = new BackendError('BACKEND_UNREACHABLE', { backend: 'ollama', what: 'ECONNREFUSED' });
const broken = new BackendError(
  'BACKEND_INTERRUPTED',
  { backend: 'ollama', what: 'the stream ended' },
  { partialText: 'A flo' },
);
const refused = new BackendError('BACKEND_REFUSED', { backend: 'ollama', what: 'HTTP 404' }, { status: 404 });
const late = new LedgerError('TIMEOUT', { what: 'the first byte', timeoutMs: 5 });

describe('a step', () => {
  test('says that it begins before its backend is asked, as which attempt and for which model', async () => {
    const ran = await textOnly(failing());
    expect(itemOf(ran, 'step_started')).toMatchObject({
      stage: 2,
      config_used: 'dada',
      metadata: { step_id: 'interception', attempt: 1, model_requested: 'gpt-oss:20b' },
    });
  });

  test.each([
    ['busy', busy],
    ['not reachable', away],
    ['breaks off in mid-answer', broken],
  ])('whose backend is %s is tried again, and the failed try is an item', async (_, failure) => {
    const waits: unknown[] = [];
    const ports = portsWith({
      text: failing(failure),
      backOff: async (tries, retryAfter) => void waits.push([tries, retryAfter]),
    });
    const ran = await run(planOf('dada', 'A flower', { outputs: [] }), ports);
    expect(ran.header.status).toBe('completed');
    expect(waits).toEqual([[1, undefined]]);
    expect(itemsOf(ran, 'step_started').map(({ metadata }) => metadata['attempt'])).toEqual([1, 2]);
    expect(itemOf(ran, 'attempt_failed')).toMatchObject({
      content: failure.message,
      metadata: { step_id: 'interception', attempt: 1, error_type: failure.code, will_retry: true },
    });
  });

  test('keeps what had been answered when the stream broke, and what the backend said, in the payload', async () => {
    const ran = await textOnly(failing(broken, busy));
    const [half, full] = itemsOf(ran, 'attempt_failed');
    expect(half?.metadata).toMatchObject({ content_started: true, partial_text: 'A flo' });
    expect(full?.metadata).toMatchObject({
      content_started: false,
      http_status: 503,
      error_body: 'try again',
    });
    expect(JSON.stringify(ran.events.map(({ core }) => core))).not.toMatch(/A flo|try again/);
  });

  test.each([
    ['refuses the request', refused],
    ['does not answer in time', late],
  ])('whose backend %s is not tried again: the run ends with its error', async (_, failure) => {
    const ran = await textOnly(failing(failure, undefined));
    expect(story(ran).at(-1)).toBe('pipeline_error');
    expect(itemOf(ran, 'attempt_failed').metadata['will_retry']).toBe(false);
    expect(ran.header).toMatchObject({ status: 'failed', error: { type: failure.code, stage: 2 } });
  });

  test('is tried three times at most', async () => {
    const ran = await textOnly(failing(busy, busy, busy, undefined));
    expect(itemsOf(ran, 'attempt_failed')).toHaveLength(3);
    expect(ran.header).toMatchObject({ status: 'failed', error: { type: 'BACKEND_BUSY' } });
  });

  test('whose model only thinks fails: its thoughts are kept, and are never the text', async () => {
    const thinking = { ...answer, text: '', metadata: { thinking: 'Flowers are …' }, finishReason: 'length' };
    const ran = await textOnly({ name: 'ollama', run: () => Promise.resolve(thinking) });
    expect(ran.header).toMatchObject({ status: 'failed', error: { type: 'BACKEND_FAILED' } });
    expect(itemOf(ran, 'attempt_failed').metadata['error_body']).toBe('Flowers are …');
  });
});

describe('usage', () => {
  test('is recorded raw with the result, tied to step, model and digest; what was not told is absent', async () => {
    const ran = await textOnly(failing());
    expect(itemOf(ran, 'usage_recorded')).toMatchObject({
      stage: 2,
      model_used: 'llama3.2:3b',
      backend_used: 'ollama',
      metadata: {
        step_id: 'interception',
        attempt: 1,
        model_digest: 'sha256:abc',
        input_tokens: 12,
        output_tokens: 3,
      },
    });
    expect(itemOf(ran, 'usage_recorded').metadata).not.toHaveProperty('reasoning_tokens');
  });

  test('is not invented: the built-in backend tells none', async () => {
    expect(itemsOf(await run(planOf('dada', harmless)), 'usage_recorded')).toEqual([]);
  });
});

describe('outputs', () => {
  const two = planOf('image_comparison', harmless);

  test('side by side each have a decision of their own, before anything is made', async () => {
    const plan = { ...two, workflow: { ...two.workflow, parameters: { concurrency: 2 } } };
    const { mediaBackendOf } = portsWith();
    const both = moment();
    let asked = 0;
    const ran = await run(
      plan,
      portsWith({
        mediaBackendOf: (output) => {
          const backend = mediaBackendOf(output);
          return (
            backend && {
              ...backend,
              generate: async (...args) => {
                asked += 1;
                // Neither is made before the other is asked for: one after the other would wait for ever.
                if (asked === 2) both.arrive();
                await both.come;
                return backend.generate(...args);
              },
            }
          );
        },
      }),
    );
    expect(ran.header).toMatchObject({ status: 'completed', outputs_generated: 2, findings: [] });
    expect(itemOf(ran, 'pipeline_complete').metadata).toMatchObject({ outputs_generated: 2 });
    for (const loop of [1, 2]) {
      const types = ran.items.filter((item) => item.loop_iteration === loop).map((item) => item.item_type);
      expect(types).toEqual(['stage3_safety_check', 'step_started', 'output_image']);
    }
  });

  test('that nothing here can make are skipped: an item says so, nothing is checked, the next goes on', async () => {
    const { mediaBackendOf } = portsWith();
    const ports = portsWith({
      mediaBackendOf: (output) => (output.backend === 'openrouter' ? undefined : mediaBackendOf(output)),
    });
    const ran = await run(two, ports);
    expect(story(ran).slice(-4)).toEqual([
      'stage3_safety_check',
      'output_image',
      'output_skipped',
      'pipeline_complete',
    ]);
    expect(itemOf(ran, 'output_skipped')).toMatchObject({
      loop_iteration: 2,
      config_used: 'gpt5_image',
      metadata: { reason: 'no_backend', backend_requested: 'openrouter' },
    });
    expect(ran.header).toMatchObject({ status: 'completed', outputs_generated: 1, findings: [] });
  });
});
