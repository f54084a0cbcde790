import { describe, expect, test } from 'vitest';
import { catalogue } from '../../src/events/catalogue.ts';
import type { ItemDraft } from '../../src/events/item.ts';
import type { RunState } from '../../src/run/lifecycle.ts';
import {
  allow,
  block,
  decision,
  draftOf,
  inLoop,
  inputCheck,
  iteration,
  outputCheck,
  ruleFor,
  folded,
  skip,
  type StoryItem,
  verdictOn,
} from './run-story.ts';

const begun: readonly StoryItem[] = ['pipeline_start', 'run_claimed', 'user_input_text'];
const checked: readonly StoryItem[] = [...begun, inputCheck(), 'translation_result'];
const written: readonly StoryItem[] = [...checked, 'interception_final'];
const image = (loop: number): ItemDraft => inLoop(loop, 'output_image');
const blocked = (loop: number): ItemDraft => inLoop(loop, 'stage3_blocked');
const failed = (loop: number): ItemDraft => inLoop(loop, 'output_failed');
const iterations = (count: number): readonly ItemDraft[] =>
  Array.from({ length: count }, (_, index) => iteration(index + 1));

describe('the paths of the pipeline are accepted item by item', () => {
  test.each<[string, readonly StoryItem[]]>([
    ['text only', [...written, 'pipeline_complete']],
    ['one image', [...written, outputCheck(1), image(1), 'pipeline_complete']],
    ['two outputs', [...written, outputCheck(1), image(1), outputCheck(2), image(2), 'pipeline_complete']],
    ['several media of one output', [...written, outputCheck(1), image(1), image(1), 'pipeline_complete']],
    ['the telephone game', [...checked, ...iterations(8), 'interception_final', 'pipeline_complete']],
    ['a stage-1 block', [...begun, inputCheck(block), 'stage1_blocked']],
    ['a stage-2 error', [...checked, ...iterations(3), 'pipeline_error']],
    [
      'a stage-3 block of one output',
      [...written, outputCheck(1, block), blocked(1), outputCheck(2), image(2), 'pipeline_complete'],
    ],
    [
      'a stage-4 failure',
      [...written, outputCheck(1), failed(1), outputCheck(2), image(2), 'pipeline_complete'],
    ],
    [
      'a checker that is down, fail closed',
      [...begun, inputCheck(decision('indeterminate', 'block', 'fail_closed')), 'stage1_blocked'],
    ],
    [
      'a checker that is down, fail open',
      [...begun, inputCheck(decision('indeterminate', 'allow', 'fail_open')), 'interception_final'],
    ],
    ['the check after the translation', [...begun, 'translation_result', inputCheck(), 'interception_final']],
    ['level research', [...written, outputCheck(1), skip(3, 1), image(1), 'pipeline_complete']],
    ['checks that are switched off', [...begun, skip(1), 'interception_final', skip(3, 1), image(1)]],
    [
      'text and image as input',
      [...begun, 'user_input_image', inputCheck(), inputCheck(), 'interception_final'],
    ],
    [
      'what may follow the end',
      [...written, 'pipeline_complete', 'log_entry', 'usage_recorded', 'content_erased'],
    ],
  ])('%s', (_, story) => {
    for (const [index, item] of story.entries()) {
      expect(verdictOn('own', story.slice(0, index), item)).toBe('allowed');
    }
  });
});

