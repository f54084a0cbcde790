import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { maxAppendBytes } from '../../src/event-store/port.ts';
import { importBatch } from '../../src/import/import-batch.ts';
import { importRecord } from '../../src/import/import-record.ts';
import { type OldRecord, parseOldRecord, type ReadOptions } from '../../src/import/old-record.ts';
import { createRecorder } from '../../src/run/recorder.ts';
import { streamOf } from '../../src/run/record.ts';
import { runBench } from '../run-bench.ts';
import { missingMembers } from './source-record.ts';

const items = (count: number, content: string): readonly object[] =>
  Array.from({ length: count }, (_, index) => ({
    item_type: index === 0 ? 'pipeline_start' : 'log_entry',
    timestamp: '2025-07-01T12:00:00',
    content: `${index} ${content}`,
  }));

function readable(source: unknown, options: ReadOptions = {}): OldRecord {
  const record = parseOldRecord(source, options);
  if (record.kind === 'refused') throw new Error(record.reason);
  return record;
}

/** A store that goes away after some appends. */
function failingAfter(appends: number): ReturnType<typeof runBench> {
  let left = appends;
  return runBench((store) => ({
    ...store,
    append: async (...args) => {
      if (left === 0) throw new LedgerError('STORAGE_FULL', { what: 'The test' });
      left -= 1;
      return store.append(...args);
    },
  }));
}

