import { describe, expect, test } from 'vitest';
import { importText, maxBatchRecords } from '../../src/import/import-batch.ts';
import { parseOldRecord, readOldRecord } from '../../src/import/old-record.ts';
import { runBench } from '../run-bench.ts';
import { fixtureText } from './source-record.ts';

const item = { item_type: 'user_input_text', content: 'Eine Blume', timestamp: '2025-11-03T14:00:00.1' };
const record = { execution_id: 'abc-1', config_name: 'dada', items: [item] };
const deep = (levels: number): unknown => (levels === 0 ? 'x' : [deep(levels - 1)]);

describe('a record that cannot be taken is refused with its reason', () => {
  test.each([
    ['no items', { ...record, items: [] }, /no items/],
    ['items missing', { execution_id: 'abc-1' }, /no items/],
    ['an item that is no object', { ...record, items: [item, 'x'] }, /item 2 is not a JSON object/],
    ['no object', ['abc'], /not a JSON object/],
    ['no id', { items: [item] }, /execution_id/],
    ['the id "stats"', { ...record, execution_id: 'stats' }, /execution_id/],
    ['the id "import"', { ...record, execution_id: 'import' }, /execution_id/],
    ['an id with a slash', { ...record, execution_id: '../abc' }, /execution_id/],
    ['an id of 129 characters', { ...record, execution_id: 'a'.repeat(129) }, /execution_id/],
    [
      'an unreadable time',
      { ...record, items: [{ ...item, timestamp: 'yesterday' }] },
      /timestamp of item 1/,
    ],
    [
      'a day the calendar lacks',
      { ...record, items: [{ ...item, timestamp: '2025-02-30T00:00:00' }] },
      /item 1/,
    ],
    ['a time as a number', { ...record, timestamp: 1762182000 }, /timestamp of the record/],
    ['no time at all', { ...record, items: [{ item_type: 'log_entry' }] }, /no timestamp/],
    ['too deep nesting', { ...record, items: [{ ...item, metadata: { a: deep(40) } }] }, /nested deeper/],
    ['a record member too deep', { ...record, a: deep(30) }, /nested deeper/],
    [
      'an item too large for one append',
      { ...record, items: [{ ...item, content: 'x'.repeat(910_000) }] },
      /bytes/,
    ],
  ])('%s', (_, source, reason) => {
    expect(parseOldRecord(source)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(reason) });
  });

  test.each([
    [
      '__proto__',
      '{"execution_id":"a","items":[{"item_type":"x_y","metadata":{"__proto__":1}}]}',
      /reserved/,
    ],
    ['constructor', '{"execution_id":"a","items":[{"item_type":"x_y"}],"constructor":1}', /reserved/],
    ['a repeated key', '{"execution_id":"a","execution_id":"b","items":[]}', /[Dd]uplicate|twice/],
    ['a repeated key with equal values', '{"execution_id":"a","execution_id":"a","items":[]}', /twice/],
    ['no JSON', '{"execution_id":', /JSON/],
    ['a bottomless text', `{"execution_id":"a","items":${'['.repeat(200_000)}`, /nested too deep/],
  ])('a text with %s', (_, text, reason) => {
    expect(parseOldRecord(text)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(reason) });
  });

  test('an unknown time zone is an error of the caller', () => {
    expect(() => parseOldRecord(record, { timeZone: 'Mars/Olympus' })).toThrow(
      /no time zone "Mars\/Olympus"/,
    );
  });
});

test('text inside strings that looks like a key is no key', () => {
  const text = JSON.stringify({ ...record, note: '"a": "a": \\" {"a": 1}' });
  expect(parseOldRecord(text)).toMatchObject({ kind: 'record' });
});

test('an element of a batch that is text is not read as JSON', () => {
  expect(readOldRecord(JSON.stringify(record))).toMatchObject({ kind: 'refused' });
});

describe('a batch', () => {
  test('imports each record for itself and reports what happened', async () => {
    const bench = runBench();
    const good = fixtureText('exec_20251104_103000_0badcafe');
    const incomplete = fixtureText('abc-123');
    await importText(good, bench);
    const other = JSON.stringify({ ...(JSON.parse(incomplete) as object), config_name: 'other' });
    const text = `[${good},${incomplete},${other},{"execution_id":"x1","items":[]},7]`;
    const report = await importText(text, bench);
    expect(report).toMatchObject({ imported: 1, unchanged: 1 });
    expect(report.refused).toEqual([
      { index: 2, execution_id: 'abc-123', reason: expect.stringContaining('another record') },
      { index: 3, execution_id: 'x1', reason: expect.stringContaining('no items') },
      { index: 4, execution_id: null, reason: expect.stringContaining('not a JSON object') },
    ]);
    expect(new Set(report.findings.map(({ execution_id }) => execution_id))).toEqual(new Set(['abc-123']));
    expect(report.findings.map(({ rule }) => rule)).toContain('incomplete');
  });

  test('of more than 100 records is refused as a whole', async () => {
    const text = `[${Array.from({ length: maxBatchRecords + 1 }, () => '{}').join(',')}]`;
    await expect(importText(text, runBench())).rejects.toMatchObject({ code: 'TOO_MANY_RECORDS' });
  });
});
