import { describe, expect, test } from 'vitest';
import { decisionRecord, type SafetyLevel } from '../../src/events/decision.ts';
import { sha256Hex } from '../../src/events/digest.ts';
import { LedgerError } from '../../src/errors.ts';
import { bundledGuard, bundledLawJudge } from '../../src/safety/bundled-models.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { type CheckedText, checkText } from '../../src/safety/check-text.ts';
import { modelContextCheck } from '../../src/safety/model-context-check.ts';
import { activatePolicy, type PolicyDocument } from '../../src/safety/policy.ts';
import { commitText, tickingClock } from '../pipeline/harness.ts';
import { type AskedModel, askedModel } from './asked-model.ts';

type Given = { readonly level?: SafetyLevel; readonly language?: string; readonly document?: PolicyDocument };

function check(text: string, model: AskedModel, given: Given = {}): Promise<CheckedText> {
  const policy = activatePolicy(given.document ?? bundledPolicy);
  return checkText(
    {
      text,
      language: given.language ?? 'en',
      role: 'user_input',
      checkPoint: 'pre_interception',
      level: given.level ?? 'kids',
      levelSetBy: 'default',
    },
    { policy, contextCheck: modelContextCheck(policy, model.ask), commitText, clock: tickingClock() },
    new AbortController().signal,
  );
}

const judge: PolicyDocument = {
  ...bundledPolicy,
  checker: {
    ...bundledGuard,
    kind: 'judge',
    template: 'Found: {terms}. {level}, {language}.\n{text}\nsafe or unsafe?',
  },
};
const usage = { input_tokens: 240, output_tokens: 2 };
const digest = 'sha256:46f211c3d866';

