import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decisionRecord, oldCheckMembers, type SafetyLevel } from '../../src/events/decision.ts';
import { sha256Hex } from '../../src/events/digest.ts';
import { LedgerError } from '../../src/errors.ts';
import { bundledGuard, bundledVision } from '../../src/safety/bundled-models.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { type CheckedImage, checkImage } from '../../src/safety/check-image.ts';
import { modelContextCheck } from '../../src/safety/model-context-check.ts';
import { activatePolicy, type PolicyDocument } from '../../src/safety/policy.ts';
import { commitText, tickingClock } from '../pipeline/harness.ts';
import { type AskedModel, askedModel } from './asked-model.ts';

const bytes = new Uint8Array([137, 80, 78, 71]);
const sha256 = hash('sha256', bytes);

function look(
  model: AskedModel,
  { level = 'kids', ...change }: Partial<PolicyDocument> & { level?: SafetyLevel } = {},
  signal = new AbortController().signal,
): Promise<CheckedImage> {
  const policy = activatePolicy({ ...bundledPolicy, vision: bundledVision, ...change });
  const contextCheck = modelContextCheck(policy, model.ask);
  return checkImage(
    { bytes, sha256, level, levelSetBy: 'request', checkPoint: 'post_output', language: 'de' },
    { policy, contextCheck, commitText, clock: tickingClock(), ask: model.ask },
    signal,
  );
}

