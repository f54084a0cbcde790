import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config.ts';
import { isLedgerError, LedgerError } from '../errors.ts';
import { keyedDigestOf } from '../events/ids.ts';
import { timeOf } from '../events/time.ts';
import type { EventStore, Position } from '../event-store/port.ts';
import type { Service } from '../http/service.ts';
import type { Evidence } from '../exporters/evidence.ts';
import { importText } from '../import/import-batch.ts';
import { heldMedium } from '../media/held-medium.ts';
import { openMediaStore } from '../media/media-store.ts';
import { mediumBytes } from '../media/medium-bytes.ts';
import type { Projector } from '../projector/projector.ts';
import { readActiveRuns } from '../queries/active-runs.ts';
import { createAuditedRuns } from '../queries/audited-runs.ts';
import { createDecisionQueries } from '../queries/decisions.ts';
import { readRequest } from '../queries/requests.ts';
import { createRunLists } from '../queries/run-list.ts';
import { readHeader, readRecord } from '../queries/run-record.ts';
import { readStorageStats } from '../queries/storage-stats.ts';
import { readFaults } from '../queries/violations.ts';
import { createIds } from '../run/randomness.ts';
import { createRecorder } from '../run/recorder.ts';
import { version } from '../version.ts';
import { backOff } from './back-off.ts';
import { createBackends } from './backends.ts';
import { createCheckpointSigner } from './checkpoint-signer.ts';
import { checkRun } from './check-run.ts';
import { compareRuns } from './compare-runs.ts';
import { diffRun } from './diff-run.ts';
import { evidenceOf } from './evidence.ts';
import { openRunExporter } from './export-run.ts';
import { refuseForkAtStart } from './fork-check.ts';
import { ledgerDesk } from './ledger-desk.ts';
import { ledgerFiles } from './ledger-files.ts';
import { originOf } from './ledger-key-changes.ts';
import { createLedgerWriter } from './ledger-writer.ts';
import { openRenderer } from './renderer.ts';
import { createExecutor } from './execute.ts';
import { newExecutionId } from './execution-id.ts';
import { ladderOfRun } from './ladder-of-run.ts';
import { type LeaseClock, leaseClock } from './lease-clock.ts';
import { createLeases } from './leases.ts';
import { openExports } from './open-exports.ts';
import { openReplays } from './open-replays.ts';
import type { LedgerParts } from './parts.ts';
import { createPolicyShelf, publishPolicy, readPolicy } from './policies.ts';
import { createRequestKeys } from './request-keys.ts';
import { createReviewDesk } from './review-desk.ts';
import { createRequestReservations } from './request-reservations.ts';
import { createRunControl } from './run-control.ts';
import { watchOtherRuns } from './run-takeover.ts';
import { createWorker } from './worker.ts';
import { workflowDesk } from './workflow-desk.ts';
import { openWorkflowFolder } from './workflow-folder.ts';
import { openWorkflowShelf } from './workflow-shelf.ts';
import { openReplay, type ReplaySource, replayRun, type WantedEvidence } from './replay.ts';

/** How long one wait for the read models lasts while a ledger is opened; it is repeated until they have everything. */
const catchUpMs = 10_000;

export type Ledger = {
  readonly service: Service;
  readonly head: () => Promise<Position | null>;
  readonly projector: Projector;
  /** Lets what is in flight finish for so long, then stops it, and closes everything. */
  readonly close: (finishWithinMs: number, inFlight?: Promise<unknown>) => Promise<void>;
};

/** What a ledger is assembled from: opened parts, and what it is to do with them. */
export type LedgerSource = LedgerParts & {
  readonly config: Config;
  readonly log: FastifyBaseLogger;
  /** False: runs that were not finished are left to a service. */
  readonly executes: boolean;
  /** What leases are counted by. */
  readonly steady?: LeaseClock;
};

/**
 * Puts the service together over opened parts: publishes the policy and the workflows, catches up with the log, and goes
 * on with the runs that were not finished. What it opens besides is closed with the parts.
 */
