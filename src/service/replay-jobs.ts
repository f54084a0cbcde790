import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { diskRefusal, isOfTheDisk } from '../disk/disk-refusal.ts';
import { LedgerError } from '../errors.ts';
import type { ReplayDesk, ReplayRequest, ReplayRow, ReplayState } from '../http/replay-contract.ts';
import type { ReplayList } from '../queries/replays.ts';
import type { RunFilter, RunSelection } from '../queries/run-list.ts';
import { type ActivePolicy, activatePolicy } from '../safety/policy.ts';
import type { ReplayJob } from '../safety/replay-job.ts';
import type { ExportFiles } from './export-files.ts';
import { type ExportFolder, ndjson, openExportFolder } from './export-folder.ts';
import { createExportQueue, type WorkTurn } from './export-queue.ts';
import { selectedRuns } from './export-selection.ts';
import type { HeldLease } from './held-lease.ts';
import type { Leases } from './leases.ts';
import type { ReplayStreams, StoredReplay } from './replay-stream.ts';
import { isChanged, type ReplayWorkParts, workAtReplay } from './replay-work.ts';

export type ReplayJobsParts = ReplayWorkParts & {
  /** The folder of all replays. */
  readonly directory: string;
  readonly files: ExportFiles;
  readonly streams: ReplayStreams;
  readonly select: (filter: RunFilter) => RunSelection;
  /** A published version; undefined where there is none. */
  readonly published: (id: string, version: number) => Promise<ActivePolicy | undefined>;
  /** Newest first. */
  readonly listed: (page: { readonly limit: number; readonly offset: number }) => ReplayList;
  /** Those that nothing has ended. */
  readonly open: () => readonly string[];
  readonly newReplayId: () => string;
  /** Where several processes share the log: a replay is worked at by whoever holds its lease. */
  readonly leases?: Pick<Leases, 'take' | 'isElsewhere'> | undefined;
  /** The end of the names of drafts; of each process its own, where several write. */
  readonly draft?: string | undefined;
  readonly log: FastifyBaseLogger;
};

export type ReplayJobs = {
  readonly desk: ReplayDesk;
  /** Goes on with what was not finished, where this process has nothing to do. */
  readonly goOn: () => Promise<void>;
  /** Stops what is worked at; the next process begins it again. */
  readonly close: () => Promise<void>;
};

