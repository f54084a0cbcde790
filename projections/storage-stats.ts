import { z } from 'zod';
import { jsonTable, type Projection, type Table } from '../src/projector/projection.ts';
import { executionIdOf } from '../src/run/record.ts';

const totals = z.strictObject({
  /** Runs. */
  records: z.int().min(0),
  /** Of all streams, as `bytes` is. */
  events: z.int().min(0),
  /** Cores and sealed payloads as stored; an erased payload counts until its bytes are gone from the log. */
  bytes: z.int().min(0),
});
export type StorageTotals = z.infer<typeof totals>;
/** One row, under {@link totalsKey}. */
export const totalsTable: Table<StorageTotals> = jsonTable('totals', totals);
export const totalsKey = 'all';
/** By stream: the revision up to which its events are in the totals, so that none is counted twice when told again. */
export const countedTable: Table<number> = jsonTable('counted', z.int().min(0));

/** How much is stored. The counts by status are kept by run-list. */
export default function storageStats(): Projection {
  return {
    name: 'storage-stats',
    version: '1',
    tables: [totalsTable, countedTable],
    handle(events, view) {
      const sum = { ...(view.get(totalsTable, totalsKey) ?? { records: 0, events: 0, bytes: 0 }) };
      const counted = new Map<string, number>();
      for (const { stream, revision, sizeBytes } of events) {
        const before = counted.get(stream) ?? view.get(countedTable, stream) ?? -1;
        if (revision <= before) continue;
        counted.set(stream, revision);
        sum.events += 1;
        sum.bytes += sizeBytes;
        if (revision === 0 && executionIdOf(stream) !== undefined) sum.records += 1;
      }
      for (const [stream, revision] of counted) view.put(countedTable, stream, revision);
      if (counted.size > 0) view.put(totalsTable, totalsKey, sum);
    },
  };
}
