import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { builtinText } from '../../src/pipeline/backends/builtin/builtin-text.ts';
import { builtinMedia } from '../../src/pipeline/backends/builtin/builtin-media.ts';
import type { TextBackend } from '../../src/pipeline/backends/text-backend.ts';
import { statusOf } from '../../src/run/lifecycle.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import {
  answering,
  downChecker,
  harmless,
  image,
  itemOf,
  itemsOf,
  opening,
  planOf,
  portsWith,
  run,
  story,
  tickingClock,
} from './harness.ts';

describe('the paths of the pipeline', () => {
  test('text only: start, input, stage1 check, translation, interception_final, complete', async () => {
    const ran = await run(planOf('dada', harmless, { outputs: [] }));
    expect(story(ran)).toEqual([...opening, 'interception_final', 'pipeline_complete']);
    expect(itemOf(ran, 'pipeline_complete').metadata).toMatchObject({
      stages_completed: [1, 2],
      outputs_generated: 0,
    });
    expect(ran.header).toMatchObject({
      status: 'completed',
      findings: [],
      used_seed: 42,
      workflow_id: 'dada',
    });
  });

  test('one image: … interception_final, stage3 check, output_image, complete', async () => {
    const ran = await run(planOf('dada', harmless));
    expect(story(ran)).toEqual([...opening, 'interception_final', ...image, 'pipeline_complete']);
    expect(ran.header).toMatchObject({ status: 'completed', outputs_generated: 1, findings: [] });
    const output = itemOf(ran, 'output_image');
    expect(output).toMatchObject({
      stage: 4,
      loop_iteration: 1,
      media_type: 'image',
      config_used: 'sd35_large',
      model_used: 'builtin/forms',
      backend_used: 'builtin',
      metadata: { width: 512, height: 512, format: 'png', seed: 42, mime: 'image/png' },
    });
    expect(output.file_path).toBe(`/api/media/${String(output.metadata['sha256'])}`);
    expect(output.metadata['request']).toMatchObject({
      model: 'sd3.5_large',
      seed: 42,
      parameters: { steps: 25 },
    });
  });

  test('two outputs: … [stage3 check (loop 1), output (1)], [stage3 check (2), output (2)], complete', async () => {
    const ran = await run(planOf('image_comparison', harmless));
    expect(story(ran)).toEqual([...opening, 'interception_final', ...image, ...image, 'pipeline_complete']);
    const looped = ran.items.filter(
      (item) => item.loop_iteration !== null && item.item_type !== 'step_started',
    );
    expect(looped.map((item) => [item.item_type, item.loop_iteration, item.config_used])).toEqual([
      ['stage3_safety_check', 1, 'sd35_large'],
      ['output_image', 1, 'sd35_large'],
      ['stage3_safety_check', 2, 'gpt5_image'],
      ['output_image', 2, 'gpt5_image'],
    ]);
    expect(ran.header).toMatchObject({ status: 'completed', outputs_generated: 2, findings: [] });
  });

  test('telephone game (stillepost): … 8 × interception_iteration (1..8), interception_final, …', async () => {
    const ran = await run(planOf('stillepost', harmless));
    const steps = Array.from({ length: 8 }, () => 'interception_iteration');
    expect(story(ran)).toEqual([...opening, ...steps, 'interception_final', ...image, 'pipeline_complete']);
    const iterations = itemsOf(ran, 'interception_iteration');
    expect(iterations.map((item) => item.stage_iteration)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    let before = 'en';
    let text = itemOf(ran, 'translation_result').content ?? '';
    for (const item of iterations) {
      expect((item.metadata['request'] as { prompt: string }).prompt.endsWith(`\n\n${text}`)).toBe(true);
      text = item.content ?? '';
      expect(item.metadata['from_lang']).toBe(before);
      expect(item.metadata['to_lang']).not.toBe(before);
      expect(item.content).toMatch(new RegExp(`^\\[builtin ${String(item.metadata['to_lang'])}\\] `));
      expect(item).toMatchObject({ model_used: 'builtin/dictionary', backend_used: 'builtin' });
      expect(item.execution_time).toBeGreaterThan(0);
      before = String(item.metadata['to_lang']);
    }
    expect(before).toBe('en');
    const final = itemOf(ran, 'interception_final');
    expect(final.metadata).toMatchObject({
      total_iterations: 8,
      transformation_type: 'stillepost',
      language_seed: 42,
    });
    expect(final.content).toBe(iterations.at(-1)?.content);
    expect(ran.header).toMatchObject({ status: 'completed', findings: [] });
  });

  test('stage-1 block: start, input, stage1 check (unsafe), stage1_blocked – and nothing more; status blocked', async () => {
    const ran = await run(planOf('dada', 'Überall Blut an der Wand'));
    expect(story(ran)).toEqual([...opening.slice(0, 3), 'stage1_blocked']);
    expect(itemOf(ran, 'stage1_safety_check').metadata).toMatchObject({
      verdict: 'unsafe',
      safe: false,
      method: 'llm_context_check',
      found_terms: ['blut'],
    });
    const blocked = itemOf(ran, 'stage1_blocked');
    expect(blocked.metadata).toMatchObject({
      blocked_reason: 'age_inappropriate',
      blocked_codes: ['violence'],
      blocked_term: 'blut',
    });
    expect(blocked.content).toContain('„blut“');
    expect(blocked.content).toContain(bundledPolicy.messages['violence']?.de);
    expect(ran.header).toMatchObject({ status: 'blocked', outputs_generated: 0, findings: [] });
  });

  test('a hit in the law list blocks at once for kids: no model is asked', async () => {
    const ran = await run(
      planOf('dada', 'a h4kenkreuz in the museum'),
      portsWith({ contextCheck: downChecker }),
    );
    expect(story(ran)).toEqual([...opening.slice(0, 3), 'stage1_blocked']);
    const check = itemOf(ran, 'stage1_safety_check');
    expect(check).toMatchObject({
      model_used: null,
      backend_used: null,
      metadata: { method: 'fast_filter', verdict: 'unsafe' },
    });
    expect(itemOf(ran, 'stage1_blocked').metadata['blocked_reason']).toBe('§86a_violation');
  });

  test('the same hit is reviewed for adults, with the exemptions of §86(4)', async () => {
    const teaching = await run(
      planOf('passthrough', 'A swastika in a museum about history', { safetyLevel: 'adult' }),
    );
    expect(statusOf(teaching.record.life)).toBe('completed');
    expect(itemOf(teaching, 'stage1_safety_check').metadata).toMatchObject({
      verdict: 'safe',
      method: 'llm_context_check',
      findings: [],
      ignored_findings: [{ list: 'law-86a', category: 'law_86a', rule: 'review', count: 1 }],
    });
    const showing = await run(planOf('passthrough', 'A big swastika on the door', { safetyLevel: 'adult' }));
    expect(statusOf(showing.record.life)).toBe('blocked');
  });

  test('stage-2 error: start, input, stage1 check, translation, the iterations that worked, pipeline_error; status failed', async () => {
    const builtin = builtinText(tickingClock());
    let calls = 0;
    const failing: TextBackend = {
      name: 'failing',
      run(request, signal) {
        calls += 1;
        if (calls < 5) return builtin.run(request, signal);
        const error = new Error('model gpt-oss:20b not found');
        error.name = 'ModelNotAvailableError';
        return Promise.reject(error);
      },
    };
    const ran = await run(planOf('stillepost', harmless), portsWith({ text: failing }));
    const worked = Array.from({ length: 3 }, () => 'interception_iteration');
    expect(story(ran)).toEqual([...opening, ...worked, 'pipeline_error']);
    expect(itemOf(ran, 'pipeline_error')).toMatchObject({
      stage: 2,
      content: 'model gpt-oss:20b not found',
      metadata: {
        error_type: 'ModelNotAvailableError',
        error_stage: 2,
        error_message: 'model gpt-oss:20b not found',
        recoverable: false,
      },
    });
    expect(ran.header).toMatchObject({
      status: 'failed',
      error: { type: 'ModelNotAvailableError', stage: 2, message: 'model gpt-oss:20b not found' },
    });
  });

  test('a translation that fails ends the run in stage 1', async () => {
    const failing: TextBackend = {
      name: 'failing',
      run: () => Promise.reject(new LedgerError('TIMEOUT', { what: 'The model', timeoutMs: 5 })),
    };
    const ran = await run(planOf('dada', harmless), portsWith({ text: failing }));
    expect(story(ran)).toEqual([...opening.slice(0, 3), 'pipeline_error']);
    expect(itemOf(ran, 'pipeline_error')).toMatchObject({
      stage: 1,
      metadata: { error_type: 'TIMEOUT', recoverable: true },
    });
  });

  test('stage-3 block: … stage3 check (unsafe), stage3_blocked, then the next output goes on; status completed', async () => {
    const ran = await run(
      planOf('image_comparison', harmless),
      portsWith({ text: answering('A creature of leaves breathes in the wood') }),
    );
    const refused = ['stage3_safety_check', 'stage3_blocked'];
    expect(story(ran)).toEqual([
      ...opening,
      'interception_final',
      ...refused,
      ...refused,
      'pipeline_complete',
    ]);
    expect(
      itemsOf(ran, 'stage3_blocked').map((item) => [item.loop_iteration, item.metadata['blocked_terms']]),
    ).toEqual([
      [1, ['creature']],
      [2, ['creature']],
    ]);
    expect(itemOf(ran, 'pipeline_complete').metadata).toMatchObject({
      outputs_generated: 0,
      stages_completed: [1, 2, 3],
    });
    expect(ran.header).toMatchObject({
      status: 'completed',
      outputs_blocked: 2,
      outputs_generated: 0,
      findings: [],
    });
  });

  test('a stage-3 block of one output alone does not keep the next from being made', async () => {
    let asked = 0;
    const rules = portsWith().contextCheck;
    const onceUnsafe = {
      model: rules.model,
      check: async (...call: Parameters<typeof rules.check>) => {
        asked += 1;
        const answer = await rules.check(...call);
        return asked === 1 ? answer : { ...answer, verdict: 'safe' as const, native: 'safe', raw: 'safe' };
      },
    };
    const ran = await run(
      planOf('image_comparison', harmless),
      portsWith({ text: answering('A creature of leaves'), contextCheck: onceUnsafe }),
    );
    expect(story(ran).slice(5)).toEqual([
      'stage3_safety_check',
      'stage3_blocked',
      ...image,
      'pipeline_complete',
    ]);
    expect(ran.header).toMatchObject({
      status: 'completed',
      outputs_blocked: 1,
      outputs_generated: 1,
      findings: [],
    });
  });

  test('stage-4 failure: … stage3 check, output_failed, next output goes on', async () => {
    const good = builtinMedia(tickingClock());
    const ran = await run(
      planOf('image_comparison', harmless),
      portsWith({
        mediaBackendOf: ({ config }) =>
          config === 'sd35_large'
            ? {
                name: 'comfyui',
                generate: () =>
                  Promise.reject(new LedgerError('UNAVAILABLE', { what: 'ComfyUI', cure: 'start it' })),
              }
            : good,
      }),
    );
    expect(story(ran).slice(5)).toEqual([
      'stage3_safety_check',
      'output_failed',
      ...image,
      'pipeline_complete',
    ]);
    expect(itemOf(ran, 'output_failed')).toMatchObject({
      stage: 4,
      loop_iteration: 1,
      config_used: 'sd35_large',
      model_used: null,
      metadata: { error_type: 'UNAVAILABLE' },
    });
    expect(ran.header).toMatchObject({
      status: 'completed',
      outputs_failed: 1,
      outputs_generated: 1,
      findings: [],
    });
  });

  test.each([
    ['nothing', []],
    ['a text for an image', [{ body: { text: 'no' }, metadata: {} }]],
    [
      'metadata that no item could hold',
      [{ body: { bytes: new Uint8Array(3) }, metadata: { steps: Number.NaN } }],
    ],
  ])('a backend that gives %s fails its output only', async (_name, media) => {
    const generate = () =>
      Promise.resolve({ media, model: 'm', backend: 'b', executionSeconds: 1, seed: null });
    const ran = await run(
      planOf('dada', harmless),
      portsWith({ mediaBackendOf: () => ({ name: 'odd', generate }) }),
    );
    expect(itemOf(ran, 'output_failed').metadata['error_type']).toBe('OUTPUT_UNEXPECTED');
    expect(ran.header).toMatchObject({ status: 'completed', outputs_failed: 1 });
  });

  test('bytes that are no image are stored, but not delivered as one', async () => {
    const sink = {
      put: () =>
        Promise.resolve({ sha256: 'a'.repeat(64), mediaType: 'application/octet-stream', sizeBytes: 3 }),
    };
    const ran = await run(planOf('dada', harmless), portsWith({ media: sink }));
    expect(itemOf(ran, 'output_failed').metadata['error_type']).toBe('OUTPUT_UNEXPECTED');
  });

  test('several media of one config share loop_iteration and count in batch_index', async () => {
    const one = await builtinMedia(tickingClock()).generate(
      { config: 'c', mediaType: 'image', prompt: 'x', model: null, seed: 1, parameters: {} },
      new AbortController().signal,
    );
    const generate = () => Promise.resolve({ ...one, media: [...one.media, ...one.media] });
    const ran = await run(
      planOf('dada', harmless),
      portsWith({ mediaBackendOf: () => ({ name: 'b', generate }) }),
    );
    const outputs = itemsOf(ran, 'output_image');
    expect(outputs.map((item) => [item.loop_iteration, item.metadata['batch_index']])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(ran.header).toMatchObject({ outputs_generated: 2, findings: [] });
  });
});
