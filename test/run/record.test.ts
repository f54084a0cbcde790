import { describe, expect, test } from 'vitest';
import type { ItemDraft } from '../../src/events/item.ts';
import type { Origin } from '../../src/run/lifecycle.ts';
import { headerOf, initialRecordState, replayRecord, summaryOf } from '../../src/run/record.ts';
import { runBench, type RunBench } from '../run-bench.ts';
import {
  allow,
  block,
  draftOf,
  inLoop,
  inputCheck,
  iteration,
  outputCheck,
  type StoryItem,
} from './run-story.ts';

const run = 'exec_20260101_000000_00000001';
const start: ItemDraft = {
  item_type: 'pipeline_start',
  user_id: 'anna',
  session_id: 'A 1',
  metadata: {
    config_name: 'dada',
    execution_mode: 'eco',
    safety_level: 'kids',
    seed: 7,
    user_id: 'anna',
    session_id: 'A 1',
    request_timestamp: null,
  },
};
const final: ItemDraft = { item_type: 'interception_final', content: 'A flower' };
const image = (loop: number, name: string): ItemDraft => ({
  ...inLoop(loop, 'output_image'),
  media_type: 'image',
  config_used: name,
  file_path: `/api/media/${loop}`,
});
const error: ItemDraft = {
  item_type: 'pipeline_error',
  stage: 2,
  content: 'gone',
  metadata: { error_type: 'ModelError', error_stage: 2, error_message: 'model not found' },
};
const begun = [start, 'run_claimed', { item_type: 'user_input_text', content: 'Eine Blume' }, inputCheck()];

async function recorded(story: readonly StoryItem[], by: Origin = 'own'): Promise<RunBench> {
  const bench = runBench();
  const items = story.map((item, index) => ({
    draft: draftOf(item),
    time: `2026-01-01T00:00:${String(index).padStart(2, '0')}.500Z`,
  }));
  await bench.recorder.record({ executionId: run, by, run: 'new', items });
  return bench;
}

describe('the record of each path of the pipeline', () => {
  test.each<[string, readonly StoryItem[], object]>([
    [
      'begun',
      [start],
      { status: 'pending', is_terminal: false, completed_at: null, total_execution_time: null, result: null },
    ],
    ['claimed', begun, { status: 'running', is_terminal: false, items_count: 4, version: 3, result: null }],
    [
      'text only',
      [...begun, final, 'pipeline_complete'],
      {
        status: 'completed',
        completed_at: '2026-01-01T00:00:05.500Z',
        total_execution_time: 5,
        result: { text: 'A flower', media: [] },
      },
    ],
    [
      'two outputs',
      [
        ...begun,
        final,
        outputCheck(1),
        image(1, 'sd35_large'),
        outputCheck(2),
        image(2, 'gpt 5'),
        'pipeline_complete',
      ],
      {
        status: 'completed',
        outputs_generated: 2,
        result: {
          text: 'A flower',
          media: [
            {
              sequence_number: 7,
              loop_iteration: 1,
              config: 'sd35_large',
              file_path: '/api/media/1',
              media_type: 'image',
            },
            { sequence_number: 9, loop_iteration: 2, config: 'gpt 5', file_path: '/api/media/2' },
          ],
        },
      },
    ],
    [
      'a telephone game',
      [...begun, iteration(1), iteration(2), final, 'pipeline_complete'],
      { status: 'completed', outputs_generated: 0 },
    ],
    [
      'a stage-1 block',
      [...begun.slice(0, 3), inputCheck(block), 'stage1_blocked'],
      {
        status: 'blocked',
        is_terminal: true,
        error: null,
        outputs_blocked: 0,
        result: { text: null, media: [] },
      },
    ],
    [
      'a stage-2 error',
      [...begun, error],
      { status: 'failed', error: { type: 'ModelError', stage: 2, message: 'model not found' } },
    ],
    [
      'a stage-3 block',
      [
        ...begun,
        final,
        outputCheck(1, block),
        inLoop(1, 'stage3_blocked'),
        outputCheck(2),
        image(2, 'x'),
        'pipeline_complete',
      ],
      { status: 'completed', outputs_generated: 1, outputs_blocked: 1 },
    ],
    [
      'a stage-4 failure',
      [...begun, final, outputCheck(1), inLoop(1, 'output_failed'), 'pipeline_complete'],
      { status: 'completed', outputs_generated: 0, outputs_failed: 1 },
    ],
    [
      'a medium that was withheld',
      [...begun, final, outputCheck(1), image(1, 'x'), inLoop(1, 'stage4_blocked'), 'pipeline_complete'],
      {
        status: 'completed',
        outputs_generated: 0,
        outputs_blocked: 1,
        result: { text: 'A flower', media: [] },
      },
    ],
    [
      'cancelled',
      [...begun, 'cancel_requested', 'run_cancelled'],
      { status: 'cancelled', cancelled_at: '2026-01-01T00:00:05.500Z' },
    ],
  ])('%s', async (_, story, expected) => {
    const bench = await recorded(story);
    const record = bench.recordOf(run);
    expect(record).toMatchObject({
      execution_id: run,
      config_name: 'dada',
      workflow_id: 'dada',
      execution_mode: 'eco',
      safety_level: 'kids',
      used_seed: 7,
      user_id: 'anna',
      session_id: 'A 1',
      taxonomy_version: '1.1',
      timestamp: '2026-01-01T00:00:00.500Z',
      started_at: '2026-01-01T00:00:00.500Z',
      scope_type: null,
      findings: [],
      ...expected,
    });
    expect(record.items_count).toBe(story.length);
    expect(record.version).toBe(story.length - 1);
    expect(record.items).toHaveLength(story.length);
    expect(record).not.toHaveProperty('source');
    expect(record).not.toHaveProperty('erased');
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });
});

