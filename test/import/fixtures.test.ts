import { describe, expect, test } from 'vitest';
import { importRecord, type ImportResult } from '../../src/import/import-record.ts';
import { parseOldRecord } from '../../src/import/old-record.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { runBench, type RunBench } from '../run-bench.ts';
import { at, fixtureText, fixtureTexts, missingMembers } from './source-record.ts';

async function importText(text: string, bench: RunBench): Promise<ImportResult> {
  const record = parseOldRecord(text);
  if (record.kind === 'refused') throw new Error(record.reason);
  return importRecord(record, bench);
}

async function imported(
  name: string,
): Promise<{ record: ExecutionRecord; result: ImportResult; rules: readonly string[] }> {
  const bench = runBench();
  const result = await importText(fixtureText(name), bench);
  const record = bench.recordOf(name);
  return { record, result, rules: record.findings.map(({ rule }) => rule).toSorted() };
}

describe.each([...fixtureTexts])('the old record %s', (name, text) => {
  test('comes back member by member: times as instants, renamed members under source', async () => {
    const { record } = await imported(name);
    expect(missingMembers(JSON.parse(text), record)).toEqual([]);
    expect(record.items.map(({ sequence_number: number }) => number)).toEqual(
      (JSON.parse(text) as { items: unknown[] }).items.map((_, index) => index + 1),
    );
  });

  test('has the findings that its import reported', async () => {
    const { record, result } = await imported(name);
    expect(result).toEqual({ execution_id: name, outcome: 'imported', findings: record.findings });
  });

  test('imported again changes nothing', async () => {
    const bench = runBench();
    const first = await importText(text, bench);
    const before = structuredClone([...bench.store.streams]);
    expect(await importText(text, { ...bench, recorder: bench.another() })).toEqual({
      ...first,
      outcome: 'unchanged',
    });
    expect([...bench.store.streams]).toEqual(before);
  });
});

describe('the true outcome is derived, not believed', () => {
  test.each([
    ['exec_20251103_205239_896e054c', 'completed', 1, 0, ['check_without_evidence', 'total_time_differs']],
    ['exec_20251104_091502_1b7d03aa', 'completed', 0, 0, ['total_time_differs']],
    [
      'exec_20251104_101730_c0ffee01',
      'completed',
      2,
      0,
      ['check_without_evidence', 'check_without_evidence', 'total_time_differs'],
    ],
    ['exec_20251104_103000_0badcafe', 'blocked', 0, 0, []],
    [
      'exec_20251104_104412_5eed0003',
      'completed',
      1,
      1,
      ['check_without_evidence', 'check_without_evidence', 'outputs_count_differs', 'total_time_differs'],
    ],
    ['exec_20251104_111111_dead0002', 'failed', 0, 0, ['total_time_differs']],
    ['exec_20251104_120000_0ff00001', 'completed', 1, 0, ['output_without_decision', 'total_time_differs']],
    ['exec_20251105_080000_f0e1d2c3', 'completed', 1, 0, ['check_failed_open', 'total_time_differs']],
    [
      'abc-123',
      'incomplete',
      2,
      0,
      [
        'check_without_evidence',
        'check_without_evidence',
        'check_without_evidence',
        'incomplete',
        'no_start',
      ],
    ],
  ] as const)(
    '%s is %s with %i outputs generated and %i blocked',
    async (name, status, generated, blocked, rules) => {
      const { record, rules: found } = await imported(name);
      expect(record).toMatchObject({
        status,
        is_terminal: true,
        outputs_generated: generated,
        outputs_blocked: blocked,
        outputs_failed: 0,
      });
      expect(found).toEqual(rules);
    },
  );
});

test('an old spelling of the level shows today’s word, and the source’s under source', async () => {
  const { record } = await imported('exec_20251104_120000_0ff00001');
  expect(record.safety_level).toBe('research');
  expect(at(record, ['source'])).toEqual({ safety_level: 'off' });
  expect(record.items[0]?.metadata['safety_level']).toBe('research');
  expect(at(record, ['items', 0, 'source'])).toEqual({ metadata: { safety_level: 'off' } });
});

test('renamed members stand at today’s place', async () => {
  const { record: newer } = await imported('exec_20251105_080000_f0e1d2c3');
  expect(newer.items[3]).toMatchObject({ backend_used: 'ollama', source: { backend_type: 'ollama' } });
  expect(at(newer, ['device_name'])).toBe('tablet-4');
  expect(newer.items[2]?.item_type).toBe('wikipedia_lookup');
  const { record: older } = await imported('abc-123');
  expect(older.items[3]).toMatchObject({
    item_type: 'interception_final',
    source: { item_type: 'interception_result' },
  });
  expect(older.items[5]).toMatchObject({
    loop_iteration: 1,
    metadata: { prompt_id: 'xyz1' },
    source: { output_config_index: 1, prompt_id: 'xyz1' },
  });
  expect(older.result?.text).toBe('FLOWER! CHAOS!');
});

test('an import says when it was recorded and by whom, under the taxonomy of the source', async () => {
  const bench = runBench();
  await importText(fixtureText('exec_20251105_080000_f0e1d2c3'), bench);
  for (const { core } of bench.eventsOf('exec_20251105_080000_f0e1d2c3')) {
    expect(core).toMatchObject({ tax: '1.3', actor: { kind: 'importer', id: 'record' } });
    expect(core.recorded).toMatch(/^2026-01-02T/);
    expect(core.time).toMatch(/^2025-11-05T08:00:0\d\.\d{6}Z$/);
  }
});
