import { describe, expect, test } from 'vitest';
import { importRecord } from '../../src/import/import-record.ts';
import {
  maxItemBytes,
  type OldRecord,
  parseOldRecord,
  type ReadOptions,
} from '../../src/import/old-record.ts';
import { maxAppendBytes } from '../../src/event-store/port.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { runBench } from '../run-bench.ts';
import { missingMembers } from './source-record.ts';

const start = { item_type: 'pipeline_start', stage: 0, timestamp: '2025-07-01T12:00:00.000001' };

function readable(source: unknown, options: ReadOptions = {}): OldRecord {
  const record = parseOldRecord(source, options);
  if (record.kind === 'refused') throw new Error(record.reason);
  return record;
}

async function imported(source: unknown, options: ReadOptions = {}): Promise<ExecutionRecord> {
  const bench = runBench();
  const record = readable(source, options);
  const result = await importRecord(record, bench);
  const shown = bench.recordOf(record.executionId);
  expect(result).toMatchObject({ outcome: 'imported', findings: shown.findings });
  return shown;
}

const withItem = (item: object): object => ({ execution_id: 'odd-1', items: [{ ...start, ...item }] });
const rulesOf = (record: ExecutionRecord): readonly string[] => record.findings.map(({ rule }) => rule);

describe('times', () => {
  test.each([
    ['without a zone are UTC by default', '2025-07-01T12:00:00.000417', {}, '2025-07-01T12:00:00.000417Z'],
    [
      'without a zone are read in the given one',
      '2025-07-01T12:00:00.000417',
      { timeZone: 'Europe/Berlin' },
      '2025-07-01T10:00:00.000417Z',
    ],
    [
      'in winter have the winter’s offset',
      '2025-11-03 20:52:39',
      { timeZone: 'Europe/Berlin' },
      '2025-11-03T19:52:39Z',
    ],
    [
      'with an offset keep it, whatever zone is given',
      '2025-07-01T12:00:00.5+05:30',
      { timeZone: 'Europe/Berlin' },
      '2025-07-01T06:30:00.5Z',
    ],
    ['with an offset without colon are read', '2025-07-01T12:00:00+0200', {}, '2025-07-01T10:00:00Z'],
    ['keep nine digits', '2025-07-01T12:00:00.123456789Z', {}, '2025-07-01T12:00:00.123456789Z'],
  ])('%s', async (_, timestamp, options, expected) => {
    const record = await imported(withItem({ timestamp }), options);
    expect(record.items[0]?.timestamp).toBe(expected);
  });

  test('that the change of clocks makes doubtful are a finding', async () => {
    const record = await imported(withItem({ timestamp: '2025-10-26T02:30:00' }), {
      timeZone: 'Europe/Berlin',
    });
    expect(record.items[0]?.timestamp).toBe('2025-10-26T00:30:00Z');
    expect(rulesOf(record)).toContain('time_doubtful');
  });

  test('that are missing are shown as those of what stands before, with a finding', async () => {
    const source = {
      execution_id: 'odd-1',
      timestamp: '2025-07-01T12:00:00',
      items: [{ item_type: 'pipeline_start' }, { item_type: 'log_entry', timestamp: null }],
    };
    const record = await imported(source);
    expect(record.items.map(({ timestamp }) => timestamp)).toEqual([
      '2025-07-01T12:00:00Z',
      '2025-07-01T12:00:00Z',
    ]);
    expect(rulesOf(record).filter((rule) => rule === 'time_missing')).toHaveLength(2);
    expect(missingMembers(source, record)).toEqual([]);
  });
});