describe('our own pipeline keeps every rule', () => {
  test.each<[string, readonly StoryItem[], StoryItem, string]>([
    ['nothing before the start', [], 'user_input_text', 'start_first'],
    ['one start only', begun, 'pipeline_start', 'one_start'],
    ['no text without a decision on the input', begun, 'interception_final', 'input_decided'],
    ['no iteration without one', begun, iteration(1), 'input_decided'],
    ['no text after a refusal', [...begun, inputCheck(block)], 'interception_final', 'input_decided'],
    [
      'a refusal stands when another check passes after it',
      [...begun, inputCheck(block), inputCheck()],
      'interception_final',
      'input_decided',
    ],
    [
      'a skip does not lift a refusal',
      [...begun, inputCheck(block), skip(1)],
      'interception_final',
      'input_decided',
    ],
    [
      'a decision that supersedes the refusal lifts it',
      [...begun, inputCheck(block), inputCheck({ ...allow, supersedes: 4 })],
      'interception_final',
      'allowed',
    ],
    [
      'a decision that supersedes another does not',
      [...begun, inputCheck(block), inputCheck({ ...allow, supersedes: 3 })],
      'interception_final',
      'input_decided',
    ],
    ['no block without a refusal', [...begun, inputCheck()], 'stage1_blocked', 'block_needs_refusal'],
    ['no block without any decision', begun, 'stage1_blocked', 'block_needs_refusal'],
    ['iterations begin with 1', checked, iteration(2), 'iteration_gap'],
    ['iterations have no gap', [...checked, iteration(1)], iteration(3), 'iteration_gap'],
    ['iterations do not repeat', [...checked, iteration(1)], iteration(1), 'iteration_gap'],
    ['an iteration has its number', checked, 'interception_iteration', 'iteration_gap'],
    ['no output without a decision', written, image(1), 'output_without_decision'],
    [
      'a decision counts for its own output',
      [...written, outputCheck(1)],
      image(2),
      'output_without_decision',
    ],
    [
      'no output against its decision',
      [...written, outputCheck(1, block)],
      image(1),
      'output_against_decision',
    ],
    [
      'no output after its block',
      [...written, outputCheck(1, block), blocked(1)],
      image(1),
      'output_against_decision',
    ],
    [
      'a skip does not lift a refusal of an output',
      [...written, outputCheck(1, block), skip(3, 1)],
      image(1),
      'output_against_decision',
    ],
    [
      'a skipped look at the medium is no decision',
      [...written, skip(4, 1)],
      image(1),
      'output_without_decision',
    ],
    ['no failed output without a decision', written, failed(1), 'output_without_decision'],
    ['no output block without a refusal', [...written, outputCheck(1)], blocked(1), 'block_needs_refusal'],
    ['an output says which one it is', [...written, 'stage3_safety_check'], 'output_image', 'loop_missing'],
    ['a decision says for which output', written, 'stage3_safety_check', 'loop_missing'],
    ['an allow needs a safe verdict', begun, inputCheck(decision('unsafe', 'allow')), 'allow_needs_grounds'],
    [
      'indeterminate is not safe',
      written,
      outputCheck(1, decision('indeterminate', 'allow')),
      'allow_needs_grounds',
    ],
    [
      'a skip of an unsafe verdict needs grounds',
      begun,
      inputCheck(decision('unsafe', 'skip')),
      'allow_needs_grounds',
    ],
    ['an override names itself', begun, inputCheck(decision('unsafe', 'allow', 'override')), 'allowed'],
    [
      'a policy skip names itself',
      begun,
      inputCheck(decision('indeterminate', 'skip', 'policy_skip')),
      'allowed',
    ],
    [
      'a decision is recorded in full',
      begun,
      inputCheck({ safe: true, method: 'fast_filter' }),
      'allow_needs_grounds',
    ],
    ['nothing follows the end', [...written, 'pipeline_complete'], 'user_input_text', 'item_after_terminal'],
    [
      'nothing follows a block',
      [...begun, inputCheck(block), 'stage1_blocked'],
      'interception_final',
      'item_after_terminal',
    ],
    ['no second end', [...written, 'pipeline_complete'], 'pipeline_error', 'item_after_terminal'],
    [
      'nothing unknown follows the end',
      [...written, 'run_cancelled'],
      'wikipedia_lookup',
      'item_after_terminal',
    ],
  ])('%s', (_, given, when, then) => {
    expect(verdictOn('own', given, when)).toBe(then);
  });
});

describe('a foreign pipeline is refused for shape, gaps and what follows the end only', () => {
  test.each<[string, readonly StoryItem[], StoryItem, string]>([
    ['an output without a decision is stored', ['pipeline_start'], image(1), 'allowed'],
    [
      'an output against its decision is stored',
      ['pipeline_start', outputCheck(1, block)],
      image(1),
      'allowed',
    ],
    ['an old check is stored', [], inputCheck({ safe: true, method: 'llm_check_failed' }), 'allowed'],
    ['an unknown type is stored', ['pipeline_start'], 'wikipedia_lookup', 'allowed'],
    ['any first item is stored', [], 'user_input_text', 'allowed'],
    ['text without a decision is stored', ['pipeline_start'], 'interception_final', 'allowed'],
    ['a gap in the iterations is refused', ['pipeline_start', iteration(1)], iteration(3), 'iteration_gap'],
    [
      'an old name of the final text does not hide the end',
      ['pipeline_complete'],
      'interception_result',
      'item_after_terminal',
    ],
    ['an item after the end is refused', ['pipeline_error'], 'output_image', 'item_after_terminal'],
    ['a second start is refused', ['pipeline_start'], 'pipeline_start', 'one_start'],
  ])('%s', (_, given, when, then) => {
    expect(verdictOn('foreign', given, when)).toBe(then);
  });
});

