import { expect, test } from 'vitest';
import { decisionRecord, oldCheckMembers } from '../../src/events/decision.ts';
import { decide } from '../../src/run/decide.ts';
import { evolve, initialRunState } from '../../src/run/lifecycle.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import type { CheckedText } from '../../src/safety/check-text.ts';
import { activatePolicy } from '../../src/safety/policy.ts';
import { type ProviderRefusal, providerDecision } from '../../src/safety/provider-moderation.ts';
import { commitText } from '../pipeline/harness.ts';

const policy = activatePolicy({ ...bundledPolicy, on_checker_failure: 'fail_open' });
const text = 'Frau Müller has a plan';

const refusedBy = (refusal: Partial<ProviderRefusal> = {}, language = 'en'): CheckedText =>
  providerDecision(
    {
      text,
      language,
      role: 'interception',
      checkPoint: 'pre_output',
      level: 'adult',
      levelSetBy: 'request',
      generatedFrom: text,
    },
    {
      backend: 'openrouter',
      model: 'openai/gpt-5-image',
      reasons: ['violence', 'sexual/minors'],
      raw: '{"error":{"code":403}}',
      executionSeconds: 0.5,
      ...refusal,
    },
    { policy, commitText },
  );

test('a refusal by a provider is a full decision: unsafe, blocked, on evaluated grounds, whatever the policy says of failures', () => {
  const { record, metadata, ...checked } = refusedBy();
  const taxonomy = { id: 'openrouter-moderation', version: 'unversioned' };
  expect(decisionRecord.safeParse(record).error).toBeUndefined();
  expect(record).toMatchObject({
    check_point: 'pre_output',
    checked: { commitment: commitText(text), chars: 22, lang: 'en', role: 'interception' },
    same_as_checked: true,
    policy: policy.reference,
    filter_lists: [],
    model_requested: 'openai/gpt-5-image',
    verdict: 'unsafe',
    enforcement: { action: 'block', basis: 'evaluated' },
    safety_level: 'adult',
  });
  expect(record.steps).toEqual([
    {
      method: 'provider_moderation',
      status: 'evaluated',
      matched: 2,
      categories: [
        'openrouter-moderation:unversioned/violence',
        'openrouter-moderation:unversioned/sexual/minors',
      ],
      duration: 0.5,
    },
  ]);
  expect(record.findings).toEqual([
    { category: 'violence', list: 'openrouter-moderation', taxonomy, rule: 'block', count: 1 },
    { category: 'sexual/minors', list: 'openrouter-moderation', taxonomy, rule: 'block', count: 1 },
  ]);
  expect(metadata).toMatchObject({
    ...record,
    checked_text: text,
    raw_verdict: '{"error":{"code":403}}',
    provider_reasons: ['violence', 'sexual/minors'],
  });
  // Which model judged, nobody said: what was asked for is never told as what answered.
  expect(checked).toMatchObject({
    model: null,
    backend: 'openrouter',
    executionSeconds: 0.5,
  });
  expect(checked.refusal).toMatchObject({ reason: 'provider_moderation', terms: [] });
  expect(oldCheckMembers(record)).toEqual({ safe: false, method: 'provider_moderation' });
});

test('the message says that a provider outside refused, in German and in English', () => {
  expect(refusedBy({}, 'de').refusal?.message).toMatch(/^Die Firma außerhalb dieses Hauses/);
  expect(refusedBy({}, 'fr').refusal?.message).toMatch(/^The company outside this house/);
});

test('no reason is a finding too, and a reason that may quote the text is not kept in the core', () => {
  expect(refusedBy({ reasons: [], raw: undefined }).record.findings).toMatchObject([
    { category: 'unspecified' },
  ]);
  const { record, metadata } = refusedBy({
    reasons: ['Self Harm', 'the words “Frau Müller has a plan” were flagged', 'Müller', ''],
    raw: 'flagged: Frau Müller \ud83d',
  });
  expect(record.findings.map(({ category }) => category)).toEqual(['self_harm', 'other']);
  expect(JSON.stringify(record)).not.toContain('Müller');
  expect(metadata['provider_reasons']).toContain('Müller');
  expect(metadata['raw_verdict']).toBe('flagged: Frau Müller \ufffd');
  expect(decisionRecord.safeParse(record).error).toBeUndefined();
});

test('a model whose name no core can hold is not named', () => {
  expect(refusedBy({ model: 'a model with spaces' }).record).not.toHaveProperty('model_requested');
  expect(refusedBy({ model: null }).record).not.toHaveProperty('model_requested');
});

test('a run of ours may record it as the decision of an output', () => {
  const start = { item_type: 'pipeline_start', stage: 0 } as const;
  const state = evolve(initialRunState, {
    v: 1,
    tax: '1.1',
    id: '00000000-0000-8000-8000-000000000000',
    stream: 'run-x',
    seq: 1,
    type: start.item_type,
    time: '2026-01-01T00:00:00.000Z',
    actor: { kind: 'service', id: 'runledger' },
  });
  const item = {
    item_type: 'stage3_safety_check',
    stage: 3,
    loop_iteration: 1,
    metadata: refusedBy().metadata,
  };
  expect(() => decide({ by: 'own', item }, state)).not.toThrow();
});