export async function assembleLedger(parts: LedgerSource): Promise<Ledger> {
  const { config, log, executes, directories, node, store, keys, projector, steady = leaseClock } = parts;
  const media = await openMediaStore({ directory: directories.media, node });
  const newId = createIds();
  const recorder = createRecorder({ store, keys, clock: Date.now, newId });
  const policy = await readPolicy(config.policyFile);
  const files = ledgerFiles(directories.keys);
  projector.start();
  const kept = await files.signed();
  await catchUp(store, projector);
  // Before anything is written: a log that is not the one which was signed must stay as it is.
  await refuseForkAtStart({ store, projector, kept }, log);
  await publishPolicy(
    { store, keys, clock: Date.now, newId },
    { ...policy.reference, document: policy.document },
  );
  const source: ReplaySource = { store, keyOf: keys.keyOf };
  const renderer = openRenderer();
  const evidence = (wanted: WantedEvidence, signal: AbortSignal): Promise<Evidence> =>
    evidenceOf({ ...source, projector, signNow: signer.signNow }, wanted, signal);
  const exportRun = await openRunExporter({
    openReplay: (executionId, telling, signal) =>
      openReplay({ ...source, medium: heldMedium(media), evidence }, executionId, telling, signal),
    renderer,
    mediaDirectory: directories.media,
    directory: join(directories.exports, 'drafts', node),
  });
  const replay: Service['replay'] = (executionId, until, signal) =>
    replayRun(source, executionId, until, signal);
  const { list, select } = createRunLists(projector);
  const policyOf = createPolicyShelf(store, keys, policy);
  const compare = (a: Position, b: Position): number => store.compare(a, b);
  const audit: Service['audit'] = {
    decisions: createDecisionQueries(projector, compare),
    runs: createAuditedRuns(projector, compare),
    ladder: (executionId, until, signal) => ladderOfRun({ ...source, policyOf }, executionId, until, signal),
    subjectOf: (userId) => keyedDigestOf(keys.naming, 'subject', userId),
    now: () => timeOf(Date.now()),
  };

  await catchUp(store, projector);
  const shelf = await openWorkflowShelf({ store, keys, projector, clock: Date.now, newId, log });
  const workflows = shelf.library;
  const read = (executionId: string) => replay(executionId, {}, AbortSignal.any([]));
  const clock = (): number => performance.now() / 1_000;
  const backends = createBackends(config.backends, clock);
  const name = `worker-${randomBytes(8).toString('hex')}`;
  const leases = store.isShared
    ? createLeases({ store, clock: Date.now, newId, steady, holder: name, seconds: config.leaseSeconds })
    : undefined;
  await files.ensureKey(originOf(parts));
  const signer = createCheckpointSigner({
    store,
    projector,
    files,
    writer: createLedgerWriter({ store, keys, clock: Date.now, newId }),
    steady,
    leases,
    log,
  });
  const worker = createWorker({
    recorder,
    read,
    documents: { workflows, policyOf },
    portsOf: ({ executionMode, policy: pinned }) => ({
      text: backends.textOf(executionMode),
      mediaBackendOf: backends.mediaOf,
      contextCheck: backends.contextCheckOf(pinned),
      ask: backends.ask,
      commitText: (words) => keyedDigestOf(keys.naming, 'text', words),
      media,
      readMedium: async (sha256, signal) => mediumBytes(await media.open(sha256), signal),
      clock,
      backOff,
    }),
    name,
    catchUp: leases && (() => catchUpNow(store, projector)),
    now: Date.now,
  });
  const { concurrency } = config;
  const control = createRunControl({ recorder, worker, read, concurrency, leases, log });
  const requestKeys = createRequestKeys(
    keys.naming,
    (key) => readRequest(projector, key),
    store.isShared ? createRequestReservations({ store, keys, clock: Date.now, newId }) : undefined,
  );
  const newRunId = (): string => newExecutionId(Date.now(), randomBytes(4));
  const executor = createExecutor({
    recorder,
    media,
    policy,
    workflows,
    control,
    keys: requestKeys,
    read,
    newExecutionId: newRunId,
  });
  const exports = await openExports({
    directory: directories.exports,
    keepHours: config.exportHours,
    store,
    keys,
    projector,
    select,
    exportRun,
    requestKeys,
    newId,
    log,
    executes,
    others: leases && { leases, steady, name },
  });
  const replays = openReplays({
    directory: join(directories.exports, 'replays'),
    store,
    keys,
    projector,
    select,
    policyOf,
    newId,
    log,
    executes,
    others: leases && { leases, steady, name },
  });
  // On a shared log they may be in the hands of others: who holds them is found out first.
  const unfinished = executes && leases === undefined ? unfinishedRuns(projector, log) : [];
  const { workflowFolder: directory } = config;
  // Nothing that can fail comes after it, so it is always closed; and no run goes on in a service that does not start.
  const folder = directory === undefined ? undefined : await openWorkflowFolder({ directory, shelf, log });
  exports.begin();
  replays.begin();
  if (executes) signer.begin();
  for (const executionId of unfinished) control.add(executionId, 'recovered');
  if (unfinished.length > 0)
    log.warn({ runs: unfinished.length }, 'going on with runs that were not finished');
  const others =
    executes && leases !== undefined
      ? watchOtherRuns({ projector, control, leases, steady, concurrency, log })
      : undefined;

  const service: Service = {
    version,
    storeId: store.storeId,
    recorder,
    queries: {
      list,
      record: (executionId) => readRecord(projector, executionId),
      header: (executionId) => readHeader(projector, executionId),
      stats: () => {
        const { records, bytes, byStatus } = readStorageStats(projector);
        return { total_records: records, total_size_bytes: bytes, by_status: byStatus };
      },
    },
    audit,
    start: executor.start,
    execute: executor.execute,
    cancel: control.cancel,
    pause: control.pause,
    resume: control.resume,
    importText: (text, timeZone) => importText(text, { recorder, naming: keys.naming }, { timeZone }),
    head: () => store.head(),
    replay,
    exportRun,
    invariants: {
      ofRun: (executionId, until, signal) =>
        checkRun({ store, keyOf: keys.keyOf }, executionId, until, signal),
      ofAll: (query) => readFaults(projector, query),
    },
    timeMachine: {
      diff: (executionId, options, signal) => diffRun(source, executionId, options, signal),
      compare: (ids, page, signal) => compareRuns(source, ids, page, signal),
    },
    exports: exports.desk,
    workflows: workflowDesk(shelf, projector),
    reviews: createReviewDesk({ source, recorder, naming: keys.naming, policyOf, contact: config.contact }),
    replays: replays.desk,
    ledger: ledgerDesk({ store, projector, signer }),
    putMedia: (bytes, signal) => media.put(bytes, signal),
    openMedia: (sha256) => media.open(sha256),
    readModels: projector,
    health: async () => {
      const head = await headOf(store);
      if (typeof head === 'string') projector.heardOf(head);
      const projections = projector.status().map(({ error, ...status }) => ({
        ...status,
        ...(error === undefined ? {} : { error: error.message }),
      }));
      const ready = head !== undefined && projections.every(({ state }) => state === 'running');
      return { ready, head, projections };
    },
    authenticate: (text) => keyedDigestOf(keys.naming, 'cursor', text),
    newExecutionId: newRunId,
  };
  return {
    service,
    projector,
    head: () => store.head(),
    close: async (finishWithinMs, inFlight) => {
      await Promise.all([folder?.close(), others?.close(), signer.close()]);
      // At once: an export goes on where it was, and a run that is finished in time need not.
      await Promise.all([exports.close(), replays.close(), control.finish(finishWithinMs)]);
      await inFlight;
      await renderer.close();
      await parts.close();
    },
  };
}

