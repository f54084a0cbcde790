import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { catalogued } from '../../src/events/catalogue.ts';
import type { ItemDraft } from '../../src/events/item.ts';
import { upcastType } from '../../src/events/upcast.ts';
import {
  evolve,
  initialRunState,
  isTerminal,
  type Origin,
  type RunState,
  runStatuses,
  statusOf,
} from '../../src/run/lifecycle.ts';
import { anyDraft, itemTypes } from '../events/items.ts';
import {
  allow,
  block,
  coreOf,
  decision,
  draftOf,
  folded,
  inLoop,
  inputCheck,
  iteration,
  outputCheck,
  ruleFor,
  skip,
  type StoryItem,
} from './run-story.ts';

describe('the status follows from the items', () => {
  test.each<[string, Origin, readonly StoryItem[]]>([
    ['pending', 'own', ['pipeline_start']],
    ['pending', 'own', ['pipeline_start', 'user_input_text']],
    ['running', 'own', ['pipeline_start', 'run_claimed']],
    ['running', 'foreign', ['user_input_text']],
    ['paused', 'own', ['pipeline_start', 'run_claimed', 'run_paused']],
    ['running', 'own', ['pipeline_start', 'run_claimed', 'run_paused', 'run_resumed']],
    ['paused', 'own', ['pipeline_start', 'run_claimed', 'run_paused', 'run_recovered']],
    ['waiting_clarification', 'own', ['pipeline_start', 'run_claimed', 'clarification_requested']],
    [
      'running',
      'own',
      ['pipeline_start', 'run_claimed', 'clarification_requested', 'clarification_answered'],
    ],
    ['cancelling', 'own', ['pipeline_start', 'run_claimed', 'cancel_requested']],
    ['cancelling', 'own', ['pipeline_start', 'run_claimed', 'cancel_requested', 'run_paused', 'run_resumed']],
    ['cancelling', 'own', ['pipeline_start', 'cancel_requested', 'run_claimed', 'clarification_requested']],
    ['cancelled', 'own', ['pipeline_start', 'cancel_requested', 'run_cancelled', 'late_result_discarded']],
    ['cancelled', 'own', ['pipeline_start', 'run_cancelled', 'pipeline_complete']],
    ['completed', 'own', ['pipeline_start', 'pipeline_complete']],
    ['failed', 'foreign', ['pipeline_start', 'pipeline_error']],
    ['blocked', 'foreign', ['pipeline_start', 'stage1_blocked']],
    ['incomplete', 'import', ['pipeline_start', 'interception_final']],
    ['completed', 'import', ['pipeline_complete']],
  ])('%s (%s): %j', (status, by, story) => {
    const state = folded(by, story);
    expect(statusOf(state)).toBe(status);
    const open = ['pending', 'running', 'paused', 'waiting_clarification', 'cancelling'].includes(status);
    expect(isTerminal(state)).toBe(!open);
  });
});

const rulesOf = (by: Origin, story: readonly StoryItem[]): readonly (readonly [string, number | null])[] =>
  folded(by, story).findings.map(({ rule, sequence_number: seq }) => [rule, seq] as const);
const image = (loop: number): ItemDraft => inLoop(loop, 'output_image');

describe('what a record does not prove is a finding', () => {
  test.each<[string, readonly StoryItem[], readonly (readonly [string, number])[]]>([
    ['no start', ['user_input_text'], [['no_start', 1]]],
    [
      'an item after the end',
      ['pipeline_start', 'pipeline_complete', 'user_input_text'],
      [['item_after_terminal', 3]],
    ],
    ['a review after the end is none', ['pipeline_start', 'pipeline_complete', 'decision_annotated'], []],
    ['a gap in the iterations', ['pipeline_start', iteration(1), iteration(3)], [['iteration_gap', 3]]],
    ['an output without a decision', ['pipeline_start', image(1)], [['output_without_decision', 2]]],
    [
      'a decision for another output',
      ['pipeline_start', outputCheck(2), image(1)],
      [['output_without_decision', 3]],
    ],
    [
      'an output against its decision',
      ['pipeline_start', outputCheck(1, block), image(1)],
      [['output_against_decision', 3]],
    ],
    ['a skip is a recorded reason', ['pipeline_start', skip(3, 1), image(1)], []],
    [
      'an output that names no loop',
      ['pipeline_start', 'output_image'],
      [
        ['loop_missing', 2],
        ['output_without_decision', 2],
      ],
    ],
    [
      'an old check',
      ['pipeline_start', inputCheck({ safe: true, method: 'fast_filter' })],
      [['check_without_evidence', 2]],
    ],
    [
      'an old check that failed and let pass',
      ['pipeline_start', outputCheck(1, { safe: true, method: 'llm_check_failed' }), image(1)],
      [['check_failed_open', 2]],
    ],
    [
      'a check of today that failed open',
      ['pipeline_start', inputCheck(decision('indeterminate', 'allow', 'fail_open'))],
      [['check_failed_open', 2]],
    ],
    [
      'other counts than the items',
      ['pipeline_start', inLoop(1, 'pipeline_complete', { total_items_logged: 7, outputs_generated: 2 })],
      [
        ['items_count_differs', 2],
        ['outputs_count_differs', 2],
      ],
    ],
  ])('%s', (_, story, findings) => {
    expect(rulesOf('foreign', story)).toEqual(findings);
  });
});

