import { expect, test } from 'vitest';
import { decisionRecord } from '../../src/events/decision.ts';
import { isToken } from '../../src/events/token.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { modelContextCheck } from '../../src/safety/model-context-check.ts';
import { activatePolicy } from '../../src/safety/policy.ts';
import { askedModel } from '../safety/asked-model.ts';
import { answering, itemOf, planOf, portsWith, run, story } from './harness.ts';

const policy = activatePolicy(bundledPolicy);

test('a run whose checks ask a model keeps what the model said as facts, and its words as payload', async () => {
  const model = askedModel(
    { text: 'safe', modelDigest: 'sha256:46f2' },
    { text: '\n\nunsafe\nS1,S10', modelDigest: 'sha256:46f2', model: 'llama-guard3:8b' },
  );
  const ran = await run(
    planOf('dada', 'a bloody sunset', { policy }),
    portsWith({
      text: answering('A creature made of blood, says Frau Müller'),
      contextCheck: modelContextCheck(policy, model.ask),
    }),
  );
  expect(story(ran).slice(-3)).toEqual(['stage3_safety_check', 'stage3_blocked', 'pipeline_complete']);
  expect(ran.header).toMatchObject({ status: 'completed', outputs_blocked: 1, findings: [] });
  expect(itemOf(ran, 'stage3_blocked').metadata['blocked_codes']).toEqual([
    'fear',
    'violence',
    'llama_guard:3/S1',
    'llama_guard:3/S10',
  ]);
  const stored = ran.events.find(({ type }) => type === 'stage3_safety_check');
  const { checked_terms: _terms, ...facts } = stored?.core.facts ?? {};
  expect(decisionRecord.parse(facts)).toMatchObject({
    model_digest: 'sha256:46f2',
    native: 'unsafe',
    parse_status: 'canonical',
    findings: [
      { list: 'violence-kids' },
      { list: 'fear-kids' },
      { category: 'S1', taxonomy: { id: 'llama_guard', version: '3' } },
      { category: 'S10', taxonomy: { id: 'llama_guard', version: '3' } },
    ],
  });
  expect(stored?.payload?.metadata).toMatchObject({ raw_verdict: '\n\nunsafe\nS1,S10' });
  expect(JSON.stringify(stored?.core)).not.toMatch(/M(ü|\\u00fc)ller|creature/);
  const blocked = ran.events.find(({ type }) => type === 'stage3_blocked')?.core.facts?.['blocked_codes'];
  for (const code of blocked as readonly string[]) expect(isToken(code)).toBe(true);
});

test('a guard that breaks off in the middle of its answer blocks the input, as one that is down does', async () => {
  const model = askedModel({ text: 'safe', finishReason: 'length' });
  const ran = await run(
    planOf('dada', 'a bloody sunset', { policy }),
    portsWith({ contextCheck: modelContextCheck(policy, model.ask) }),
  );
  expect(story(ran).at(-1)).toBe('stage1_blocked');
  expect(itemOf(ran, 'stage1_safety_check').metadata).toMatchObject({
    native: 'safe',
    parse_status: 'unexpected',
    verdict: 'indeterminate',
    enforcement: { action: 'block', basis: 'fail_closed' },
    method: 'llm_check_failed',
  });
  expect(itemOf(ran, 'stage1_blocked').metadata['blocked_reason']).toBe('checker_unavailable');
});
