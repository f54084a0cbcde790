import { countsTable } from '../../projections/run-list.ts';
import { type StorageTotals, totalsKey, totalsTable } from '../../projections/storage-stats.ts';
import type { Projector } from '../projector/projector.ts';
import { type RunStatus, runStatuses } from '../run/lifecycle.ts';

export type StorageStats = StorageTotals & { readonly byStatus: Readonly<Record<RunStatus, number>> };

/** How much is stored, and how many runs have which status; both of one commit. */
export function readStorageStats(projector: Projector): StorageStats {
  const totals = projector.reader('storage-stats').get(totalsTable, totalsKey);
  const runs = projector.reader('run-list');
  const counts = runStatuses.map((status) => [status, runs.get(countsTable, ['status', status]) ?? 0]);
  return {
    ...(totals ?? { records: 0, events: 0, bytes: 0 }),
    byStatus: Object.fromEntries(counts) as Record<RunStatus, number>,
  };
}