/** Replays of decisions under another policy: one at a time, in the order of asking. */
export function createReplayJobs(parts: ReplayJobsParts): ReplayJobs {
  const { files, streams, leases, log } = parts;
  const folderOf = (id: string): ExportFolder =>
    openExportFolder(files, join(parts.directory, id), 'json', parts.draft);

  const workAt = async (
    id: string,
    signal: AbortSignal,
    onProgress: Parameters<WorkTurn>[2],
    assertHeld?: () => void,
  ) => {
    const stored = await streams.read(id);
    if (stored.job.status !== 'open') return;
    const folder = folderOf(id);
    if (!(await folder.hasSelection())) throw damaged(id, 'The list of runs');
    const metadata = await workAtReplay(parts, await policyOfJob(parts, stored), folder, onProgress, signal);
    assertHeld?.();
    await streams.append(id, { type: 'replay_finished', metadata });
  };

  const fail = async (id: string, error: unknown): Promise<void> => {
    log.warn({ err: error, replay_id: id }, 'a replay failed');
    const known = isOfTheDisk(error) ? diskRefusal('The replay', error) : error;
    const { code, message } =
      known instanceof LedgerError ? known : { code: 'INTERNAL', message: 'The service log says why.' };
    try {
      await streams.append(id, { type: 'replay_failed', content: message, metadata: { error_type: code } });
    } catch (cause) {
      // The log still says that the next process goes on with it.
      log.warn({ err: cause, replay_id: id }, 'that a replay failed could not be recorded');
    }
  };

  const work: WorkTurn = async (id, signal, onProgress) => {
    let lease: HeldLease | undefined;
    try {
      lease = await leases?.take(id, signal);
      if (leases !== undefined && lease === undefined) return;
      const either = lease === undefined ? signal : AbortSignal.any([signal, lease.signal]);
      await workAt(id, either, onProgress, lease?.assertHeld);
    } catch (error) {
      // Where its lease is lost, it is another's to go on with.
      if (!signal.aborted && lease?.signal.aborted !== true) await fail(id, error);
    } finally {
      await lease?.release();
    }
  };
  const queue = createExportQueue(work, 'replays');

  const begin = async (id: string, { policy: wanted, filter, givenFilter }: ReplayRequest) => {
    const policy = await policyWanted(parts, wanted);
    // At once: whatever begins or changes from here on is not part of it.
    const selection = parts.select(filter);
    const folder = folderOf(id);
    try {
      await folder.writeSelection(selectedRuns(selection), AbortSignal.any([]));
      const metadata = {
        policy: policy.reference,
        runs: selection.total,
        filter: givenFilter,
        document: 'document' in wanted ? wanted.document : undefined,
      };
      return await streams.append(id, { type: 'replay_requested', metadata });
    } catch (error) {
      await folder.remove();
      throw isOfTheDisk(error) ? diskRefusal('The replay', error) : error;
    } finally {
      selection.release();
    }
  };

  const stateOf = async (id: string, job: ReplayJob): Promise<ReplayState> => {
    const live = queue.progressOf(id);
    const isElsewhere =
      leases !== undefined && job.status === 'open' && live === undefined && (await leases.isElsewhere(id));
    const isLive = live !== undefined || isElsewhere;
    const ended = job.result === null ? undefined : { done: job.runs, errors: job.result.errors };
    return {
      id,
      job,
      status: job.status === 'open' ? (isLive ? 'running' : 'queued') : job.status,
      progress: { total: job.runs, ...(ended ?? live ?? { done: 0, errors: 0 }) },
    };
  };

  const desk: ReplayDesk = {
    async start(request) {
      const place = queue.reserve();
      const id = parts.newReplayId();
      let lease: HeldLease | undefined;
      try {
        lease = await leases?.take(id);
        const position = await begin(id, request);
        queue.add(id);
        return { id, startedAt: (await streams.read(id)).job.createdAt, position };
      } finally {
        // Not given back: it is ours to go on with, and others wait until they see that we do not.
        lease?.leave();
        place.release();
      }
    },
    read: async (id) => stateOf(id, (await streams.read(id)).job),
    list: async (page) => {
      const { entries, total } = parts.listed(page);
      return { replays: await Promise.all(entries.map(({ id, job }) => stateOf(id, job))), total };
    },
    async rows({ id, job: { result } }, { limit, offset, status, changed }, signal) {
      const path = folderOf(id).ownFile('rows.ndjson');
      if (result === null) return { rows: [], total: 0 };
      if ((await files.sizeOf(path)) !== result.size_bytes) throw damaged(id, 'The file of rows');
      const rows: ReplayRow[] = [];
      let total = 0;
      for await (const row of ndjson<ReplayRow>(files, path, signal)) {
        if (status !== undefined && row.status !== status) continue;
        if (changed !== undefined && isChanged(row) !== changed) continue;
        if (total >= offset && rows.length < limit) rows.push(row);
        total += 1;
      }
      return { rows, total };
    },
  };

  return {
    desk,
    goOn: async () => {
      if (!queue.isIdle()) return;
      for (const id of parts.open()) {
        if (leases !== undefined && (await leases.isElsewhere(id))) continue;
        queue.add(id);
        // Of several processes none takes all of them.
        if (leases !== undefined) return;
      }
    },
    close: () => queue.stop(),
  };
}

const damaged = (id: string, what: string): LedgerError =>
  new LedgerError('REPLAY_DAMAGED', { replay_id: id, what });

async function policyWanted(
  { published }: ReplayJobsParts,
  wanted: ReplayRequest['policy'],
): Promise<ActivePolicy> {
  if ('document' in wanted) return activatePolicy(wanted.document);
  const { id, version } = wanted;
  const policy = await published(id, version);
  if (policy === undefined) throw new LedgerError('POLICY_NOT_FOUND', { policy: id, version });
  return policy;
}

async function policyOfJob(
  { published }: ReplayJobsParts,
  { job, document }: StoredReplay,
): Promise<ActivePolicy> {
  const { id, version } = job.policy;
  // By the hash it was asked for under, whatever a newer schema would add to the document.
  if (document !== undefined) return { ...activatePolicy(document), reference: job.policy };
  const policy = await published(id, version);
  if (policy === undefined) throw new LedgerError('POLICY_NOT_FOUND', { policy: id, version });
  return policy;
}
