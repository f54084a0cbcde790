import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { isLedgerError, LedgerError } from '../errors.ts';
import { isExportId, type ExportJob } from '../exporters/export-job.ts';
import { exporterFor } from '../exporters/registry.ts';
import type { ExportDesk, ExportRequest, ExportRun, ExportState } from '../http/service.ts';
import type { JobEntry, JobList } from '../queries/exports.ts';
import type { RunFilter, RunSelection } from '../queries/run-list.ts';
import type { RunSummary } from '../run/record.ts';
import { diskRefusal, isOfTheDisk } from '../disk/disk-refusal.ts';
import type { ExportFiles } from './export-files.ts';
import { type ExportFolder, openExportFolder, type SelectedRun } from './export-folder.ts';
import { createExportQueue, type WorkTurn } from './export-queue.ts';
import { type ExportStreams, wrongStatus } from './export-stream.ts';
import { workAtExport, type WorkParts } from './export-work.ts';
import type { RequestKey, RequestKeys } from './request-keys.ts';

export type ExportJobsParts = {
  /** The folder of all jobs. */
  readonly directory: string;
  readonly files: ExportFiles;
  readonly streams: ExportStreams;
  readonly select: (filter: RunFilter) => RunSelection;
  readonly exportRun: ExportRun;
  readonly pause: WorkParts['pause'];
  readonly keys: RequestKeys;
  /** Newest first. */
  readonly listed: (page: { readonly limit: number; readonly offset: number }) => JobList;
  /** Jobs that hold files, or may come to. */
  readonly standing: () => readonly JobEntry[];
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly newExportId: () => string;
  /** So long files are kept after the job has ended. */
  readonly keepHours: number;
  readonly log: FastifyBaseLogger;
};

export type ExportJobs = {
  readonly desk: ExportDesk;
  /** Removes what an earlier process left behind, before anything goes on. */
  readonly clearUp: () => Promise<void>;
  /** Goes on with what was not finished. */
  readonly goOn: () => void;
  /** Removes the files of jobs whose time is up. */
  readonly expireDue: () => Promise<void>;
  /** Stops what is worked at; its folder says how far it came. */
  readonly close: () => Promise<void>;
};

const diskOfExports = 'The export folder';

/** Runs that are selected in one turn of the event loop. */
const runsATurn = 100;
const hourMs = 3_600_000;

