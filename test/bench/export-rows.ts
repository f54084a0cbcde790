import type { Exporter, Replay } from '../../src/exporters/contract.ts';
import { docxExporter } from '../../src/exporters/docx.ts';
import { pdfExporter } from '../../src/exporters/pdf.ts';
import { xmlExporter } from '../../src/exporters/xml.ts';
import type { ExecutionItem } from '../../src/events/item.ts';
import { postedItems } from './items.ts';
import { xmlbuilderBaseline } from './xmlbuilder.ts';

/** One line of the bench: a run of so many items in one format, against a baseline where there is one. */
export type ExportRow = {
  readonly items: number;
  readonly exporter: Exporter;
  /** Makes a file of the same items and returns its bytes; measured in a process of its own, in turns with ours. */
  readonly baseline?: (replay: Replay) => Promise<Uint8Array>;
};

export const exportRows: readonly ExportRow[] = [
  { items: 30, exporter: xmlExporter, baseline: xmlbuilderBaseline },
  { items: 5_000, exporter: xmlExporter, baseline: xmlbuilderBaseline },
  { items: 50_000, exporter: xmlExporter },
  { items: 30, exporter: pdfExporter },
  { items: 5_000, exporter: pdfExporter },
  { items: 30, exporter: docxExporter },
  { items: 5_000, exporter: docxExporter },
];

/** A run of items of about 700 bytes, made while they are read as a store would. */
export function generatedReplay(items: number): Replay {
  const [posted = {}] = postedItems(1);
  return {
    header: {
      execution_id: 'exec_20260102_030405_00000bec',
      config_name: 'stillepost',
      timestamp: timeOf(0),
      execution_mode: 'eco',
      safety_level: 'kids',
      total_execution_time: items / 10,
      items_count: items,
      user_id: 'pupil-7',
      session_id: 'default',
      taxonomy_version: '1.1',
      workflow_id: 'stillepost',
      scope_type: null,
      scope_id: null,
      status: 'completed',
      is_terminal: true,
      started_at: timeOf(0),
      completed_at: timeOf(items),
      outputs_generated: 1,
      outputs_blocked: 0,
      outputs_failed: 0,
      version: items - 1,
      used_seed: 7,
      result: { text: 'A meadow of forgotten clocks', media: [] },
      error: null,
      cancelled_at: null,
      findings: [],
    },
    // As long as the rows without it: what is measured is the format.
    evidence: async () => ({ kind: 'none', why: 'unsigned' }),
    async *items(signal) {
      for (let index = 0; index < items; index += 1) {
        signal.throwIfAborted();
        yield itemOf(posted, index);
      }
    },
    start: itemOf(posted, 0),
    async *setbacks() {},
    withheld: { digests: [], loops: [], everyOutput: false },
    medium: async () => undefined,
    language: 'en',
    head: { sequenceNumber: items, hash: '00'.repeat(32) },
  };
}

function itemOf(posted: Record<string, unknown>, index: number): ExecutionItem {
  return {
    sequence_number: index + 1,
    timestamp: timeOf(index),
    stage: 2,
    stage_iteration: index + 1,
    loop_iteration: null,
    media_type: 'text',
    item_type: 'interception_iteration',
    content: String(posted['content']),
    file_path: null,
    config_used: 'stillepost',
    model_used: 'local/gpt-oss:20b',
    backend_used: 'ollama',
    execution_time: 4.1 + (index % 10) / 10,
    metadata: { ...(posted['metadata'] as Record<string, unknown>), prompt_id: `job-${index}` },
  };
}

const timeOf = (index: number): string => new Date(Date.UTC(2026, 0, 2) + index * 100).toISOString();
