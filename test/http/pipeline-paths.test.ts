import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { catalogued } from '../../src/events/catalogue.ts';
import type { ExecutionItem } from '../../src/events/item.ts';
import { type Asked, cloudModel, guardModel, type House, localModel, openHouse } from '../house.ts';
import { openaiStatus } from '../pipeline/backends/openai-server.ts';
import { ollamaStatus } from '../pipeline/backends/ollama-server.ts';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

/** What a model answers in a test's place; undefined leaves it to the servers, which repeat what they are told. */
let answer: (asked: Asked) => string | undefined = () => undefined;
let house: House;
let service: LedgerService;
beforeAll(async () => {
  house = await openHouse((asked) => answer(asked));
  service = await startLedgerService(house.settings);
});
afterEach(() => {
  answer = () => undefined;
});
afterAll(async () => {
  await service.close();
  await house.close();
});

const harmless = 'Eine Blume auf der Wiese';
const bloody = 'Überall Blut an der Wand';
const opening = ['pipeline_start', 'user_input_text', 'stage1_safety_check', 'translation_result'];
const output = ['stage3_safety_check', 'output_image'];

type Record_ = { readonly [member: string]: unknown; readonly items: readonly ExecutionItem[] };

/** Of its own for each run: a picture that ComfyUI has made before comes out of its cache. */
let seed = 7_000;

async function run(
  workflow: string,
  input: string,
  more: object = {},
): Promise<{ reply: Reply; record: Record_ }> {
  const reply = await service.post('/api/schema/pipeline/execute', {
    schema: workflow,
    input_text: input,
    seed: (seed += 1),
    ...more,
  });
  const { json } = await service.get(`/api/runs/${String(reply.json['execution_id'])}`);
  return { reply, record: json as Record_ };
}

/** What domain.md's lists name: journey and decision items. */
const story = ({ items }: Record_): string[] =>
  items
    .map(({ item_type }) => item_type)
    .filter((type) => ['journey', 'decision'].includes(catalogued(type)?.kind ?? ''));

const itemsOf = ({ items }: Record_, type: string): readonly ExecutionItem[] =>
  items.filter((item) => item.item_type === type);
const isGuard = ({ model }: Asked): boolean => model === guardModel.name;