describe('what breaks a rule is kept whole and listed', () => {
  test.each<[string, object, string | null]>([
    ['an item_type that is no identifier', { item_type: 'My Type!' }, 'item_type_unreadable'],
    ['an item_type that is no text', { item_type: { a: 1 } }, 'item_type_unreadable'],
    ['a stage that does not exist', { stage: 9 }, 'member_invalid'],
    ['a stage as text', { stage: '1' }, 'member_invalid'],
    ['a medium that we do not know', { media_type: 'hologram' }, 'member_invalid'],
    ['a negative time', { execution_time: -1 }, 'member_invalid'],
    ['a content that is no text', { content: { a: ['b'] } }, 'member_invalid'],
    ['metadata that is no object', { metadata: ['a'] }, 'member_invalid'],
    ['metadata that is null', { metadata: null }, null],
    ['a number of its own', { sequence_number: 17 }, 'sequence_differs'],
    ['a model name with spaces', { model_used: 'My Model (preview)' }, null],
    ['two names for the backend', { backend_type: 'ollama', backend_used: 'comfyui' }, null],
    ['an output index of zero', { item_type: 'output_image', output_config_index: 0 }, 'loop_missing'],
    ['a member called source', { source: 'web', backend_type: 'ollama' }, null],
    [
      'a source that says other things',
      { source: { item_type: 'x', a: 1 }, item_type: 'interception_result' },
      null,
    ],
    [
      'members of other layers',
      { user_id: 'u', session_id: 4, record: { a: 1 }, extra: [1], erased: 'no' },
      null,
    ],
    ['a job id in two places', { prompt_id: 'a', metadata: { prompt_id: 'b' } }, null],
    ['facts of other types', { metadata: { safety_level: 'off', seed: 'x', config_name: 'a b' } }, null],
    ['a lookalike of an inherited name', { metadata: { safety_level: 'toString' }, hasOwnProperty: 1 }, null],
  ])('%s', async (_, item, rule) => {
    const source = withItem(item);
    const record = await imported(source);
    const lost = missingMembers(source, record).filter(({ path }) => !path.includes('.source'));
    expect(lost).toEqual([]);
    if (rule !== null) expect(rulesOf(record)).toContain(rule);
  });

  test.each<[string, object]>([
    ['another status than the true one', { status: 'completed', is_terminal: 'yes', items_count: 99 }],
    [
      'members of the wrong type',
      { user_id: 42, session_id: null, used_seed: true, total_execution_time: '4 s' },
    ],
    ['an old level', { safety_level: 'teens' }],
    ['a level that we do not know', { safety_level: 'constructor' }],
    ['a source of its own', { safety_level: 'off', source: 'backup' }],
    ['findings of its own', { findings: [{ rule: 'x' }], import_findings: ['theirs'], error: 'none' }],
    ['a taxonomy that is no token', { taxonomy_version: 'one point zero' }],
  ])('a record with %s', async (_, members) => {
    const source = { ...withItem({}), ...members };
    const record = await imported(source);
    const lost = missingMembers(source, record).filter(({ path }) => path !== 'source');
    expect(lost).toEqual([]);
    if ('source' in members)
      expect(JSON.stringify(record['source' as keyof ExecutionRecord])).toContain('backup');
    expect(record.status).toBe('incomplete');
  });
});

test('import_findings are shown as findings only', async () => {
  const record = await imported(withItem({ stage: 9 }));
  expect(rulesOf(record)).toContain('member_invalid');
  expect(record).not.toHaveProperty('import_findings');
});

test('what a run of ours exports comes back as an import with the same members', async () => {
  const first = await imported(withItem({ item_type: 'interception_result', backend_type: 'x', stage: 9 }));
  const again = await imported({ ...first, execution_id: 'odd-2' });
  const lost = missingMembers({ ...first, execution_id: 'odd-2' }, again);
  expect(lost).toEqual([]);
});

test('integers beyond 2^53−1 are kept as their digits, with a finding', async () => {
  const text =
    '{"execution_id":"odd-1","used_seed":18446744073709551615,"items":[{"item_type":"pipeline_start","timestamp":"2025-07-01T12:00:00","metadata":{"seed":12345678901234567890,"scale":7.50,"huge":1e400,"safe":9007199254740991}}]}';
  const record = await imported(text);
  expect(record.used_seed).toBe('18446744073709551615');
  expect(record.items[0]?.metadata).toEqual({
    seed: '12345678901234567890',
    scale: 7.5,
    huge: '1e400',
    safe: 9007199254740991,
  });
  expect(record.findings.filter(({ rule }) => rule === 'integer_as_text')).toMatchObject([
    { sequence_number: null, detail: expect.stringContaining('/used_seed') },
    { sequence_number: 1, detail: expect.stringContaining('/items/0/metadata/seed') },
    { sequence_number: 1, detail: expect.stringContaining('/items/0/metadata/huge') },
  ]);
});

test('lone surrogates become U+FFFD, with a finding', async () => {
  const text =
    '{"execution_id":"odd-1","items":[{"item_type":"pipeline_start","timestamp":"2025-07-01T12:00:00","content":"a\\ud800b","k\\udc00":1}]}';
  const record = await imported(text);
  expect(record.items[0]).toMatchObject({ content: 'a\uFFFDb', 'k\uFFFD': 1 });
  expect(rulesOf(record).filter((rule) => rule === 'text_repaired')).toHaveLength(2);
});

test('a record has one digest, in whatever zone its times are read', () => {
  const source = withItem({});
  expect(readable(source, { timeZone: 'Asia/Tokyo' }).digest).toBe(readable(JSON.stringify(source)).digest);
});

test('the largest item fits into one append', () => {
  expect(maxItemBytes).toBeLessThan(maxAppendBytes);
});
