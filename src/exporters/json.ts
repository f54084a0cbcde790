import type { ExecutionRecord } from '../run/record.ts';
import type { Exporter } from './contract.ts';

const bytes = new TextEncoder();

/** The record as `GET /api/runs/{id}` gives it, one item a line so that two exports can be compared by eye. */
export const jsonExporter: Exporter = {
  format: 'json',
  mime: 'application/json; charset=utf-8',
  extension: 'json',
  export: writeRecord,
};

async function* writeRecord(record: ExecutionRecord, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const { items, ...header } = record;
  yield bytes.encode(`${JSON.stringify(header, null, 2).slice(0, -2)},\n  "items": [`);
  for (const [index, item] of items.entries()) {
    signal.throwIfAborted();
    yield bytes.encode(`${index === 0 ? '' : ','}\n    ${JSON.stringify(item)}`);
  }
  yield bytes.encode('\n  ]\n}\n');
}
