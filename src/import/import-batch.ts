import { LedgerError } from '../errors.ts';
import type { Finding } from '../run/lifecycle.ts';
import { importRecord, type ImportParts } from './import-record.ts';
import { readOldRecord, type ReadOptions } from './old-record.ts';
import { parseSource } from './source-json.ts';
import { requireTimeZone } from './source-time.ts';

/** A record that was not taken; `index` is its place in the request. */
export type Refusal = {
  readonly index: number;
  readonly execution_id: string | null;
  readonly reason: string;
};

/** The answer of `POST /api/runs/import` (rest.md §1). */
export type ImportReport = {
  readonly imported: number;
  readonly unchanged: number;
  readonly refused: readonly Refusal[];
  readonly findings: readonly (Finding & { readonly execution_id: string })[];
};

/** Records of one HTTP request; more come by the command line. */
export const maxBatchRecords = 100;

/**
 * Imports the old records that JSON text holds, one or an array of at most 100, each for itself: a refused one keeps none
 * of the others out. Throws INVALID_JSON, TOO_MANY_RECORDS, UNKNOWN_TIME_ZONE and the store's errors.
 */
export async function importText(
  text: string,
  parts: ImportParts,
  options: ReadOptions = {},
): Promise<ImportReport> {
  const source = parseSource(text);
  return importBatch(Array.isArray(source) ? source : [source], parts, options);
}

/** Like {@link importText}, for values; numbers that were rounded when the text was parsed cannot be told any more. */
export async function importBatch(
  sources: readonly unknown[],
  parts: ImportParts,
  options: ReadOptions = {},
): Promise<ImportReport> {
  if (sources.length > maxBatchRecords) {
    throw new LedgerError('TOO_MANY_RECORDS', { count: sources.length, limit: maxBatchRecords });
  }
  requireTimeZone(options.timeZone ?? 'UTC');
  const counts = { imported: 0, unchanged: 0 };
  const refused: Refusal[] = [];
  const findings: (Finding & { execution_id: string })[] = [];
  for (const [index, source] of sources.entries()) {
    const record = readOldRecord(source, options);
    if (record.kind === 'refused') {
      refused.push({ index, execution_id: record.execution_id, reason: record.reason });
      continue;
    }
    const result = await importRecord(record, parts);
    if (result.outcome === 'refused') {
      refused.push({ index, execution_id: result.execution_id, reason: result.reason });
      continue;
    }
    counts[result.outcome] += 1;
    const { execution_id } = result;
    findings.push(...result.findings.map((finding) => ({ execution_id, ...finding })));
  }
  return { ...counts, refused, findings };
}
