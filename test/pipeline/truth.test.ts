import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openMediaStore } from '../../src/media/media-store.ts';
import { builtinText } from '../../src/pipeline/backends/builtin/builtin-text.ts';
import type { TextBackend } from '../../src/pipeline/backends/text-backend.ts';
import { orchestrate } from '../../src/pipeline/orchestrate.ts';
import { statusOf } from '../../src/run/lifecycle.ts';
import { commitText, harmless, itemOf, planOf, portsWith, run, tickingClock } from './harness.ts';

describe('translation', () => {
  test.each([
    ['a text in the pipeline language', 'The cat is on the roof', 'The cat is on the roof', 'en'],
    ['#notranslate# before the text', '#notranslate# Eine Katze', 'Eine Katze', 'de'],
    ['#NoTranslate# after it', 'Eine  Katze auf dem Dach #NoTranslate#', 'Eine  Katze auf dem Dach', 'de'],
  ])('%s: the item still stands, method none, the text unchanged', async (_name, input, text, language) => {
    const ran = await run(planOf('passthrough', input));
    expect(itemOf(ran, 'user_input_text').content).toBe(input);
    expect(itemOf(ran, 'translation_result')).toMatchObject({
      content: text,
      model_used: null,
      backend_used: null,
      execution_time: null,
      metadata: { method: 'none', from_lang: language, to_lang: language },
    });
  });

  test('a word that the marker was to hide is found', async () => {
    const ran = await run(planOf('passthrough', 'b l #notranslate# o o d'));
    expect(statusOf(ran.record.life)).toBe('blocked');
  });

  test('German becomes English by the dictionary, and says so', async () => {
    const ran = await run(planOf('passthrough', harmless));
    expect(itemOf(ran, 'translation_result')).toMatchObject({
      content: '[builtin en] a flower on the meadow',
      model_used: 'builtin/dictionary',
      backend_used: 'builtin',
      metadata: { from_lang: 'de', to_lang: 'en', method: 'dictionary' },
    });
  });
});

describe('what every item is true to', () => {
  test('model, backend, seed and time come from the response, not from the request', async () => {
    const told: TextBackend = {
      name: 'asked',
      run: ({ task }) =>
        Promise.resolve({
          text: `Said ${task.kind === 'ask' ? '' : task.text}`,
          model: 'really/this:one',
          backend: 'elsewhere',
          executionSeconds: 7.25,
          method: 'llm',
          seed: 99,
          modelDigest: 'sha256:abc',
        }),
    };
    const ran = await run(planOf('dada', harmless), portsWith({ text: told }));
    for (const type of ['translation_result', 'interception_final'] as const) {
      expect(itemOf(ran, type)).toMatchObject({
        model_used: 'really/this:one',
        backend_used: 'elsewhere',
        execution_time: 7.25,
        metadata: { seed: 99, model_digest: 'sha256:abc', request: { model: 'gpt-oss:20b', seed: 42 } },
      });
    }
  });

  test('the checked text is the one that the output is made from, by its commitment', async () => {
    const ran = await run(planOf('dada', harmless));
    const final = itemOf(ran, 'interception_final').content ?? '';
    expect(itemOf(ran, 'stage3_safety_check').metadata).toMatchObject({
      checked: { commitment: commitText(final), role: 'interception', lang: 'en' },
      generated_from: commitText(final),
      same_as_checked: true,
    });
    expect(itemOf(ran, 'output_image').metadata['request']).toMatchObject({ prompt: final });
    expect(itemOf(ran, 'stage1_safety_check').metadata).toMatchObject({
      checked: { commitment: commitText(harmless), role: 'user_input', lang: 'de', chars: harmless.length },
    });
  });

  test('a run is the same items again for the same plan, and others for another seed', async () => {
    const texts = async (seed: number): Promise<unknown> =>
      (await run(planOf('stillepost', 'The red flower and the moon over the sea', { seed }))).items.map(
        ({ content, file_path }) => [content, file_path],
      );
    expect(await texts(1)).toEqual(await texts(1));
    expect(await texts(1)).not.toEqual(await texts(2));
  });
});

describe('the end of a call', () => {
  test('an abort stops the work and records nothing more: no error item, no completion', async () => {
    const controller = new AbortController();
    const builtin = builtinText(tickingClock());
    const emitted: string[] = [];
    let calls = 0;
    const text: TextBackend = {
      name: 'slow',
      run(request, signal) {
        calls += 1;
        if (calls < 4) return builtin.run(request, signal);
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('socket closed')));
          controller.abort(new Error('cancelled by a person'));
        });
      },
    };
    const call = orchestrate(
      planOf('stillepost', harmless),
      portsWith({ text }),
      (...items) => {
        emitted.push(...items.map((item) => item.item_type));
        return Promise.resolve();
      },
      controller.signal,
    );
    await expect(call).rejects.toThrow('cancelled by a person');
    expect(emitted).toEqual([
      'stage1_safety_check',
      'step_started',
      'translation_result',
      'step_started',
      'interception_iteration',
      'step_started',
      'interception_iteration',
      'step_started',
    ]);
  });

  test('an item that cannot be recorded stops the run, and is no failure of the run', async () => {
    const emitted: string[] = [];
    const call = orchestrate(
      planOf('dada', harmless),
      portsWith(),
      (...items) => {
        const types = items.map((item) => item.item_type);
        if (types.includes('interception_final')) return Promise.reject(new Error('disk is full'));
        emitted.push(...types);
        return Promise.resolve();
      },
      new AbortController().signal,
    );
    await expect(call).rejects.toThrow('disk is full');
    expect(emitted).toEqual(['stage1_safety_check', 'step_started', 'translation_result', 'step_started']);
  });

  test('a medium is in the store before the item that names it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pipeline-'));
    const media = await openMediaStore({ directory, node: 'node-a' });
    const held: boolean[] = [];
    await orchestrate(
      planOf('image_comparison', harmless),
      portsWith({ media }),
      async (...items) => {
        for (const { file_path } of items)
          if (file_path) held.push(await media.has(file_path.replace('/api/media/', '')));
      },
      new AbortController().signal,
    );
    await rm(directory, { recursive: true });
    expect(held).toEqual([true, true]);
  });

  test('each item is durable before the next step begins', async () => {
    const order: string[] = [];
    const builtin = builtinText(tickingClock());
    const text: TextBackend = {
      name: 'watched',
      run(request, signal) {
        order.push('backend');
        return builtin.run(request, signal);
      },
    };
    await orchestrate(
      planOf('dada', harmless, { outputs: [] }),
      portsWith({ text }),
      async (...items) => {
        await Promise.resolve();
        order.push(...items.map((item) => item.item_type));
      },
      new AbortController().signal,
    );
    expect(order).toEqual([
      'stage1_safety_check',
      'step_started',
      'backend',
      'translation_result',
      'step_started',
      'backend',
      'interception_final',
      'pipeline_complete',
    ]);
  });
});