describe('a record larger than one append', () => {
  test('goes in chunks of at most 500 items and 900 KiB', async () => {
    const sizes: number[] = [];
    const bench = runBench((store) => ({
      ...store,
      append: async (stream, events, expected) => {
        const bytes = events.map(
          ({ core, hash, sealed }) => core.length + hash.length + (sealed?.length ?? 0),
        );
        sizes.push(bytes.reduce((sum, size) => sum + size, 0));
        expect(events.length).toBeLessThanOrEqual(500);
        return store.append(stream, events, expected);
      },
    }));
    const many = readable({ execution_id: 'many', items: items(1_200, 'x') });
    expect(await importRecord(many, bench)).toMatchObject({ outcome: 'imported' });
    const large = readable({ execution_id: 'large', items: items(40, 'ä'.repeat(100_000)) });
    expect(await importRecord(large, bench)).toMatchObject({ outcome: 'imported' });
    expect(sizes.length).toBeGreaterThan(8);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(maxAppendBytes);
    expect(bench.recordOf('many').items_count).toBe(1_200);
  });

  test('is completed by the same record after an interruption', async () => {
    const bench = failingAfter(1);
    const source = { execution_id: 'many', items: items(1_200, 'x') };
    await expect(importRecord(readable(source), bench)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(bench.eventsOf('many')).toHaveLength(500);
    const healthy = {
      ...bench,
      recorder: createRecorder({
        store: bench.store,
        keys: {
          naming: bench.naming,
          keyOf: (stream) => bench.keys.get(stream),
          createKey: async () => expect.fail(),
        },
        clock: () => 0,
        newId: () => expect.fail(),
      }),
    };
    expect(await importRecord(readable(source), healthy)).toMatchObject({ outcome: 'imported' });
    expect(missingMembers(source, bench.recordOf('many'))).toEqual([]);
    expect(await importRecord(readable(source), healthy)).toMatchObject({ outcome: 'unchanged' });
  });
});

test('an import that was interrupted and then erased is refused, and leaves the others of its batch alone', async () => {
  const bench = failingAfter(1);
  const long = { execution_id: 'many', items: items(1_200, 'x') };
  await expect(importRecord(readable(long), bench)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  bench.keys.clear();
  const recorder = createRecorder({
    store: bench.store,
    keys: {
      naming: bench.naming,
      keyOf: (stream) => bench.keys.get(stream),
      createKey: async () => Buffer.alloc(32),
    },
    clock: () => 0,
    newId: () => expect.fail(),
  });
  const report = await importBatch([long, { execution_id: 'good', items: items(1, 'x') }], {
    ...bench,
    recorder,
  });
  expect(report).toMatchObject({ imported: 1, refused: [{ execution_id: 'many' }] });
  expect(report.refused[0]?.reason).toContain('erased');
});

test('a store that fails is no refusal: the same call again may succeed', async () => {
  const bench = runBench((store) => ({
    ...store,
    append: async () => {
      throw new LedgerError('UNAVAILABLE', { what: 'The test', cure: 'wait' });
    },
  }));
  const broken = importRecord(readable({ execution_id: 'a', items: items(1, 'x') }), bench);
  await expect(broken).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

describe('another record under the same id', () => {
  test.each([
    ['with another item', { items: items(2, 'y') }],
    ['with one item more', { items: items(3, 'x') }],
    ['with another member', { items: items(2, 'x'), config_name: 'bauhaus' }],
  ])('%s is refused, and nothing is stored', async (_, members) => {
    const bench = runBench();
    await importRecord(readable({ execution_id: 'a', items: items(2, 'x') }), bench);
    const before = structuredClone([...bench.store.streams]);
    expect(await importRecord(readable({ execution_id: 'a', ...members }), bench)).toEqual({
      execution_id: 'a',
      outcome: 'refused',
      reason: expect.stringContaining('another record'),
    });
    expect([...bench.store.streams]).toEqual(before);
  });

  test('is refused also where the id is that of a run of ours', async () => {
    const bench = runBench();
    await bench.recorder.record({
      executionId: 'a',
      by: 'own',
      run: 'new',
      items: [{ draft: { item_type: 'pipeline_start' } }],
    });
    const result = await importRecord(readable({ execution_id: 'a', items: items(2, 'x') }), bench);
    expect(result.outcome).toBe('refused');
    expect(bench.eventsOf('a')).toHaveLength(1);
  });
});

test('the same record is unchanged when it is read in another time zone, or after its payloads were erased', async () => {
  const bench = runBench();
  const source = { execution_id: 'a', items: items(2, 'x') };
  await importRecord(readable(source), bench);
  const tokyo = readable(source, { timeZone: 'Asia/Tokyo' });
  expect(await importRecord(tokyo, bench)).toMatchObject({ outcome: 'unchanged' });
  bench.keys.clear();
  const again = { ...bench, recorder: bench.another() };
  expect(await importRecord(readable(source), again)).toMatchObject({ outcome: 'unchanged' });
});

test('any record is imported whole or refused with a reason, and never half-stored', async () => {
  const anyMember = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(null, 0, 1, 'off', 'kids', -1));
  const memberNames = fc.constantFrom(...itemMembers);
  const item = fc
    .tuple(fc.dictionary(memberNames, anyMember), fc.boolean())
    .map(([members, timed]) => (timed ? { ...members, timestamp: '2025-07-01T12:00:00.25' } : members));
  const recordNames = fc.constantFrom(...recordMembers);
  const anyRecord = fc
    .tuple(fc.dictionary(recordNames, anyMember), fc.array(item, { maxLength: 5 }))
    .map(([members, list]) => ({
      ...members,
      execution_id: 'any',
      timestamp: '2025-07-01T12:00:00',
      items: list,
    }));
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(anyRecord, async (source) => {
      const bench = runBench();
      const record = parseOldRecord(JSON.stringify(source));
      if (record.kind === 'refused') {
        expect(record.reason).not.toBe('');
        return;
      }
      taken += 1;
      const result = await importRecord(record, bench);
      expect(result.outcome).toBe('imported');
      expect(bench.store.streams.get(streamOf('any'))).toHaveLength(source.items.length);
      expect(missingMembers(JSON.parse(JSON.stringify(source)), bench.recordOf('any'))).toEqual([]);
    }),
    { numRuns: 400 },
  );
  expect(taken).toBeGreaterThan(100);
});

const itemMembers =
  `item_type timestamp sequence_number stage stage_iteration loop_iteration media_type content file_path
  config_used model_used backend_used backend_type execution_time metadata prompt_id output_config_index user_id record
  extra erased unknown`.split(/\s+/);
const recordMembers =
  `config_name timestamp user_id session_id safety_level used_seed status error total_execution_time
  taxonomy_version findings result version unknown import_findings`.split(/\s+/);