/** Runs the exports of many runs: who is next, what became of them, and how long their files are kept. */
export function createExportJobs(parts: ExportJobsParts): ExportJobs {
  const { files, streams, log } = parts;
  /** Failures that could not be recorded, by job: the log still says that the next process goes on with it. */
  const unrecorded = new Map<string, NonNullable<ExportState['error']>>();

  const folderOf = (id: string, format: string): ExportFolder =>
    openExportFolder(files, join(parts.directory, id), exporterFor(format)?.extension ?? format);

  const fail = async (id: string, error: unknown): Promise<void> => {
    const failure = failureOf(error);
    log.warn({ err: error, export_id: id }, 'an export failed, and can be resumed');
    try {
      const { type: error_type, message: content } = failure;
      await streams.append(id, { type: 'export_failed', content, metadata: { error_type } });
    } catch (cause) {
      // A full disk is full for the log too. The next process goes on with the job, this one when it is asked to.
      unrecorded.set(id, failure);
      log.warn({ err: cause, export_id: id }, 'that an export failed could not be recorded');
    }
  };

  const work: WorkTurn = async (id, signal, onProgress) => {
    try {
      const job = await streams.read(id);
      if (job.status !== 'open') return;
      const folder = folderOf(id, job.format);
      await assertSelected(id, folder);
      const metadata = await workAtExport(parts, { id, job, folder, onProgress }, signal);
      await streams.append(id, { type: 'export_finished', metadata });
      await folder.keepResultOnly().catch((error: unknown) => {
        log.warn(
          { err: error, export_id: id },
          'files of a finished export are cleared up at the next start',
        );
      });
    } catch (error) {
      if (!signal.aborted) await fail(id, error);
    }
  };

  const queue = createExportQueue(work);

  const begin = async (request: ExportRequest, key: RequestKey | undefined) => {
    const place = queue.reserve();
    const id = parts.newExportId();
    const { format, view, logs, language, givenFilter: filter } = request;
    // At once: whatever begins or changes from here on is not part of it.
    const selection = parts.select(request.filter);
    const folder = folderOf(id, format);
    try {
      await folder.writeSelection(selectedRuns(selection), AbortSignal.any([]));
      const metadata = {
        format,
        view,
        language,
        logs,
        runs: selection.total,
        filter,
        request_body: key?.body,
      };
      const position = await streams.append(id, { type: 'export_requested', metadata, requestKey: key?.key });
      queue.add(id);
      return { id, position };
    } catch (error) {
      await folder.remove();
      throw isOfTheDisk(error) ? diskRefusal(diskOfExports, error) : error;
    } finally {
      selection.release();
      place.release();
    }
  };

  const start: ExportDesk['start'] = async (request, once) => {
    const key = once === undefined ? undefined : parts.keys.keyOf(once.key, once.what, once.body);
    let begun: Awaited<ReturnType<typeof begin>> | undefined;
    const beginOnce = async (): Promise<string> => {
      begun = await begin(request, key);
      return begun.id;
    };
    const id = key === undefined ? await beginOnce() : (await parts.keys.once(key, beginOnce)).startedId;
    const { createdAt: startedAt } = await streams.read(id);
    return { id, startedAt, position: begun?.position ?? null };
  };

  const expiryOf = (job: ExportJob): number | undefined =>
    job.endedAt === null ? undefined : Date.parse(job.endedAt) + parts.keepHours * hourMs;

  const isDue = (job: ExportJob): boolean =>
    (job.status === 'finished' || job.status === 'failed') && (expiryOf(job) ?? Infinity) <= parts.clock();

  /** First the event, then the files: files that nothing tells of any more are cleared up at the next start. */
  const removeExpired = async (id: string, job: ExportJob): Promise<void> => {
    await streams.append(id, { type: 'export_expired' }).catch(unlessDone);
    await folderOf(id, job.format).remove();
  };

  const stateOf = async (id: string, job: ExportJob): Promise<ExportState> => {
    const failure = job.status === 'open' ? unrecorded.get(id) : undefined;
    const live = queue.progressOf(id);
    const status = isDue(job) ? 'expired' : failure ? 'failed' : statusOf(job.status, live !== undefined);
    const { runs: total, format, result } = job;
    const ended = result === null ? undefined : { done: result.runs, errors: result.errors };
    const { done, errors } = ended ?? live ?? (await folderOf(id, format).progress());
    const expiry = expiryOf(job);
    const goes = job.expiredAt ?? (expiry === undefined ? null : new Date(expiry).toISOString());
    return {
      id,
      job,
      status,
      progress: { done, total, errors },
      expiresAt: job.status === 'cancelled' ? null : goes,
      error: failure ?? (job.error === null ? null : { ...job.error, message: job.error.message ?? '' }),
    };
  };

  const desk: ExportDesk = {
    start,
    read: async (id) => stateOf(id, await streams.read(id)),
    list: async (page) => {
      const { entries, total } = parts.listed(page);
      // Of one that was open when it was listed, its stream knows the newest.
      const newest = async ({ id, job }: JobEntry): Promise<ExportState> =>
        stateOf(id, job.status === 'open' ? await streams.read(id) : job);
      return { exports: await Promise.all(entries.map(newest)), total };
    },
    async cancel(id) {
      const job = await streams.read(id);
      if (job.status === 'cancelled') return null;
      const hadIt = await queue.take(id, new Error('the export is cancelled'));
      try {
        const position = await streams.append(id, { type: 'export_cancelled' });
        unrecorded.delete(id);
        await folderOf(id, job.format).remove();
        return position;
      } catch (error) {
        // One that came to its end meanwhile is passed over when its turn comes.
        if (hadIt) queue.add(id);
        throw error;
      }
    },
    async resume(id) {
      const job = await streams.read(id);
      if (job.status === 'expired' || isDue(job)) throw await expired(id, job);
      if (job.status !== 'failed' && job.status !== 'open') throw wrongStatus(id, job.status, 'resumed');
      if (queue.isWaiting(id) || queue.progressOf(id) !== undefined) return null;
      const place = queue.reserve();
      try {
        await assertSelected(id, folderOf(id, job.format));
        const position = job.status === 'open' ? null : await streams.append(id, { type: 'export_resumed' });
        unrecorded.delete(id);
        queue.add(id);
        return position;
      } finally {
        place.release();
      }
    },
    async open(id) {
      const job = await streams.read(id);
      if (job.status === 'expired' || isDue(job)) throw await expired(id, job);
      const { result } = job;
      if (result === null) throw wrongStatus(id, (await stateOf(id, job)).status, 'downloaded');
      const path = folderOf(id, job.format).ownFile('result.zip');
      const handle = await files.open(path);
      const size = (await handle?.stat())?.size;
      if (handle === undefined || size !== result.size_bytes) {
        await handle?.close();
        throw new LedgerError('EXPORT_DAMAGED', { export_id: id, what: 'The file' });
      }
      return {
        sizeBytes: result.size_bytes,
        sha256: result.sha256,
        read: (signal) => handle.createReadStream({ signal }) as AsyncIterable<Uint8Array>,
      };
    },
  };

  const expired = async (id: string, job: ExportJob): Promise<LedgerError> => {
    if (job.status !== 'expired') await removeExpired(id, job);
    const expired_at = new Date(expiryOf(job) ?? parts.clock()).toISOString();
    return new LedgerError('EXPORT_EXPIRED', { export_id: id, expired_at });
  };

  const expireDue = async (): Promise<void> => {
    for (const { id, job } of standingJobs(parts) ?? []) if (isDue(job)) await removeExpired(id, job);
  };

  const clearUp = async (): Promise<void> => {
    const standing = standingJobs(parts);
    if (standing === undefined) return;
    const known = new Map(standing.map(({ id, job }) => [id, job]));
    for (const name of (await files.namesIn(parts.directory)).filter(isExportId)) {
      const job = known.get(name);
      // Its request was never recorded, or its end was and its files were still to go.
      if (job === undefined) await files.removeFolder(join(parts.directory, name));
      else if (job.status === 'finished') await folderOf(name, job.format).keepResultOnly();
    }
    await expireDue();
  };

  const goOn = (): void => {
    const open = (standingJobs(parts) ?? []).filter(({ job }) => job.status === 'open');
    for (const { id } of open) queue.add(id);
    if (open.length > 0) log.warn({ exports: open.length }, 'going on with exports that were not finished');
  };

  return { desk, clearUp, goOn, expireDue, close: queue.stop };
}

