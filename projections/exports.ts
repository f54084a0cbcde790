import { z } from 'zod';
import { evolveExport, exportIdOf, exportJob, exportTypes } from '../src/exporters/export-job.ts';
import { jsonTable, type Projection, type Table, type View } from '../src/projector/projection.ts';

const jobRow = z.strictObject({
  /** The place of its request among all requests, from 0. */
  number: z.int().min(0),
  job: exportJob,
});
export type JobRow = z.infer<typeof jobRow>;

/** By job id. */
export const jobsTable: Table<JobRow> = jsonTable('jobs', jobRow);
/** By number: the job's id. */
export const jobOrderTable: Table<string> = jsonTable('order', z.string());

/** Every export of many runs, in the order of their requests. */
export default function exportJobs(): Projection {
  return {
    name: 'exports',
    version: '1',
    types: exportTypes,
    tables: [jobsTable, jobOrderTable],
    handle(events, view) {
      for (const { stream, event } of events) {
        const id = exportIdOf(stream);
        if (id === undefined) continue;
        const { core, payload } = event;
        const row = view.get(jobsTable, id);
        // A stream that is told from its beginning again (content_erased) is folded anew.
        const job = evolveExport(core.seq === 1 ? null : (row?.job ?? null), core, payload);
        if (job === null) continue;
        const number = row?.number ?? nextNumber(view);
        view.put(jobsTable, id, { number, job });
        if (row === undefined) view.put(jobOrderTable, number, id);
      }
    },
  };
}

function nextNumber(view: View): number {
  const [last] = view.range(jobOrderTable, { start: Number.MAX_SAFE_INTEGER, reverse: true, limit: 1 });
  return last === undefined ? 0 : Number(last.key) + 1;
}