describe('every path of domain.md §5, over HTTP against servers that speak the real protocols', () => {
  test('text only: start, input, stage1 check, translation, interception_final, complete', async () => {
    const { json } = await service.get('/api/workflows/dada');
    const document = {
      ...(json['document'] as object),
      id: 'text_only',
      media_preferences: { default_output: 'text' },
    };
    const put = await fetch(`${service.url}/api/workflows/text_only`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-none-match': '*' },
      body: JSON.stringify(document),
    });
    expect(put.status).toBe(201);
    const { reply, record } = await run('text_only', harmless);
    expect(reply.status).toBe(200);
    expect(story(record)).toEqual([...opening, 'interception_final', 'pipeline_complete']);
    expect(record).toMatchObject({ status: 'completed', findings: [] });
  });

  test('one image: … interception_final, stage3 check, output_image, complete', async () => {
    const { reply, record } = await run('dada', harmless);
    expect(reply.status).toBe(200);
    expect(story(record)).toEqual([...opening, 'interception_final', ...output, 'pipeline_complete']);
    expect(record).toMatchObject({ status: 'completed', outputs_generated: 1, findings: [] });
  });

  test('two outputs: each with a decision of its own; every item says model, backend, time and digest of what made it', async () => {
    const { reply, record } = await run('image_comparison', harmless);
    expect(reply.json['media_output_count']).toBe(2);
    expect(story(record)).toEqual([
      ...opening,
      'interception_final',
      ...output,
      ...output,
      'pipeline_complete',
    ]);
    expect(record).toMatchObject({ status: 'completed', outputs_generated: 2, findings: [] });
    const texts = [...itemsOf(record, 'translation_result'), ...itemsOf(record, 'interception_final')];
    for (const item of texts) {
      expect(item).toMatchObject({ model_used: localModel.name, backend_used: 'ollama' });
      expect(item.metadata).toMatchObject({ model_digest: localModel.digest, seed, method: 'llm' });
      expect(item.execution_time).toBeGreaterThan(0);
    }
    const [local, cloud] = itemsOf(record, 'output_image');
    expect(local).toMatchObject({
      loop_iteration: 1,
      config_used: 'sd35_large',
      backend_used: 'comfyui',
      metadata: { width: 1024, height: 1024, steps: 25, seed, prompt_id: expect.any(String) },
    });
    expect(local?.metadata['graph_sha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(cloud).toMatchObject({
      loop_iteration: 2,
      config_used: 'gpt5_image',
      model_used: 'openai/gpt-5-image',
      backend_used: 'openrouter',
      metadata: { width: 48, height: 32, remote_host: expect.stringMatching(/^127\.0\.0\.1:/) },
    });
    for (const made of [local, cloud]) {
      expect(made?.execution_time).toBeGreaterThan(0);
      expect(made?.metadata['sha256']).toMatch(/^[0-9a-f]{64}$/);
    }
    // Everything a backend was asked and everything it used up.
    expect(itemsOf(record, 'usage_recorded').map(({ metadata }) => metadata['step_id'])).toEqual([
      'translation',
      'interception',
      'output-2',
    ]);
    for (const item of record.items.filter(({ backend_used }) => backend_used !== null))
      expect(item.model_used).not.toBeNull();
  });

  test('the telephone game: 8 iterations (1..8), each with its languages, model, backend, time and digest', async () => {
    const { record } = await run('stillepost', harmless);
    const steps = Array.from({ length: 8 }, () => 'interception_iteration');
    expect(story(record)).toEqual([
      ...opening,
      ...steps,
      'interception_final',
      ...output,
      'pipeline_complete',
    ]);
    for (const [index, item] of itemsOf(record, 'interception_iteration').entries()) {
      expect(item).toMatchObject({
        stage_iteration: index + 1,
        model_used: localModel.name,
        backend_used: 'ollama',
        metadata: { model_digest: localModel.digest },
      });
      expect(item.metadata['to_lang']).not.toBe(item.metadata['from_lang']);
    }
  });

  test('stage-1 block: start, input, stage1 check (unsafe), stage1_blocked – and nothing more; blocked, 403', async () => {
    answer = (asked) => (isGuard(asked) ? 'unsafe\nS1' : undefined);
    const { reply, record } = await run('dada', bloody);
    expect(reply.status).toBe(403);
    expect(story(record)).toEqual([...opening.slice(0, 3), 'stage1_blocked']);
    expect(record).toMatchObject({ status: 'blocked', outputs_generated: 0, findings: [] });
    expect(itemsOf(record, 'stage1_safety_check')[0]).toMatchObject({
      model_used: guardModel.name,
      backend_used: 'ollama',
      metadata: {
        verdict: 'unsafe',
        method: 'llm_context_check',
        parse_status: 'canonical',
        model_reported: guardModel.name,
        model_digest: guardModel.digest,
        raw_verdict: 'unsafe\nS1',
        found_terms: ['blut'],
      },
    });
  });

  test('a hit that the guard finds safe is a false positive: it is recorded, and the run goes on', async () => {
    const { record } = await run('dada', 'Der Saft einer Blutorange und ein wenig Blut im Apfel');
    const [check] = itemsOf(record, 'stage1_safety_check');
    expect(check?.metadata).toMatchObject({ verdict: 'safe', safe: true, method: 'llm_context_check' });
    expect(record).toMatchObject({ status: 'completed' });
  });

  test('stage-2 error: … the iterations that worked, pipeline_error; failed, 500', async () => {
    house.ollama.script('none', 'none', 'none', ollamaStatus.failed);
    const { reply, record } = await run('stillepost', harmless);
    expect(reply.status).toBe(500);
    expect(reply.json).toMatchObject({ status: 'error', steps_completed: 2, total_steps: 8 });
    const worked = ['interception_iteration', 'interception_iteration'];
    expect(story(record)).toEqual([...opening, ...worked, 'pipeline_error']);
    expect(record).toMatchObject({ status: 'failed', error: { stage: 2 }, findings: [] });
  });

  test('stage-3 block: check (unsafe), stage3_blocked, then the next output goes on; completed', async () => {
    let verdicts = 0;
    answer = (asked) => {
      if (isGuard(asked)) return (verdicts += 1) === 1 ? 'unsafe\nS1' : 'safe';
      return asked.prompt.includes('PROMPT:') ? 'a wall full of blood' : undefined;
    };
    const { reply, record } = await run('image_comparison', harmless);
    expect(story(record)).toEqual([
      ...opening,
      'interception_final',
      'stage3_safety_check',
      'stage3_blocked',
      ...output,
      'pipeline_complete',
    ]);
    expect(record).toMatchObject({
      status: 'completed',
      outputs_blocked: 1,
      outputs_generated: 1,
      findings: [],
    });
    const outputs = reply.json['media_outputs'] as { status: string }[];
    expect(outputs.map(({ status }) => status)).toEqual(['blocked', 'success']);
  });

  test('stage-4 failure: stage3 check, output_failed, next output goes on', async () => {
    house.comfyui.next({ fails: { exception_type: 'OutOfMemoryError', exception_message: 'no room' } });
    const { reply, record } = await run('image_comparison', harmless);
    expect(story(record)).toEqual([
      ...opening,
      'interception_final',
      'stage3_safety_check',
      'output_failed',
      ...output,
      'pipeline_complete',
    ]);
    expect(record).toMatchObject({
      status: 'completed',
      outputs_failed: 1,
      outputs_generated: 1,
      findings: [],
    });
    const outputs = reply.json['media_outputs'] as { status: string }[];
    expect(outputs.map(({ status }) => status)).toEqual(['error', 'success']);
  });

  test('checker down in stage 1, fail_closed: indeterminate, stage1_blocked (checker_unavailable); blocked, 503 with Retry-After', async () => {
    house.ollama.script(ollamaStatus.failed);
    const { reply, record } = await run('dada', bloody);
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(story(record)).toEqual([...opening.slice(0, 3), 'stage1_blocked']);
    expect(record['status']).toBe('blocked');
    expect(itemsOf(record, 'stage1_safety_check')[0]?.metadata).toMatchObject({
      verdict: 'indeterminate',
      safe: false,
      method: 'llm_check_failed',
      enforcement: { action: 'block', basis: 'fail_closed' },
    });
    expect(itemsOf(record, 'stage1_blocked')[0]?.metadata['blocked_reason']).toBe('checker_unavailable');
  });

  test('checker down in stage 3, fail_closed: check (indeterminate), stage3_blocked, next output', async () => {
    answer = (asked) => {
      if (isGuard(asked)) return '<think>is it';
      return asked.prompt.includes('PROMPT:') ? 'a wall full of blood' : undefined;
    };
    const { record } = await run('image_comparison', harmless);
    const block = ['stage3_safety_check', 'stage3_blocked'];
    expect(story(record)).toEqual([
      ...opening,
      'interception_final',
      ...block,
      ...block,
      'pipeline_complete',
    ]);
    expect(record).toMatchObject({
      status: 'completed',
      outputs_blocked: 2,
      outputs_generated: 0,
      findings: [],
    });
    for (const { metadata } of itemsOf(record, 'stage3_safety_check'))
      expect(metadata).toMatchObject({ verdict: 'indeterminate', enforcement: { basis: 'fail_closed' } });
  });

  test('level research: the law list only in stage 1, one check; in stage 3 the law list, and a recorded skip', async () => {
    const { record } = await run('dada', bloody, { safety_level: 'research' });
    expect(story(record)).toEqual([
      ...opening,
      'interception_final',
      'stage3_safety_check',
      'safety_check_skipped',
      'output_image',
      'pipeline_complete',
    ]);
    expect(record).toMatchObject({ status: 'completed', findings: [] });
  });
});