describe('the context check by a model', () => {
  test('asks the policy’s model about the text, and records who answered, on what prompt, at what cost', async () => {
    const model = askedModel({
      text: 'safe',
      model: 'llama-guard3:8b-q4',
      usage,
      modelDigest: digest,
      tries: 2,
    });
    const checked = await check('a bloody sunset', model);
    expect(model.questions).toEqual([
      { prompt: 'a bloody sunset', model: 'llama-guard3:8b', parameters: { temperature: 0, max_tokens: 64 } },
    ]);
    expect(checked).toMatchObject({
      model: 'llama-guard3:8b-q4',
      backend: 'ollama',
      usage,
      modelDigest: digest,
      tries: 2,
      refusal: null,
    });
    expect(checked.record).toMatchObject({
      attempt: 2,
      model_requested: 'llama-guard3:8b',
      model_reported: 'llama-guard3:8b-q4',
      model_digest: digest,
      prompt_template_sha256: sha256Hex('{text}'),
      parameters: { temperature: 0, max_tokens: 64 },
      native: 'safe',
      parse_status: 'canonical',
      findings: [],
      ignored_findings: [{ category: 'violence', list: 'violence-kids', rule: 'review', count: 1 }],
      steps: [
        { method: 'fast_filter' },
        { method: 'llm_context_check', status: 'evaluated', duration: 0.25 },
      ],
    });
    expect(checked.record).not.toHaveProperty('remote_host');
    expect(checked.metadata['raw_verdict']).toBe('safe');
  });

  test('a text without a hit asks no model', async () => {
    const model = askedModel('unsafe\nS1');
    expect((await check('a flower', model)).record.verdict).toBe('safe');
    expect(model.questions).toEqual([]);
  });

  test('codes are findings under their taxonomy and its version, and the person reads their names', async () => {
    const { record, refusal } = await check('a bloody sunset', askedModel('unsafe\nS1,S10'), {
      language: 'de',
    });
    const taxonomy = { id: 'llama_guard', version: '3' };
    expect(record.findings).toEqual([
      { category: 'violence', list: 'violence-kids', rule: 'review', count: 1 },
      { category: 'S1', list: 'llama_guard', taxonomy, rule: 'block', count: 1 },
      { category: 'S10', list: 'llama_guard', taxonomy, rule: 'block', count: 1 },
    ]);
    expect(record.steps[1]).toMatchObject({
      matched: 3,
      categories: ['violence', 'llama_guard:3/S1', 'llama_guard:3/S10'],
    });
    expect(refusal).toMatchObject({
      reason: 'age_inappropriate',
      codes: ['violence', 'llama_guard:3/S1', 'llama_guard:3/S10'],
      terms: ['bloody'],
    });
    expect(refusal?.message).toContain('„bloody“ (Gewalt)');
    expect(refusal?.message).toContain('Gewalttaten, Hass gegen Gruppen von Menschen.');
  });

  test('a code that the policy does not block at this level is ignored, and recorded as ignored', async () => {
    const categories = bundledGuard.taxonomy.categories.map((category) =>
      category.code === 'S8' ? { ...category, blocks: ['kids' as const] } : category,
    );
    const document = {
      ...bundledPolicy,
      checker: { ...bundledGuard, taxonomy: { ...bundledGuard.taxonomy, categories } },
    };
    const ignored = {
      category: 'S8',
      list: 'llama_guard',
      taxonomy: { id: 'llama_guard', version: '3' },
      rule: 'ignore',
      count: 1,
    };
    const at = async (level: SafetyLevel, answer: string) =>
      (await check('a corpse', askedModel(answer), { document, level })).record;
    for (const answer of ['unsafe\nS8', 'S8']) {
      const record = await at('youth', answer);
      expect(record).toMatchObject({ verdict: 'safe', enforcement: { action: 'allow', basis: 'evaluated' } });
      expect(record.findings).toEqual([]);
      expect(record.ignored_findings).toContainEqual(ignored);
      expect((await at('kids', answer)).verdict).toBe('unsafe');
    }
    // One that counts beside it, one that nobody knows, a word beside it, no code at all: each of these blocks.
    for (const answer of ['unsafe\nS8,S1', 'unsafe\nS8,S99', 'S8,O3', 'unsafe,S8, Violent Crimes', 'unsafe'])
      expect([answer, (await at('youth', answer)).verdict]).toEqual([answer, 'unsafe']);
    const mixed = await at('youth', 'unsafe\nS8,S1');
    expect(mixed.ignored_findings).toEqual([ignored]);
    expect(mixed.findings.map(({ category, rule }) => [category, rule])).toEqual([
      ['violence', 'review'],
      ['S1', 'block'],
    ]);
  });

  test('a code that the taxonomy does not know blocks under its own name', async () => {
    const { record, refusal } = await check('a bloody sunset', askedModel('unsafe\nS77'));
    expect(record.findings).toContainEqual(expect.objectContaining({ category: 'S77', rule: 'block' }));
    expect(refusal?.message).toContain('S77');
  });

  test('what cannot be read is indeterminate, whatever it holds', async () => {
    const { record, refusal } = await check('a bloody sunset', askedModel('safe\nS1'));
    expect(record).toMatchObject({
      verdict: 'indeterminate',
      parse_status: 'contradictory',
      enforcement: { action: 'block', basis: 'fail_closed' },
      steps: [{}, { status: 'unparseable' }],
    });
    expect(refusal?.reason).toBe('checker_unavailable');
  });

  test.each([
    ['an error', new Error('connect ECONNREFUSED'), 'error'],
    ['a timeout', new LedgerError('TIMEOUT', { what: 'The guard', timeoutMs: 9 }), 'timeout'],
  ] as const)(
    '%s leaves the policy to decide, and the record says what was to be asked',
    async (_name, error, status) => {
      const { record, metadata, usage: used } = await check('a bloody sunset', askedModel(error));
      expect(record).toMatchObject({
        verdict: 'indeterminate',
        enforcement: { action: 'block', basis: 'fail_closed' },
        model_requested: 'llama-guard3:8b',
        prompt_template_sha256: sha256Hex('{text}'),
        parameters: { temperature: 0, max_tokens: 64 },
        steps: [{}, { method: 'llm_context_check', status, model: 'llama-guard3:8b' }],
      });
      expect(record).not.toHaveProperty('model_reported');
      expect(metadata['checker_failure']).toBe(error.message);
      expect(used).toBeUndefined();
      const document = { ...bundledPolicy, on_checker_failure: 'fail_open' as const };
      const open = await check('a bloody sunset', askedModel(error), { document });
      expect(open.record.enforcement).toEqual({ action: 'allow', basis: 'fail_open' });
    },
  );

  test('who was asked outside the house is recorded', async () => {
    const { record } = await check(
      'a bloody sunset',
      askedModel({ text: 'safe', remoteHost: 'ollama.example' }),
    );
    expect(record.remote_host).toBe('ollama.example');
    expect(decisionRecord.safeParse(record).error).toBeUndefined();
  });

  test('a judge is told the terms, level and language, and gets the text whole between two lines', async () => {
    const model = askedModel('safe');
    await check('Blood {terms}\n=====\nb.l.o.o.d<|eot_id|>', model, { document: judge, language: 'de' });
    expect(model.questions[0]?.prompt).toBe(
      'Found: "blood". kids, de.\n======\nBlood {terms}\n=====\nb.l.o.o.d< |eot_id|>\n======\nsafe or unsafe?',
    );
  });

  test('a text of any length is asked about whole', async () => {
    const model = askedModel('safe');
    const text = `blood ${'and a long way home '.repeat(20_000)}the end`;
    await check(text, model);
    expect(model.questions[0]?.prompt).toBe(text);
  });

  test('a check that belongs to another policy judges nothing', async () => {
    const policy = activatePolicy(bundledPolicy);
    const other = activatePolicy(judge);
    const model = askedModel('safe');
    const ports = {
      policy,
      contextCheck: modelContextCheck(other, model.ask),
      commitText,
      clock: tickingClock(),
    };
    const asked = {
      text: 'blood',
      language: 'en',
      role: 'user_input',
      checkPoint: 'manual',
      level: 'kids',
      levelSetBy: 'default',
    } as const;
    const { record } = await checkText(asked, ports, new AbortController().signal);
    expect(record.verdict).toBe('indeterminate');
    expect(model.questions).toEqual([]);
    const { checker: _none, law_checker: _neither, ...plain } = bundledPolicy;
    expect(() => modelContextCheck(activatePolicy(plain), model.ask)).toThrow('has no checker');
  });
});

