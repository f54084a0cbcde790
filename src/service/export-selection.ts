import { setImmediate } from 'node:timers/promises';
import { LedgerError } from '../errors.ts';
import type { RunSelection } from '../queries/run-list.ts';
import type { RunSummary } from '../run/record.ts';
import type { ExportFolder, SelectedRun } from './export-folder.ts';

/** Runs that are selected in one turn of the event loop. */
const runsATurn = 100;

/** Throws EXPORT_DAMAGED for a job whose selection is gone. */
export async function assertSelected(id: string, folder: ExportFolder): Promise<void> {
  if (await folder.hasSelection()) return;
  throw new LedgerError('EXPORT_DAMAGED', { export_id: id, what: 'The list of runs' });
}

/** The runs of a selection, without holding up other work. */
export async function* selectedRuns({ total, texts }: RunSelection): AsyncGenerator<SelectedRun> {
  for (let offset = 0; offset < total; offset += runsATurn) {
    for (const text of texts({ limit: runsATurn, offset })) {
      const { execution_id: executionId, version, status } = JSON.parse(text) as RunSummary;
      yield { executionId, version, status };
    }
    await setImmediate();
  }
}
