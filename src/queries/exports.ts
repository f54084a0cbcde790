import { type JobRow, jobOrderTable, jobsTable } from '../../projections/exports.ts';
import type { Projector } from '../projector/projector.ts';

const projection = 'exports';

export type JobEntry = { readonly id: string; readonly job: JobRow['job'] };
export type JobList = { readonly entries: readonly JobEntry[]; readonly total: number };

/** Jobs, newest first, and how many there are. */
export function readJobs(
  projector: Projector,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): JobList {
  const reader = projector.reader(projection);
  const range = { start: Number.MAX_SAFE_INTEGER, reverse: true, limit, offset };
  const ids = Array.from(reader.range(jobOrderTable, range), ({ row }) => row);
  const entries = ids.flatMap((id) => {
    const row = reader.get(jobsTable, id);
    return row === undefined ? [] : { id, job: row.job };
  });
  return { entries, total: reader.count(jobOrderTable) };
}

/** Jobs that hold files, or may come to: neither cancelled nor expired. In the order of their requests. */
export function readStandingJobs(projector: Projector): readonly JobEntry[] {
  const rows = projector.reader(projection).range(jobsTable);
  return Array.from(rows, ({ key, row }) => ({ id: String(key), ...row }))
    .filter(({ job }) => job.status !== 'cancelled' && job.status !== 'expired')
    .sort((a, b) => a.number - b.number);
}

/** Calls with each job that changed, in the turn in which readers begin to see it. */
export function watchJobs(projector: Projector, changed: (entry: JobEntry) => void): () => void {
  return projector.watch(projection, (change) => {
    if (change.kind === 'replaced') return;
    for (const { key, row } of change.rows(jobsTable))
      if (row !== undefined) changed({ id: String(key), job: (row as JobRow).job });
  });
}
