import { describe, expect, test } from 'vitest';
import { decisionRecord } from '../../src/events/decision.ts';
import { LedgerError } from '../../src/errors.ts';
import { builtinText } from '../../src/pipeline/backends/builtin/builtin-text.ts';
import { builtinMedia } from '../../src/pipeline/backends/builtin/builtin-media.ts';
import type { TextBackend } from '../../src/pipeline/backends/text-backend.ts';
import { orchestrate } from '../../src/pipeline/orchestrate.ts';
import { statusOf } from '../../src/run/lifecycle.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { activatePolicy } from '../../src/safety/policy.ts';
import { commitText, itemOf, itemsOf, planOf, portsWith, run, story, tickingClock } from './harness.ts';

const harmless = 'Eine Blume auf der Wiese';
const opening = ['pipeline_start', 'user_input_text', 'stage1_safety_check', 'translation_result'];
const image = ['stage3_safety_check', 'output_image'];
const downChecker = {
  model: 'ollama/llama-guard3:1b',
  check: () => Promise.reject(new LedgerError('UNAVAILABLE', { what: 'The checker', cure: 'start it' })),
};

/** A text backend whose transformations all answer the same. */
const answering = (text: string): TextBackend => {
  const builtin = builtinText(tickingClock());
  return {
    name: 'fixed',
    run: async (request, signal) => ({ ...(await builtin.run(request, signal)), text }),
  };
};

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
    const looped = ran.items.filter((item) => item.loop_iteration !== null);
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
    for (const item of iterations) {
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

  test('checker down, fail_closed: stage 1: stage1 check (indeterminate), stage1_blocked (checker_unavailable); status blocked', async () => {
    const ran = await run(planOf('dada', 'a bloody sunset'), portsWith({ contextCheck: downChecker }));
    expect(story(ran)).toEqual([...opening.slice(0, 3), 'stage1_blocked']);
    expect(itemOf(ran, 'stage1_safety_check').metadata).toMatchObject({
      verdict: 'indeterminate',
      enforcement: { action: 'block', basis: 'fail_closed' },
      safe: false,
      method: 'llm_check_failed',
      model_requested: 'ollama/llama-guard3:1b',
    });
    expect(itemOf(ran, 'stage1_blocked').metadata['blocked_reason']).toBe('checker_unavailable');
    expect(statusOf(ran.record.life)).toBe('blocked');
  });

  test('checker down, fail_closed: stage 3: check (indeterminate), stage3_blocked, next output', async () => {
    const ran = await run(
      planOf('image_comparison', harmless),
      portsWith({ contextCheck: downChecker, text: answering('a creature') }),
    );
    const refused = ['stage3_safety_check', 'stage3_blocked'];
    expect(story(ran).slice(5)).toEqual([...refused, ...refused, 'pipeline_complete']);
    for (const item of itemsOf(ran, 'stage3_blocked'))
      expect(item.metadata['blocked_reason']).toBe('checker_unavailable');
    expect(ran.header).toMatchObject({ status: 'completed', outputs_blocked: 2 });
  });

  test('checker down, fail_open: the pass is marked on the decision and is a finding for ever', async () => {
    const policy = activatePolicy({ ...bundledPolicy, on_checker_failure: 'fail_open' });
    const ran = await run(
      planOf('dada', 'a bloody sunset', { policy }),
      portsWith({ contextCheck: downChecker }),
    );
    expect(statusOf(ran.record.life)).toBe('completed');
    expect(itemOf(ran, 'stage1_safety_check').metadata).toMatchObject({
      verdict: 'indeterminate',
      enforcement: { action: 'allow', basis: 'fail_open' },
      safe: false,
    });
    expect(ran.header.findings.map((finding) => finding.rule)).toContain('check_failed_open');
  });

  test('an answer that cannot be read is never safe', async () => {
    const rules = portsWith().contextCheck;
    const mumbling = {
      model: rules.model,
      check: async (...call: Parameters<typeof rules.check>) => {
        const { native: _native, ...answer } = await rules.check(...call);
        return { ...answer, verdict: 'indeterminate' as const, parseStatus: 'empty' as const, raw: '' };
      },
    };
    const ran = await run(planOf('dada', 'a bloody sunset'), portsWith({ contextCheck: mumbling }));
    expect(itemOf(ran, 'stage1_safety_check').metadata).toMatchObject({
      verdict: 'indeterminate',
      parse_status: 'empty',
      method: 'llm_check_failed',
      steps: [{ method: 'fast_filter' }, { method: 'llm_context_check', status: 'unparseable' }],
    });
    expect(statusOf(ran.record.life)).toBe('blocked');
  });

  test('an answer that the core could not hold counts as no answer', async () => {
    const rules = portsWith().contextCheck;
    const shouting = {
      model: rules.model,
      check: async (...call: Parameters<typeof rules.check>) => ({
        ...(await rules.check(...call)),
        verdict: 'safe' as const,
        model: 'a model with a very chatty name',
      }),
    };
    const ran = await run(planOf('dada', 'a bloody sunset'), portsWith({ contextCheck: shouting }));
    const check = itemOf(ran, 'stage1_safety_check');
    expect(check.metadata).toMatchObject({ verdict: 'indeterminate', enforcement: { basis: 'fail_closed' } });
    const stored = ran.events.find((event) => event.type === 'stage1_safety_check')?.core.facts;
    expect(
      decisionRecord
        .safeParse(stored ?? {})
        .error?.issues.filter((issue) => issue.code !== 'unrecognized_keys'),
    ).toEqual([]);
  });

  test('level research: stage 1 runs the law list only and leaves one check; stage 3 runs the law list, and leaves safety_check_skipped', async () => {
    const ran = await run(planOf('passthrough', 'A bloody zombie creature', { safetyLevel: 'research' }));
    expect(story(ran)).toEqual([
      ...opening,
      'interception_final',
      'stage3_safety_check',
      'safety_check_skipped',
      'output_image',
      'pipeline_complete',
    ]);
    for (const type of ['stage1_safety_check', 'stage3_safety_check'] as const) {
      const { metadata } = itemOf(ran, type);
      expect(metadata).toMatchObject({ verdict: 'safe', safety_level: 'research', level_set_by: 'request' });
      expect((metadata['filter_lists'] as { id: string }[]).map((list) => list.id)).toEqual(['law-86a']);
    }
    expect(itemOf(ran, 'safety_check_skipped')).toMatchObject({
      stage: 3,
      loop_iteration: 1,
      metadata: {
        reason: 'level_research',
        allowed_by: 'request',
        check_point: 'pre_output',
        safety_level: 'research',
      },
    });
    expect(ran.header).toMatchObject({ status: 'completed', findings: [] });
  });

  test('a skip at level research does not turn a refusal by the law list into a pass', async () => {
    const ran = await run(
      planOf('dada', harmless, { safetyLevel: 'research' }),
      portsWith({ text: answering('a big swastika on a door') }),
    );
    expect(story(ran).slice(5)).toEqual([
      'stage3_safety_check',
      'safety_check_skipped',
      'stage3_blocked',
      'pipeline_complete',
    ]);
  });
});

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
  test('total_items_logged is the sequence number of the last item, total_duration_seconds counts from the start', async () => {
    for (const workflow of ['dada', 'stillepost', 'image_comparison', 'passthrough']) {
      const before = { items: 3, elapsedSeconds: 1.5 };
      const ran = await run(planOf(workflow, harmless, { before }));
      const { metadata, sequence_number } = itemOf(ran, 'pipeline_complete');
      expect(metadata['total_items_logged']).toBe(sequence_number);
      expect(metadata['total_duration_seconds']).toBeGreaterThan(1.5);
      expect(ran.header.findings).toEqual([]);
    }
  });

  test('model, backend, seed and time come from the response, not from the request', async () => {
    const told: TextBackend = {
      name: 'asked',
      run: ({ task }) =>
        Promise.resolve({
          text: `Said ${task.text}`,
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
      (item) => {
        emitted.push(item.item_type);
        return Promise.resolve();
      },
      controller.signal,
    );
    await expect(call).rejects.toThrow('cancelled by a person');
    expect(emitted).toEqual([
      'stage1_safety_check',
      'translation_result',
      'interception_iteration',
      'interception_iteration',
    ]);
  });

  test('an item that cannot be recorded stops the run, and is no failure of the run', async () => {
    const emitted: string[] = [];
    const call = orchestrate(
      planOf('dada', harmless),
      portsWith(),
      (item) => {
        if (item.item_type === 'interception_final') return Promise.reject(new Error('disk is full'));
        emitted.push(item.item_type);
        return Promise.resolve();
      },
      new AbortController().signal,
    );
    await expect(call).rejects.toThrow('disk is full');
    expect(emitted).toEqual(['stage1_safety_check', 'translation_result']);
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
      async (item) => {
        await Promise.resolve();
        order.push(item.item_type);
      },
      new AbortController().signal,
    );
    expect(order).toEqual([
      'stage1_safety_check',
      'backend',
      'translation_result',
      'backend',
      'interception_final',
      'pipeline_complete',
    ]);
  });
});