test('one workflow in eco and in fast records what really answered, by the responses', async () => {
  const { record: eco } = await run('dada', harmless, { execution_mode: 'eco' });
  const { record: fast } = await run('dada', harmless, { execution_mode: 'fast' });
  const used = (record: Record_) =>
    record.items
      .filter(({ item_type }) => ['interception_final', 'output_image'].includes(item_type))
      .map(({ model_used, backend_used }) => [model_used, backend_used]);
  expect(used(eco)).toEqual([
    [localModel.name, 'ollama'],
    [expect.stringMatching(/^sd3\.5_large/), 'comfyui'],
  ]);
  expect(used(fast)).toEqual([
    [cloudModel, 'openrouter'],
    ['openai/gpt-5-image', 'openrouter'],
  ]);
  // Safety models always stay in the house.
  for (const { body } of house.openrouter.requests)
    expect(body).not.toMatchObject({ model: guardModel.name });
});

describe('a provider’s refusal', () => {
  test('of the text ends the run as blocked, by a decision of the provider', async () => {
    house.openrouter.script(openaiStatus.moderated);
    const { reply, record } = await run('dada', harmless, { execution_mode: 'fast' });
    expect(reply.status).toBe(403);
    expect(story(record)).toEqual([...opening.slice(0, 3), 'stage1_safety_check', 'stage1_blocked']);
    expect(itemsOf(record, 'stage1_safety_check')[1]?.metadata).toMatchObject({
      verdict: 'unsafe',
      method: 'provider_moderation',
      steps: [{ method: 'provider_moderation', status: 'evaluated', duration: expect.any(Number) }],
    });
    expect(record).toMatchObject({ status: 'blocked', findings: [] });
  });

  test('of a picture blocks that output, and the run is completed', async () => {
    house.openrouter.script(openaiStatus.moderated);
    const { record } = await run('image_comparison', harmless);
    expect(story(record)).toEqual([
      ...opening,
      'interception_final',
      ...output,
      'stage3_safety_check',
      'stage3_safety_check',
      'stage3_blocked',
      'pipeline_complete',
    ]);
    expect(record).toMatchObject({
      status: 'completed',
      outputs_blocked: 1,
      outputs_generated: 1,
      findings: [],
    });
  });
});
