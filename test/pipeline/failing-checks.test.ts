import { describe, expect, test } from 'vitest';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { decisionRecord } from '../../src/events/decision.ts';
import { statusOf } from '../../src/run/lifecycle.ts';
import { activatePolicy } from '../../src/safety/policy.ts';
import {
  answering,
  downChecker,
  harmless,
  itemOf,
  itemsOf,
  opening,
  planOf,
  portsWith,
  run,
  story,
} from './harness.ts';

describe('the paths of the pipeline where a check fails or is not run', () => {
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
