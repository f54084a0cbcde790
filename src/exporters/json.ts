import type { Exporter, Replay } from './contract.ts';

const bytes = new TextEncoder();

/** The record as `GET /api/runs/{id}` gives it, one item a line so that two exports can be compared by eye. */
export const jsonExporter: Exporter = {
  format: 'json',
  mime: 'application/json; charset=utf-8',
  extension: 'json',
  choices: ['view', 'include'],
  isHeavy: false,
  export: writeRecord,
};

async function* writeRecord({ header, items }: Replay, signal: AbortSignal): AsyncIterable<Uint8Array> {
  yield bytes.encode(`${JSON.stringify(header, null, 2).slice(0, -2)},\n  "items": [`);
  let separator = '';
  for await (const item of items(signal)) {
    yield bytes.encode(`${separator}\n    ${JSON.stringify(item)}`);
    separator = ',';
  }
  yield bytes.encode('\n  ]\n}\n');
}