test('an import is never vetoed, at no point of any run', () => {
  const states = [begun, written, [...written, 'pipeline_complete'], [] as const].map((story) =>
    folded('own', story),
  );
  for (const state of states) {
    for (const type of [...Object.keys(catalogue), 'anything']) {
      expect(ruleFor(state, 'import', draftOf(type))).toBe('allowed');
    }
  }
});

test('after the last item of an import only what may follow an end is taken', () => {
  const given = ['pipeline_start', 'user_input_text'];
  const state = folded('import', given);
  expect(ruleFor(state, 'foreign', draftOf('user_input_text'))).toBe('item_after_terminal');
  expect(ruleFor(state, 'foreign', draftOf('decision_annotated'))).toBe('allowed');
});

describe('a run that our own pipeline records takes no items of a foreign one', () => {
  test.each<[string, StoryItem, string]>([
    ['not even a harmless one', 'wikipedia_lookup', 'other_recorder'],
    ['no output', image(1), 'other_recorder'],
    ['nor a review, which has rules of its own', 'decision_overridden', 'other_recorder'],
    ['but what may follow an end may come at any time', 'log_entry', 'allowed'],
  ])('%s', (_, when, then) => {
    expect(ruleFor(folded('own', written), 'foreign', draftOf(when))).toBe(then);
  });
});

const claimedBy = (worker: string, type = 'run_claimed'): ItemDraft => ({
  item_type: type,
  metadata: { worker },
});

describe('a run is executed by one worker', () => {
  const taken = folded('own', ['pipeline_start', claimedBy('w1')]);
  const lost = folded('own', ['pipeline_start', claimedBy('w1'), claimedBy('w2', 'run_recovered')]);
  test.each<[string, RunState, string, StoryItem, string]>([
    ['the one that claimed it records', taken, 'w1', inputCheck(), 'allowed'],
    ['another does not', taken, 'w2', inputCheck(), 'other_worker'],
    ['another may take it over', taken, 'w2', claimedBy('w2', 'run_recovered'), 'allowed'],
    ['then the first does not any more', lost, 'w1', inputCheck(), 'other_worker'],
    ['nor does it end the run', lost, 'w1', 'pipeline_error', 'other_worker'],
    ['what came too late still leaves its trace', lost, 'w1', 'late_result_discarded', 'allowed'],
    ['before any claim nobody does', folded('own', ['pipeline_start']), 'w1', inputCheck(), 'other_worker'],
  ])('%s', (_, state, worker, item, then) => {
    expect(ruleFor(state, 'own', draftOf(item), worker)).toBe(then);
  });
});

describe('steering', () => {
  const cancelling: readonly StoryItem[] = [...written, 'cancel_requested'];
  const paused: readonly StoryItem[] = [...written, 'run_paused'];
  test.each<[string, readonly StoryItem[], StoryItem, string]>([
    ['a cancel ends with run_cancelled', cancelling, 'run_cancelled', 'allowed'],
    ['and with nothing else', cancelling, 'pipeline_complete', 'run_cancelling'],
    ['not even with an error', cancelling, 'pipeline_error', 'run_cancelling'],
    ['no output follows it', [...cancelling, outputCheck(1)], image(1), 'run_cancelling'],
    ['no step begins', cancelling, 'step_started', 'run_cancelling'],
    ['it is asked for once', cancelling, 'cancel_requested', 'run_cancelling'],
    ['nothing undoes it', cancelling, 'run_resumed', 'run_cancelling'],
    ['a worker may take the run up to end it', cancelling, claimedBy('w2', 'run_recovered'), 'allowed'],
    ['what came too late leaves a trace', cancelling, 'late_result_discarded', 'allowed'],
    ['nothing is cancelled that nobody asked to cancel', written, 'run_cancelled', 'wrong_status'],
    ['what runs is paused', written, 'run_paused', 'allowed'],
    ['what waits is paused', ['pipeline_start'], 'run_paused', 'allowed'],
    ['what is paused is not paused again', paused, 'run_paused', 'wrong_status'],
    ['what is paused is resumed', paused, 'run_resumed', 'allowed'],
    ['what runs is not resumed', written, 'run_resumed', 'wrong_status'],
    ['a step that was under way is recorded in a pause', [...paused, outputCheck(1)], image(1), 'allowed'],
    ['what is paused is cancelled', paused, 'cancel_requested', 'allowed'],
  ])('%s', (_, given, when, then) => {
    expect(verdictOn('own', given, when)).toBe(then);
  });

  test('is for runs that are executed here', () => {
    for (const type of ['cancel_requested', 'run_paused', 'run_claimed'])
      expect(ruleFor(folded('foreign', ['pipeline_start']), 'own', draftOf(type))).toBe('other_recorder');
  });
});