describe('a picture is described, and the description judged', () => {
  test('a model sees it, another reads what it saw: two questions, two records', async () => {
    const seen = {
      text: 'A house by the sea.',
      model: 'qwen2.5vl:7b',
      modelDigest: 'sha256:aa',
      usage: { images: 1 },
    };
    const model = askedModel(seen, { text: 'safe', usage: { input_tokens: 9 } });
    const { described, checked } = await look(model);
    expect(model.questions).toEqual([
      {
        prompt: bundledVision.describe_template,
        model: 'qwen2.5vl:7b',
        parameters: { temperature: 0, max_tokens: 600 },
        images: [bytes],
      },
      { prompt: 'A house by the sea.', model: 'llama-guard3:8b', parameters: bundledGuard.parameters },
    ]);
    expect(described).toEqual({
      content: 'A house by the sea.',
      model: 'qwen2.5vl:7b',
      backend: 'ollama',
      modelDigest: 'sha256:aa',
      finishReason: 'stop',
      executionSeconds: 0.25,
      usage: { images: 1 },
      sha256,
      promptTemplateSha256: sha256Hex(bundledVision.describe_template),
    });
    expect(decisionRecord.safeParse(checked.record).error).toBeUndefined();
    expect(checked.record).toMatchObject({
      check_point: 'post_output',
      checked: { commitment: commitText(sha256), chars: 0, role: 'image' },
      verdict: 'safe',
      enforcement: { action: 'allow', basis: 'evaluated' },
      model_requested: 'llama-guard3:8b',
      prompt_template_sha256: sha256Hex('{text}'),
    });
    expect(checked.record.steps).toMatchObject([
      {
        method: 'vlm_check',
        status: 'evaluated',
        model: 'qwen2.5vl:7b',
        prompt_template_sha256: sha256Hex(bundledVision.describe_template),
      },
      { method: 'fast_filter', status: 'evaluated', matched: 0 },
      { method: 'llm_context_check', status: 'evaluated', model: 'llama-guard3:8b' },
    ]);
    expect(checked).toMatchObject({ refusal: null, usage: { input_tokens: 9 } });
    expect(checked.metadata['checked_text']).toBe('A house by the sea.');
  });

  test('a description without a listed word is judged by the model all the same', async () => {
    const { checked } = await look(askedModel('A person lies on the floor and does not move.', 'unsafe\nS1'));
    expect(checked.record).toMatchObject({
      verdict: 'unsafe',
      findings: [{ category: 'S1', list: 'llama_guard', taxonomy: { id: 'llama_guard', version: '3' } }],
    });
    expect(checked.refusal).toMatchObject({ reason: 'unsafe', codes: ['llama_guard:3/S1'], terms: [] });
    expect(checked.refusal?.message).toContain('ein Bild mit: Gewalttaten');
  });

  test('a listed word in the description is a hit; one that blocks at once asks no second model', async () => {
    const bloody = await look(askedModel('A knife with blood on it.', 'unsafe'));
    expect(bloody.checked.refusal).toMatchObject({ reason: 'age_inappropriate', terms: ['blood'] });
    expect(bloody.checked.refusal?.message).toContain('das dieses Bild angesehen hat, sah „blood“');
    const flag = askedModel('A flag with a swastika.', 'safe');
    const { checked } = await look(flag);
    expect(flag.questions).toHaveLength(1);
    expect(checked.record).toMatchObject({
      verdict: 'unsafe',
      findings: [{ list: 'law-86a', rule: 'block' }],
    });
    expect(checked.refusal?.reason).toBe('§86a_violation');
  });

  test.each([
    ['an error', new Error('no such model'), 'error'],
    ['a timeout', new LedgerError('TIMEOUT', { what: 'The model', timeoutMs: 1 }), 'timeout'],
    ['nothing', '', 'unparseable'],
    ['thinking without an end', '<think>I see a house', 'unparseable'],
    ['a name that no record can hold', { text: 'A house.', model: 'a chatty name' }, 'error'],
  ] as const)('%s instead of a description leaves the policy to decide', async (_name, answer, status) => {
    const model = askedModel(answer, 'safe');
    const { described, checked } = await look(model);
    expect(model.questions).toHaveLength(1);
    expect(described).toBeNull();
    expect(checked.record).toMatchObject({
      verdict: 'indeterminate',
      enforcement: { action: 'block', basis: 'fail_closed' },
      steps: [{ method: 'vlm_check', status, model: 'qwen2.5vl:7b' }],
    });
    expect(checked.record.steps).toHaveLength(1);
    expect(decisionRecord.safeParse(checked.record).error).toBeUndefined();
    expect(oldCheckMembers(checked.record)).toEqual({ safe: false, method: 'llm_check_failed' });
    expect(checked.refusal).toMatchObject({ reason: 'checker_unavailable' });
    expect(checked.refusal?.message).toContain('dieses Bild nicht beurteilen');
    const open = await look(askedModel(answer, 'safe'), { on_checker_failure: 'fail_open' });
    expect(open.checked.record.enforcement).toEqual({ action: 'allow', basis: 'fail_open' });
  });

  test('a description that broke off makes no picture safe, but may make it unsafe', async () => {
    const cut = { text: 'A house, and in front of it', finishReason: 'length' };
    const { described, checked } = await look(askedModel(cut, 'safe'));
    expect(described).toMatchObject({ content: 'A house, and in front of it', finishReason: 'length' });
    expect(checked.record).toMatchObject({
      verdict: 'indeterminate',
      enforcement: { basis: 'fail_closed' },
      steps: [
        { method: 'vlm_check', status: 'unparseable' },
        { method: 'fast_filter' },
        { status: 'evaluated' },
      ],
    });
    const open = { on_checker_failure: 'fail_open' } as const;
    expect((await look(askedModel(cut, 'unsafe\nS1'), open)).checked.record).toMatchObject({
      verdict: 'unsafe',
      enforcement: { action: 'block', basis: 'evaluated' },
    });
  });

  test('a judge that fails leaves the policy to decide, and the description is kept', async () => {
    const { described, checked } = await look(askedModel('A house.', new Error('down')));
    expect(described?.content).toBe('A house.');
    expect(checked.record).toMatchObject({ verdict: 'indeterminate', enforcement: { basis: 'fail_closed' } });
    expect(checked.metadata['checker_failure']).toBe('down');
  });

  test('where the policy looks at no pictures, asking it to is a mistake', async () => {
    const model = askedModel('safe');
    await expect(look(model, { level: 'adult' })).rejects.toThrow('looks at no pictures at level adult');
    await expect(look(model, { vision: undefined })).rejects.toThrow(TypeError);
    expect(model.questions).toEqual([]);
  });

  test('an aborted check throws, and decides nothing', async () => {
    await expect(look(askedModel('A house.'), {}, AbortSignal.abort(new Error('gone')))).rejects.toThrow(
      'gone',
    );
    const controller = new AbortController();
    const stalled: AskedModel = {
      questions: [],
      ask: () => {
        controller.abort(new Error('gone too'));
        return Promise.reject(new Error('socket closed'));
      },
    };
    await expect(look(stalled, {}, controller.signal)).rejects.toThrow('gone too');
  });
});
