import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { isLedgerError, LedgerError } from '../errors.ts';
import { isExportId, type ExportJob } from '../exporters/export-job.ts';
import { formats } from '../exporters/registry.ts';
import type { ExportDesk, ExportRequest, ExportRun, ExportState } from '../http/service.ts';
import type { JobEntry, JobList } from '../queries/exports.ts';
import type { RunFilter, RunSelection } from '../queries/run-list.ts';
import { diskRefusal, isOfTheDisk } from '../disk/disk-refusal.ts';
import type { ExportFiles } from './export-files.ts';
import { type ExportFolder, openExportFolder } from './export-folder.ts';
import { assertSelected, selectedRuns } from './export-selection.ts';
import { createExportQueue, type WorkTurn } from './export-queue.ts';
import { type ExportStreams, wrongStatus } from './export-stream.ts';
import { workAtExport, type WorkParts } from './export-work.ts';
import type { HeldLease } from './held-lease.ts';
import type { Leases } from './leases.ts';
import type { RequestKey, RequestKeys, Reserve } from './request-keys.ts';

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
  /** Where several processes work at jobs in one folder: a job is worked at by whoever holds its lease. */
  readonly leases?: Pick<Leases, 'take' | 'isElsewhere'> | undefined;
  /** The end of the names of drafts; of each process its own, where several write. */
  readonly draft?: string | undefined;
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
  /** Takes a job that nobody works at, where this process has nothing to do. */
  readonly lookForOpen: () => Promise<void>;
  /** What another process made of a job, as the read model has it. */
  readonly saw: (entry: JobEntry) => Promise<void>;
  /** Stops what is worked at; its folder says how far it came. */
  readonly close: () => Promise<void>;
};

const diskOfExports = 'The export folder';
const cancelled = 'the export is cancelled';
/** Jobs that are asked for in one look. */
const maxLooked = 16;

const hourMs = 3_600_000;

