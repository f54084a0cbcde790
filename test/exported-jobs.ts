import { exportStreamOf, type ExportType } from '../src/exporters/export-job.ts';
import type { MemoryStore } from './memory-store.ts';
import { readyEventsOn, type Recorded } from './recorded-runs.ts';

const metadataOf: Readonly<Partial<Record<ExportType, Record<string, unknown>>>> = {
  export_requested: {
    format: 'json',
    view: 'teacher',
    language: 'de',
    logs: true,
    runs: 3,
    filter: { user_id: 'grace hopper' },
  },
  export_finished: { sha256: '1'.repeat(64), size_bytes: 1_234, runs: 3, errors: 1 },
  export_failed: { error_type: 'STORAGE_FULL' },
};

/** Appends what became of an export, as the service leaves it behind. */
export function exportHistory(store: MemoryStore, id: string, ...types: readonly ExportType[]): void {
  const items = types.map(
    (item_type, index): Recorded => ({
      item_type,
      time: new Date(Date.UTC(2025, 10, 3, 20, index)).toISOString(),
      stage: 0,
      media_type: 'metadata',
      metadata: metadataOf[item_type],
      content: item_type === 'export_failed' ? 'The disk is full, said grace hopper.' : undefined,
    }),
  );
  const stream = exportStreamOf(id);
  store.add(stream, readyEventsOn(stream, items));
}