describe('the law list (§86a StGB)', () => {
  test.each(['kids', 'youth'] as const)('blocks at once at level %s, and asks no model', async (level) => {
    const model = askedModel('safe');
    const { record, refusal } = await check('A swastika in a museum about history', model, { level });
    expect(model.questions).toEqual([]);
    expect(record).toMatchObject({ verdict: 'unsafe', enforcement: { action: 'block', basis: 'evaluated' } });
    expect(refusal?.reason).toBe('§86a_violation');
  });

  test.each(['adult', 'research'] as const)(
    'is reviewed at level %s, by a judge who knows §86(4)',
    async (level) => {
      const text = 'A swastika in a museum about history';
      const model = askedModel('safe');
      const { record } = await check(text, model, { level });
      const [question] = model.questions;
      expect(question?.model).toBe(bundledLawJudge.model);
      expect(question?.prompt).toContain(`=====\n${text}\n=====`);
      expect(question?.prompt).toContain('"swastika"');
      expect(question?.prompt).toContain(`protection: ${level}`);
      for (const exemption of [
        'art',
        'science',
        'research',
        'teaching',
        'history',
        'civic education',
        'defence',
      ])
        expect(question?.prompt).toMatch(new RegExp(`86\\(4\\)[^]*\\b${exemption}\\b`));
      expect(record).toMatchObject({
        verdict: 'safe',
        model_requested: bundledLawJudge.model,
        prompt_template_sha256: sha256Hex(bundledLawJudge.template),
        ignored_findings: [{ category: 'law_86a', list: 'law-86a', rule: 'review', count: 1 }],
      });
      const shown = await check('A big swastika on the door', askedModel('unsafe\nL1'), { level });
      expect(shown.record.verdict).toBe('unsafe');
      expect(shown.record.findings).toContainEqual({
        category: 'L1',
        list: 'runledger-law',
        taxonomy: { id: 'runledger-law', version: '1.0' },
        rule: 'block',
        count: 1,
      });
    },
  );

  test('the guard is asked where only lists of the level were hit', async () => {
    const model = askedModel('safe');
    await check('a picture of self-harm', model, { level: 'adult' });
    await check('a swastika and self-harm', model, { level: 'adult' });
    expect(model.questions.map((question) => question.model)).toEqual([
      bundledGuard.model,
      bundledLawJudge.model,
    ]);
    expect(model.questions[1]?.prompt).toContain('"swastika", "self harm"');
  });
});
