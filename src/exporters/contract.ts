import type { ExecutionRecord } from '../run/record.ts';

/** Writes one run in one format: the same record gives the same bytes, and it stops within an item of an abort. */
export type Exporter = {
  readonly format: string;
  readonly mime: string;
  readonly extension: string;
  readonly export: (record: ExecutionRecord, signal: AbortSignal) => AsyncIterable<Uint8Array>;
};
