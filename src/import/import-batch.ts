import { LedgerError } from '../errors.ts';
import type { Finding } from '../run/lifecycle.ts';
import { importRecord, type ImportParts, type ImportResult } from './import-record.ts';
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

/** Records that are on their way to the disk at once: they share its commits. */
const maxRecordsAtOnce = 32;

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
  for (const [index, result] of (await importAll(sources, parts, options)).entries()) {
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

/** In the order of the sources. Two records under one id never overlap, so that the first of them is the one that is kept. */
async function importAll(
  sources: readonly unknown[],
  parts: ImportParts,
  options: ReadOptions,
): Promise<ImportResult[]> {
  const results: ImportResult[] = [];
  let wave = new Map<string, Promise<ImportResult>>();
  const waiting: Promise<ImportResult>[] = [];
  const finish = async (): Promise<void> => {
    // All of them, also where one fails: nothing goes on behind the back of whoever hears of the failure.
    await Promise.allSettled(wave.values());
    results.push(...(await Promise.all(waiting.splice(0))));
    wave = new Map();
  };
  for (const source of sources) {
    const record = readOldRecord(source, options);
    if (record.kind === 'refused') {
      const { execution_id, reason } = record;
      waiting.push(Promise.resolve({ outcome: 'refused', execution_id, reason }));
      continue;
    }
    if (wave.size === maxRecordsAtOnce || wave.has(record.executionId)) await finish();
    const importing = importRecord(record, parts);
    wave.set(record.executionId, importing);
    waiting.push(importing);
  }
  await finish();
  return results;
}