test('a withheld medium no longer counts as generated, and takes nothing from other outputs', () => {
  const story = ['pipeline_start', outputCheck(1), image(1), outputCheck(2), inLoop(2, 'stage4_blocked')];
  expect(folded('own', story)).toMatchObject({ outputsGenerated: 1, outputsBlocked: 1 });
  const withheld = [...story.slice(0, 4), image(2), image(2), inLoop(2, 'stage4_blocked')];
  expect(folded('own', withheld)).toMatchObject({ outputsGenerated: 1, outputsBlocked: 1 });
});

const effectOf = (draft: ItemDraft): string => catalogued(upcastType(draft.item_type))?.effect ?? 'none';
const anyOrigin = fc.constantFrom<Origin[]>('own', 'foreign', 'import');
/** Items that mean something to a run, more often than chance would send them. */
const telling = fc.oneof(
  fc.constantFrom(...itemTypes).map((type) => draftOf(type)),
  fc
    .constantFrom(allow, block, decision('indeterminate', 'allow', 'fail_open'))
    .map((facts) => inputCheck(facts)),
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(allow, block))
    .map(([loop, facts]) => outputCheck(loop, facts)),
  fc
    .tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom('output_image', 'output_text', 'output_failed', 'stage3_blocked', 'stage4_blocked'),
    )
    .map(([loop, type]) => inLoop(loop, type)),
  fc.integer({ min: 1, max: 4 }).map(iteration),
  fc
    .tuple(fc.constantFrom(1, 3, 4), fc.integer({ min: 1, max: 3 }))
    .map(([stage, loop]) => skip(stage, loop)),
);
const anySequence = fc.array(fc.oneof({ weight: 3, arbitrary: telling }, anyDraft), {
  maxLength: 30,
  size: 'max',
});

describe('laws of the fold, for any sequence of any items', () => {
  test('evolve takes everything, the status is one of the list, and the version counts the items', () => {
    fc.assert(
      fc.property(anyOrigin, anySequence, (by, drafts) => {
        let state: RunState = initialRunState;
        for (const [index, draft] of drafts.entries()) {
          const before = state;
          state = evolve(state, coreOf(draft, by, index + 1));
          expect(runStatuses).toContain(statusOf(state));
          expect(state.version).toBe(index);
          expect(state.findings.slice(0, before.findings.length)).toEqual(before.findings);
          if (before.terminalAt !== null) {
            const { version: _, findings: __, ...rest } = state;
            expect(before).toMatchObject(rest);
          }
        }
        expect(JSON.parse(JSON.stringify(state))).toEqual(state);
      }),
      { numRuns: 400 },
    );
  });

  test('counts derive from the items up to the one that ended the run', () => {
    fc.assert(
      fc.property(anyOrigin, anySequence, (by, drafts) => {
        const state = folded(by, drafts);
        const counted = drafts.slice(0, state.terminalAt ?? drafts.length);
        const count = (...effects: readonly string[]): number =>
          counted.filter((draft) => effects.includes(effectOf(draft))).length;
        expect(state.outputsFailed).toBe(count('fail_output'));
        expect(state.outputsBlocked).toBe(count('block_output', 'withhold_output'));
        const loops = new Map<number, number>();
        for (const draft of counted) {
          const { loop_iteration: number } = coreOf(draft, by, 1);
          const loop = number ?? 0;
          if (effectOf(draft) === 'deliver_output') loops.set(loop, (loops.get(loop) ?? 0) + 1);
          if (effectOf(draft) === 'withhold_output') loops.delete(loop);
        }
        expect(state.outputsGenerated).toBe([...loops.values()].reduce((sum, outputs) => sum + outputs, 0));
      }),
      { numRuns: 400 },
    );
  });
});

describe('laws of the decider, for any sequence of any items', () => {
  const kept = (by: Origin, drafts: readonly ItemDraft[]): readonly ItemDraft[] => {
    let state: RunState = initialRunState;
    const taken: ItemDraft[] = [];
    for (const draft of drafts) {
      if (ruleFor(state, by, draft) !== 'allowed') continue;
      taken.push(draft);
      state = evolve(state, coreOf(draft, by, taken.length));
    }
    return taken;
  };

  test('it throws nothing but RULE_BROKEN, and refuses what no later moment of an ended run would take', () => {
    fc.assert(
      fc.property(fc.constantFrom<Origin[]>('own', 'foreign'), anySequence, (by, drafts) => {
        const taken = kept(by, drafts);
        const { terminalAt } = folded(by, taken);
        for (const draft of taken.slice(terminalAt ?? taken.length)) {
          expect(catalogued(upcastType(draft.item_type))?.afterTerminal).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('what it takes of our own pipeline breaks no rule', () => {
    const told = ['check_failed_open', 'items_count_differs', 'outputs_count_differs'];
    let outputs = 0;
    fc.assert(
      fc.property(anySequence, (drafts) => {
        const taken = kept('own', [draftOf('pipeline_start'), inputCheck(), ...drafts]);
        const state = folded('own', taken);
        expect(state.findings.filter(({ rule }) => !told.includes(rule))).toEqual([]);
        outputs += state.outputsGenerated;
      }),
      { numRuns: 600 },
    );
    expect(outputs).toBeGreaterThan(50);
  });
});