/** Waits until the read models have what the log has; one that stopped keeps nobody waiting. */
async function catchUp(store: EventStore, projector: Projector): Promise<void> {
  await projector.built();
  const head = await store.head();
  if (head === null) return;
  for (;;) {
    const { reached } = await projector.waitFor(head, catchUpMs);
    if (reached) return;
  }
}

/** What the log has now; for what others may have appended a moment ago. */
async function catchUpNow(store: EventStore, projector: Projector): Promise<void> {
  const head = await store.head();
  const waited = head === null ? undefined : await projector.waitFor(head, catchUpMs);
  if (waited?.reached === false) {
    const what = 'The read models are behind the log';
    throw new LedgerError('UNAVAILABLE', { what, cure: 'it is tried again' });
  }
}

function unfinishedRuns(projector: Projector, log: FastifyBaseLogger): readonly string[] {
  try {
    const active = readActiveRuns(projector);
    return active.filter(({ status }) => status !== 'paused').map(({ executionId }) => executionId);
  } catch (error) {
    if (!isLedgerError(error, 'PROJECTION_STOPPED')) throw error;
    log.warn({ err: error }, 'runs that were not finished cannot be found');
    return [];
  }
}

async function headOf(store: EventStore): Promise<Position | null | undefined> {
  try {
    return await store.head();
  } catch {
    // The answer of the health check is that the store is not there.
    return undefined;
  }
}
