import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { openEnvironment } from '../../src/projector/environment.ts';
import { createOverlay } from '../../src/projector/overlay.ts';
import { jsonTable, type Projection, type RowKey, textTable } from '../../src/projector/projection.ts';
import { newBuild } from '../../src/projector/startup.ts';
import { temporaryDirectory } from './opened.ts';

const numbers = jsonTable('numbers', z.number());
const projection: Projection = { name: 'overlaid', version: '1', tables: [numbers], handle: () => {} };

const keys = fc.constantFrom<RowKey>(
  0,
  1,
  7,
  'a',
  'b',
  '["a",1]',
  ['a', 1],
  ['a', 2],
  ['a', 10],
  ['b', 'x'],
  '"a"',
);
const operation = fc.record({ key: keys, row: fc.option(fc.integer(), { nil: undefined }) });

it('a view reads committed rows and its own writes as one ordered table', async () => {
  const environment = openEnvironment(await temporaryDirectory());
  const { tables } = await newBuild(environment, projection, 'store');
  const apply = (
    operations: readonly { key: RowKey; row: number | undefined }[],
  ): ReturnType<typeof createOverlay> => {
    const overlay = createOverlay(tables.latest);
    for (const { key, row } of operations) {
      if (row === undefined) overlay.remove(numbers, key);
      else overlay.put(numbers, key, row);
    }
    return overlay;
  };
  const commit = async (overlay: ReturnType<typeof createOverlay>): Promise<void> => {
    const writes = overlay.seal();
    await environment.commit(() => writes.forEach((write) => tables.store(write)), true);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation),
      fc.array(operation),
      fc.record({ start: fc.option(keys, { nil: undefined }), end: fc.option(keys, { nil: undefined }) }),
      fc.boolean(),
      fc.integer({ min: 1, max: 6 }),
      async (first, second, bounds, reverse, limit) => {
        await commit(apply([...tables.latest.keys(numbers)].map((key) => ({ key, row: undefined }))));
        await commit(apply(first));
        const overlay = apply(second);
        const range = {
          ...(bounds.start === undefined ? {} : { start: bounds.start }),
          ...(bounds.end === undefined ? {} : { end: bounds.end }),
          ...(reverse ? { reverse } : {}),
          limit,
        };
        const seen = [...overlay.range(numbers, range)];
        await commit(overlay);
        expect(seen).toEqual([...tables.latest.range(numbers, range)]);
        for (const { key } of second)
          expect(overlay.get(numbers, key)).toEqual(tables.latest.get(numbers, key));
      },
    ),
    { numRuns: 150 },
  );
  await environment.close();
});

it('queries keep seeing one commit until the next one is known', async () => {
  const environment = openEnvironment(await temporaryDirectory());
  const { tables } = await newBuild(environment, projection, 'store');
  const put = (row: number, forReaders: boolean): Promise<void> =>
    environment.commit(() => tables.store({ table: numbers, key: 'n', text: String(row) }), forReaders);
  await put(1, true);
  expect(tables.reader.get(numbers, 'n')).toBe(1);
  await put(2, false);
  expect(tables.latest.get(numbers, 'n')).toBe(2);
  expect(tables.reader.get(numbers, 'n')).toBe(1);
  expect([...tables.reader.range(numbers)]).toEqual([{ key: 'n', row: 1 }]);
  await put(3, true);
  expect(tables.reader.get(numbers, 'n')).toBe(3);
  await environment.close();
});

it('a key or a row that LMDB could not take is refused while it can still be refused', async () => {
  const environment = openEnvironment(await temporaryDirectory());
  const { tables } = await newBuild(environment, projection, 'store');
  const overlay = createOverlay(tables.latest);
  expect(() => overlay.put(numbers, 'x'.repeat(3000), 1)).toThrow(/row key/);
  expect(() => overlay.put(numbers, ['a', Number.NaN], 1)).toThrow(/row key/);
  expect(() => overlay.put(numbers, '', 1)).toThrow(/row key/);
  overlay.put(textTable('numbers', z.string()), 'a', '');
  expect(() => overlay.seal()).toThrow(/no text/);
  await environment.close();
});
