import { describe, expect, test } from 'vitest';
import {
  type DecisionRecord,
  decisionRecord,
  type SafetyLevel,
  safetyLevels,
} from '../../src/events/decision.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { type CheckedText, checkText, type TextCheck } from '../../src/safety/check-text.ts';
import { builtinContextRules } from '../../src/safety/context-rules.ts';
import { activatePolicy, type PolicyDocument } from '../../src/safety/policy.ts';
import { commitText, tickingClock } from '../pipeline/harness.ts';
import { texts } from './texts.ts';

const never = new AbortController().signal;

function check(
  text: string,
  given: Partial<TextCheck> = {},
  document: PolicyDocument = bundledPolicy,
): Promise<CheckedText> {
  const clock = tickingClock();
  const level: SafetyLevel = 'kids';
  return checkText(
    {
      text,
      language: 'en',
      role: 'user_input',
      checkPoint: 'pre_interception',
      level,
      levelSetBy: 'default',
      ...given,
    },
    { policy: activatePolicy(document), contextCheck: builtinContextRules(clock), commitText, clock },
    never,
  );
}

const signOf = ({ record }: CheckedText): string => {
  const isAsked = record.steps.length > 1;
  if (record.verdict === 'unsafe') return isAsked ? 'u' : 'B';
  return isAsked ? 's' : '.';
};

describe('verdicts differ with the text and the level', () => {
  test.each(texts)('%s %s', async (expected, text) => {
    const signs = await Promise.all(safetyLevels.map(async (level) => signOf(await check(text, { level }))));
    expect(signs.join('')).toBe(expected);
  });

  test('every record of them is a full decision record', async () => {
    for (const [, text] of texts) {
      for (const level of safetyLevels) {
        const { record, metadata } = await check(text, { level });
        expect(decisionRecord.safeParse(record).error).toBeUndefined();
        expect(metadata).toMatchObject(record);
      }
    }
  });
});

describe('the decision record', () => {
  test('says where, on what, by what and how', async () => {
    const { record } = await check('A friendly creature and a horror in the cellar');
    const law = bundledPolicy.lists.filter(({ rules }) => rules.kids !== undefined).map(({ id }) => id);
    expect(record).toMatchObject({
      check_point: 'pre_interception',
      attempt: 1,
      checked: {
        commitment: commitText('A friendly creature and a horror in the cellar'),
        chars: 46,
        lang: 'en',
        role: 'user_input',
      },
      policy: { id: 'workshop', version: 2 },
      taxonomy: { id: 'runledger-workshop', version: '1.0' },
      model_requested: 'builtin/context-rules',
      model_reported: 'builtin/context-rules',
      native: 'unsafe',
      parse_status: 'canonical',
      steps: [
        { method: 'fast_filter', status: 'evaluated', matched: 2, categories: ['fear'] },
        {
          method: 'llm_context_check',
          status: 'evaluated',
          matched: 1,
          categories: ['fear'],
          model: 'builtin/context-rules',
        },
      ],
      findings: [{ category: 'fear', list: 'fear-kids', rule: 'review', count: 1 }],
      ignored_findings: [{ category: 'fear', list: 'fear-kids', rule: 'review', count: 1 }],
      verdict: 'unsafe',
      enforcement: { action: 'block', basis: 'evaluated' },
    } satisfies DeepPartial<DecisionRecord>);
    expect(record.filter_lists.map(({ id }) => id)).toEqual(law);
    for (const step of record.steps) expect(step.duration).toBeGreaterThan(0);
  });

  test('matched terms, their places, the checked text and the raw verdict stand beside it', async () => {
    const text = 'The b.l.o.o.d moon';
    const { metadata, record } = await check(text);
    expect(metadata).toMatchObject({
      found_terms: ['blood'],
      found_at: [{ list: 'violence-kids', term: 'blood', spans: [{ start: 4, end: 13 }] }],
      checked_text: text,
      raw_verdict: 'safe\nblood: figurative (moon)',
    });
    expect(JSON.stringify(record)).not.toContain('blood');
  });

  test('same_as_checked is true of the commitments', async () => {
    expect((await check('x', { generatedFrom: 'x' })).record).toMatchObject({ same_as_checked: true });
    expect((await check('x', { generatedFrom: 'y' })).record).toMatchObject({
      same_as_checked: false,
      generated_from: commitText('y'),
    });
    expect((await check('x')).record).not.toHaveProperty('same_as_checked');
  });

  test('a text with no hit is safe by the fast filter alone: no model, a real time', async () => {
    const checked = await check('a flower');
    expect(checked).toMatchObject({ model: null, backend: null, refusal: null });
    expect(checked.executionSeconds).toBeGreaterThan(0);
    expect(checked.record).not.toHaveProperty('model_requested');
  });

  test('thousands of hits stay within an event', async () => {
    const { metadata, record } = await check('blood '.repeat(20_000));
    expect(record.findings).toEqual([
      { category: 'violence', list: 'violence-kids', rule: 'review', count: 20_000 },
    ]);
    expect((metadata['found_at'] as { spans: unknown[] }[])[0]?.spans).toHaveLength(100);
    expect(JSON.stringify(record).length).toBeLessThan(5_000);
  });

  test('the message is in the language of the text, names what was found and why the rule exists', async () => {
    const german = await check('Überall Blut und ein Hakenkreuz', { language: 'de' });
    expect(german.refusal?.codes).toEqual(['violence', 'law_86a']);
    expect(german.refusal?.reason).toBe('§86a_violation');
    expect(german.refusal?.message).toContain('„hakenkreuz“ (Zeichen verbotener Organisationen)');
    expect(german.refusal?.message).toContain('Paragraf 86a');
    const english = await check('Blood on the wall', { language: 'fr' });
    expect(english.refusal?.message).toContain('We found “blood” in this text (violence)');
  });

  test('a friendly word counts in whatever spelling: the context rules read as the filter does', async () => {
    for (const text of ['Eine süße Kreatur', 'Eine SÜSSE Kreatur'])
      expect((await check(text)).record.verdict).toBe('safe');
  });

  test('an aborted check throws, and decides nothing', async () => {
    const clock = tickingClock();
    const ports = {
      policy: activatePolicy(bundledPolicy),
      contextCheck: builtinContextRules(clock),
      commitText,
      clock,
    };
    const asked = {
      text: 'blood',
      language: undefined,
      role: 'user_input',
      checkPoint: 'manual',
      level: 'kids',
      levelSetBy: 'request',
    } as const;
    await expect(checkText(asked, ports, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    const controller = new AbortController();
    const stalled = {
      model: 'm',
      check: () => {
        controller.abort(new Error('gone too'));
        return Promise.reject(new Error('socket closed'));
      },
    };
    await expect(checkText(asked, { ...ports, contextCheck: stalled }, controller.signal)).rejects.toThrow(
      'gone too',
    );
  });
});

type DeepPartial<T> = { [K in keyof T]?: T[K] extends object ? DeepPartial<T[K]> : T[K] };