test('what was known at an earlier item is the replay up to it', async () => {
  const bench = await recorded([...begun, final, outputCheck(1), image(1, 'x'), 'pipeline_complete']);
  const events = bench.eventsOf(run);
  expect(replayRecord(run, events.slice(0, 4))).toMatchObject({
    status: 'running',
    items_count: 4,
    result: null,
  });
  expect(replayRecord(run, events.slice(0, 7))).toMatchObject({ status: 'running', outputs_generated: 1 });
  expect(() => replayRecord(run, [])).toThrow(TypeError);
});

test('an erased record keeps its course, counts and decisions, and nothing a person wrote', async () => {
  const story = [...begun, final, outputCheck(1, allow), image(1, 'x'), error];
  const bench = await recorded(story);
  bench.keys.clear();
  const record = bench.recordOf(run);
  expect(record).toMatchObject({
    status: 'failed',
    config_name: 'dada',
    safety_level: 'kids',
    used_seed: 7,
    user_id: null,
    session_id: null,
    outputs_generated: 1,
    items_count: story.length,
    error: { type: 'ModelError', stage: 2, message: null },
    result: { text: null, media: [{ config: 'x', file_path: null }] },
    erased: true,
  });
  expect(record.items[3]).toMatchObject({ metadata: allow });
  expect(JSON.stringify(record)).not.toMatch(/anna|A 1|Blume|flower|not found/);
});

test('members of an imported record win over those that its start repeats', async () => {
  const members = {
    config_name: 'bauhaus',
    safety_level: 'teens',
    total_execution_time: 9,
    device: 'tablet',
  };
  const bench = await recorded(
    [{ ...start, user_id: 'ben', record: members }, 'pipeline_complete'],
    'import',
  );
  const record = bench.recordOf(run);
  expect(record).toMatchObject({
    config_name: 'bauhaus',
    safety_level: 'youth',
    user_id: 'ben',
    device: 'tablet',
    total_execution_time: 9,
    source: { safety_level: 'teens' },
  });
  expect(record.findings).toMatchObject([{ rule: 'total_time_differs', sequence_number: null }]);
});

test('what the first item says of itself is no member of the record unless it starts the run', async () => {
  const bench = await recorded(
    [{ item_type: 'log_entry', metadata: { config_name: 'x', user_id: 'y' } }],
    'foreign',
  );
  expect(bench.recordOf(run)).toMatchObject({ config_name: null, user_id: null, status: 'running' });
});

test('a run without events has no summary', () => {
  expect(() => summaryOf(initialRecordState(run))).toThrow(/no events/);
  expect(() => headerOf(initialRecordState(run))).toThrow(/no events/);
});
