import type { ExecutionItem } from '../../src/events/item.ts';
import type { Replay } from '../../src/exporters/contract.ts';
import { xmlExporter } from '../../src/exporters/xml.ts';
import { importRecord } from '../../src/import/import-record.ts';
import { parseOldRecord } from '../../src/import/old-record.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { fixtureText } from '../import/source-record.ts';
import { runBench } from '../run-bench.ts';
import { bytesOf } from './bytes-of.ts';
import { item } from './record-of.ts';

/** The whole file that the exporter writes. */
export const xmlOf = (replay: Replay): Promise<Buffer> => bytesOf(xmlExporter, replay);

/** An old record among the fixtures as it reads after its import. */
export async function importedRecord(name: string): Promise<ExecutionRecord> {
  const bench = runBench();
  const old = parseOldRecord(fixtureText(name));
  if (old.kind === 'refused') throw new Error(old.reason);
  await importRecord(old, bench);
  return bench.recordOf(name);
}

/** An item as a client reads it, and whatever an import may have put beside or over its members. */
export const itemOf = (members: object = {}, sequence = 1): ExecutionItem =>
  item(sequence, 'user_input_text', {
    timestamp: '2026-01-02T03:04:05.678Z',
    stage: null,
    media_type: null,
    ...members,
  });
