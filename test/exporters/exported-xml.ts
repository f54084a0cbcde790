import type { ExecutionItem } from '../../src/events/item.ts';
import type { Replay } from '../../src/exporters/contract.ts';
import { xmlExporter } from '../../src/exporters/xml.ts';
import { importRecord } from '../../src/import/import-record.ts';
import { parseOldRecord } from '../../src/import/old-record.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { fixtureText } from '../import/source-record.ts';
import { runBench } from '../run-bench.ts';

/** The whole file that the exporter writes. */
export async function xmlOf(replay: Replay): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of xmlExporter.export(replay, new AbortController().signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** An old record among the fixtures as it reads after its import. */
export async function importedRecord(name: string): Promise<ExecutionRecord> {
  const bench = runBench();
  const old = parseOldRecord(fixtureText(name));
  if (old.kind === 'refused') throw new Error(old.reason);
  await importRecord(old, bench);
  return bench.recordOf(name);
}

/** An item as a client reads it, and whatever an import may have put beside or over its members. */
export const itemOf = (members: object = {}, sequence = 1): ExecutionItem => ({
  sequence_number: sequence,
  timestamp: '2026-01-02T03:04:05.678Z',
  stage: null,
  stage_iteration: null,
  loop_iteration: null,
  media_type: null,
  item_type: 'user_input_text',
  content: null,
  file_path: null,
  config_used: null,
  model_used: null,
  backend_used: null,
  execution_time: null,
  metadata: {},
  ...members,
});
