import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { FastifyBaseLogger } from 'fastify';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { ExportJob } from '../exporters/export-job.ts';
import { type ZipEntry, zipArchive } from '../exporters/zip-archive.ts';
import { diskRefusal, isOfTheDisk } from '../disk/disk-refusal.ts';
import type { ExportFiles } from './export-files.ts';
import {
  type ExportFolder,
  linesOf,
  ndjson,
  readFile,
  type RefusedRun,
  type SelectedRun,
} from './export-folder.ts';
import type { ExportedFile, ExportRun } from '../http/service.ts';
import { errorsOf, type IndexedRun, manifestOf, type Sum } from './export-manifest.ts';

export type WorkParts = {
  readonly files: ExportFiles;
  readonly exportRun: ExportRun;
  /** Lets the renderers come to an end of what others have asked for. */
  readonly pause: (signal: AbortSignal) => Promise<void>;
  readonly log: FastifyBaseLogger;
};

/** A job that is worked at. `done` and `errors` are told as they change. */
export type Work = {
  readonly id: string;
  readonly job: ExportJob;
  readonly folder: ExportFolder;
  readonly onProgress: (progress: { readonly done: number; readonly errors: number }) => void;
};

export type WorkResult = {
  readonly sha256: string;
  readonly size_bytes: number;
  readonly runs: number;
  readonly errors: number;
};

/** Formats that deflating would only cost time. */
const compressed: ReadonlySet<string> = new Set(['pdf', 'docx', 'zip']);

/**
 * Exports every selected run that has no file yet, then packs all of them. It may be stopped, or die, at any point and be
 * called again: what is whole is not made again. Rejects with the signal's reason, STORAGE_FULL, EXPORT_BUSY, and faults in
 * the job's own folder; a run that cannot be exported, or a medium of it be read, is listed instead.
 */
export async function workAtExport(parts: WorkParts, work: Work, signal: AbortSignal): Promise<WorkResult> {
  const { files } = parts;
  const { folder } = work;
  const progress = { done: 0, errors: 0 };
  await folder.prepare();
  for await (const run of folder.selection(signal)) {
    const refused = await exportOne(parts, work, run, signal);
    if (refused !== undefined) await folder.refuse(run.executionId, refused, signal);
    progress.done += 1;
    if (refused !== undefined) progress.errors += 1;
    work.onProgress({ ...progress });
  }
  const sum = await index(parts, work, signal);
  const indexed = (): AsyncIterable<IndexedRun> => ndjson(files, folder.ownFile('index.ndjson'), signal);
  await folder.write('manifest.json', manifestOf(work, indexed(), sum), signal);
  await folder.write('errors.json', errorsOf(indexed()), signal);

  const whole = createHash('sha256');
  let sizeBytes = 0;
  async function* measuredZip(): AsyncGenerator<Uint8Array> {
    for await (const chunk of zipArchive(zipEntries(parts, work, indexed(), signal), signal)) {
      whole.update(chunk);
      sizeBytes += chunk.byteLength;
      yield chunk;
    }
  }
  await folder.write('result.zip', measuredZip(), signal);
  return { sha256: whole.digest('hex'), size_bytes: sizeBytes, runs: sum.runs, errors: sum.errors };
}

/** Why the run has no file; undefined where it has one. */
async function exportOne(
  { files, exportRun, pause, log }: WorkParts,
  { id, job, folder }: Work,
  { executionId, version }: SelectedRun,
  signal: AbortSignal,
): Promise<RefusedRun | undefined> {
  signal.throwIfAborted();
  if ((await files.sizeOf(folder.partOf(executionId))) !== undefined) return undefined;
  const { format, view, logs, language } = job;
  const request = { executionId, format, view: view ?? undefined, logs, language, untilSeq: version + 1 };
  let exported: ExportedFile;
  try {
    exported = await patiently(() => exportRun(request, signal), pause, signal);
  } catch (error) {
    signal.throwIfAborted();
    const refusal = isOfTheDisk(error) ? diskRefusal('The export', error) : error;
    if (stopsEverything(refusal)) throw error;
    log.warn({ err: error, export_id: id, execution_id: executionId }, 'a run could not be exported');
    return refusal instanceof LedgerError ? { error: refusal.code, detail: refusal.message } : defect;
  }
  try {
    await folder.takePart(executionId, exported.path, signal);
  } finally {
    await exported.remove();
  }
  return undefined;
}

/** How often a run is tried while single exports have all places; about five minutes. */
const maxTries = 300;

async function patiently<T>(
  work: () => Promise<T>,
  pause: WorkParts['pause'],
  signal: AbortSignal,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isLedgerError(error, 'EXPORT_BUSY') || tries === maxTries) throw error;
    }
    await pause(signal);
  }
}

/** Faults that the next run would meet too. UNAVAILABLE is none: one medium that cannot be read is one run's. */
const stopsEverything = (error: unknown): boolean =>
  isLedgerError(error, 'STORAGE_FULL') || isLedgerError(error, 'EXPORT_BUSY');

const defect: RefusedRun = {
  error: 'INTERNAL',
  detail: 'Something went wrong here, not with the run; the service log says what.',
};

/** Measures every part, and notes what is in the result and what is not. */
async function index({ files }: WorkParts, { folder }: Work, signal: AbortSignal): Promise<Sum> {
  const byStatus: Record<string, number> = {};
  const sum = { runs: 0, errors: 0, byStatus };
  async function* indexedRuns(): AsyncGenerator<IndexedRun> {
    for await (const run of folder.selection(signal)) {
      const part = folder.partOf(run.executionId);
      const refused = await folder.refusalOf(run.executionId, signal);
      sum.runs += 1;
      if (refused !== undefined) sum.errors += 1;
      byStatus[run.status] = (byStatus[run.status] ?? 0) + 1;
      yield refused === undefined
        ? { ...run, file: nameInZip(part), ...(await measure(files, part, signal)) }
        : { ...run, ...refused };
    }
  }
  await folder.write('index.ndjson', linesOf(indexedRuns()), signal);
  return sum;
}

const nameInZip = (part: string): string => `runs/${part.slice(part.lastIndexOf('/') + 1)}`;

type Measured = { readonly bytes: number; readonly sha256: string; readonly crc32: number };

async function measure(files: ExportFiles, path: string, signal: AbortSignal): Promise<Measured> {
  const hash = createHash('sha256');
  let bytes = 0;
  let sum = 0;
  for await (const chunk of readFile(files, path, signal)) {
    hash.update(chunk);
    sum = crc32(chunk, sum);
    bytes += chunk.byteLength;
  }
  return { bytes, sha256: hash.digest('hex'), crc32: sum };
}

async function* zipEntries(
  { files }: WorkParts,
  { folder }: Work,
  indexed: AsyncIterable<IndexedRun>,
  signal: AbortSignal,
): AsyncGenerator<ZipEntry> {
  for (const name of ['manifest.json', 'errors.json'] as const) {
    const path = folder.ownFile(name);
    const { bytes: sizeBytes, crc32 } = await measure(files, path, signal);
    yield { name, sizeBytes, crc32, isDeflated: true, read: (reading) => readFile(files, path, reading) };
  }
  for await (const run of indexed) {
    if (!('file' in run)) continue;
    const { file: name, bytes: sizeBytes, crc32 } = run;
    const path = folder.partOf(run.executionId);
    const isDeflated = !compressed.has(name.slice(name.lastIndexOf('.') + 1));
    yield { name, sizeBytes, crc32, isDeflated, read: (reading) => readFile(files, path, reading) };
  }
}