async function assertSelected(id: string, folder: ExportFolder): Promise<void> {
  if (await folder.hasSelection()) return;
  throw new LedgerError('EXPORT_DAMAGED', { export_id: id, what: 'The list of runs' });
}

async function* selectedRuns({ total, texts }: RunSelection): AsyncGenerator<SelectedRun> {
  for (let offset = 0; offset < total; offset += runsATurn) {
    for (const text of texts({ limit: runsATurn, offset })) {
      const { execution_id: executionId, version, status } = JSON.parse(text) as RunSummary;
      yield { executionId, version, status };
    }
    await setImmediate();
  }
}

function standingJobs({ standing, log }: ExportJobsParts): readonly JobEntry[] | undefined {
  try {
    return standing();
  } catch (error) {
    if (!isLedgerError(error, 'PROJECTION_STOPPED')) throw error;
    log.warn({ err: error }, 'exports that were not finished cannot be found');
    return undefined;
  }
}

const statusOf = (status: ExportJob['status'], isLive: boolean): ExportState['status'] =>
  status !== 'open' ? status : isLive ? 'running' : 'queued';

/** Another call came first: the files go with it. */
function unlessDone(error: unknown): void {
  if (!isLedgerError(error, 'EXPORT_STATUS')) throw error;
}

function failureOf(error: unknown): { readonly type: string; readonly message: string } {
  const known = isOfTheDisk(error) ? diskRefusal(diskOfExports, error) : error;
  return known instanceof LedgerError
    ? { type: known.code, message: known.message }
    : { type: 'INTERNAL', message: 'Something went wrong here; the service log says what.' };
}