/** Runs the exports of many runs: who is next, what became of them, and how long their files are kept. */
export function createExportJobs(parts: ExportJobsParts): ExportJobs {
  const { files, streams, leases, log } = parts;
  /** Failures that could not be recorded, by job: the log still says that the next process goes on with it. */
  const unrecorded = new Map<string, NonNullable<ExportState['error']>>();

  const folderOf = (id: string, format: string): ExportFolder =>
    openExportFolder(files, join(parts.directory, id), formats.get(format)?.extension ?? format, parts.draft);

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

  const workAt = async (
    id: string,
    signal: AbortSignal,
    onProgress: Parameters<WorkTurn>[2],
    assertHeld?: () => void,
  ): Promise<void> => {
    const job = await streams.read(id);
    if (job.status !== 'open') return;
    const folder = folderOf(id, job.format);
    await assertSelected(id, folder);
    const metadata = await workAtExport(parts, { id, job, folder, onProgress }, signal);
    assertHeld?.();
    await streams.append(id, { type: 'export_finished', metadata });
    await folder.keepResultOnly().catch((error: unknown) => {
      log.warn({ err: error, export_id: id }, 'files of a finished export are cleared up at the next start');
    });
  };

  const removeCancelled = async (id: string): Promise<void> => {
    try {
      if ((await statusInLog(id)) === 'cancelled') await files.removeFolder(join(parts.directory, id));
    } catch (error) {
      log.warn({ err: error, export_id: id }, 'the files of a cancelled export could not be removed');
    }
  };

  const work: WorkTurn = async (id, signal, onProgress) => {
    let lease: HeldLease | undefined;
    try {
      lease = await leases?.take(id, signal);
      if (leases !== undefined && lease === undefined) return;
      const either = lease === undefined ? signal : AbortSignal.any([signal, lease.signal]);
      await workAt(id, either, onProgress, lease?.assertHeld);
      lease?.leave();
    } catch (error) {
      // Where its lease is lost, it is another's to go on with; where another ended it, there is nothing to go on with.
      if (signal.aborted || lease?.signal.aborted === true) return;
      if (leases !== undefined && isLedgerError(error, 'EXPORT_STATUS')) await removeCancelled(id);
      else await fail(id, error);
    } finally {
      await lease?.release();
    }
  };

  const queue = createExportQueue(work);

  const begin = async (request: ExportRequest, key: RequestKey | undefined, reserve: Reserve) => {
    const place = queue.reserve();
    let lease: HeldLease | undefined;
    try {
      const id = await reserve(parts.newExportId());
      lease = await leases?.take(id);
      // Another process is about to start it for the same key; its folder is not ours to write to.
      if (leases !== undefined && lease === undefined)
        throw new LedgerError('REQUEST_IN_FLIGHT', { header: 'Idempotency-Key' });
      const position = await beginAs(id, request, key);
      // Not given back: it is ours to go on with, and others wait until they see that we do not.
      lease?.leave();
      queue.add(id);
      return { id, position };
    } finally {
      lease?.leave();
      place.release();
    }
  };

  const beginAs = async (id: string, request: ExportRequest, key: RequestKey | undefined) => {
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
      return await streams.append(id, { type: 'export_requested', metadata, requestKey: key?.key });
    } catch (error) {
      // One that another process has begun under the same id keeps its files.
      if (!isLedgerError(error, 'EXPORT_STATUS')) await folder.remove();
      throw isOfTheDisk(error) ? diskRefusal(diskOfExports, error) : error;
    } finally {
      selection.release();
    }
  };

  const start: ExportDesk['start'] = async (request, once) => {
    const key = once === undefined ? undefined : parts.keys.keyOf(once.key, once.what, once.body);
    let begun: Awaited<ReturnType<typeof begin>> | undefined;
    const beginOnce = async (reserve: Reserve): Promise<string> => {
      begun = await begin(request, key, reserve);
      return begun.id;
    };
    const fresh: Reserve = (freshId) => Promise.resolve(freshId);
    const id = key === undefined ? await beginOnce(fresh) : (await parts.keys.once(key, beginOnce)).startedId;
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
    const isElsewhere =
      leases !== undefined && job.status === 'open' && live === undefined && (await leases.isElsewhere(id));
    const isLive = live !== undefined || isElsewhere;
    const status = isDue(job) ? 'expired' : failure ? 'failed' : statusOf(job.status, isLive);
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
      const hadIt = await queue.take(id, new Error(cancelled));
      let lease: HeldLease | undefined;
      try {
        lease = await leases?.take(id);
        const position = await streams.append(id, { type: 'export_cancelled' });
        unrecorded.delete(id);
        // Who works at it removes its files when it has stopped; or whoever clears up next, where that one is dead.
        if (leases === undefined || lease !== undefined) await folderOf(id, job.format).remove();
        return position;
      } catch (error) {
        // One that came to its end meanwhile is passed over when its turn comes.
        if (hadIt) queue.add(id);
        throw error;
      } finally {
        lease?.leave();
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

  /** Files of a job that the read model does not have, or that was cancelled. */
  const removeUnknown = async (id: string): Promise<void> => {
    const lease = await leases?.take(id);
    // Another process is about to record its request.
    if (leases !== undefined && lease === undefined) return;
    try {
      const status = leases === undefined ? 'none' : await statusInLog(id);
      if (status === 'none' || status === 'cancelled' || status === 'expired')
        await files.removeFolder(join(parts.directory, id));
    } finally {
      lease?.leave();
    }
  };

  const statusInLog = async (id: string): Promise<string> => {
    try {
      return (await streams.read(id)).status;
    } catch (error) {
      if (!isLedgerError(error, 'EXPORT_NOT_FOUND')) throw error;
      return 'none';
    }
  };

  const clearUp = async (): Promise<void> => {
    const standing = standingJobs(parts);
    if (standing === undefined) return;
    const known = new Map(standing.map(({ id, job }) => [id, job]));
    for (const name of (await files.namesIn(parts.directory)).filter(isExportId)) {
      const job = known.get(name);
      // Its request was never recorded, or its end was and its files were still to go.
      if (job === undefined) await removeUnknown(name);
      else if (job.status === 'finished') await folderOf(name, job.format).keepResultOnly();
    }
    await expireDue();
  };

  const lookForOpen = async (): Promise<void> => {
    if (leases === undefined || !queue.isIdle()) return;
    const open = (standingJobs(parts) ?? []).filter(({ job }) => job.status === 'open');
    for (const { id } of open.slice(0, maxLooked)) {
      // Where it is not held: to one that was never worked at its lease was left when it was begun.
      if (await leases.isElsewhere(id)) continue;
      if (!queue.isIdle()) return;
      log.info({ export_id: id }, 'an export that nobody holds is taken');
      queue.add(id);
    }
  };

  const saw = async ({ id, job }: JobEntry): Promise<void> => {
    if (job.status !== 'cancelled' || !(await queue.take(id, new Error(cancelled)))) return;
    await folderOf(id, job.format).remove();
  };

  const goOn = (): void => {
    const open = (standingJobs(parts) ?? []).filter(({ job }) => job.status === 'open');
    for (const { id } of open) queue.add(id);
    if (open.length > 0) log.warn({ exports: open.length }, 'going on with exports that were not finished');
  };

  return { desk, clearUp, goOn, expireDue, lookForOpen, saw, close: queue.stop };
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
