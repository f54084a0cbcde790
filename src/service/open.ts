import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config.ts';
import { isLedgerError } from '../errors.ts';
import { keyedDigestOf } from '../events/ids.ts';
import type { EventStore, Position } from '../event-store/port.ts';
import type { Service } from '../http/service.ts';
import { importText } from '../import/import-batch.ts';
import type { Keyring } from '../keyring/keyring.ts';
import { openMediaStore } from '../media/media-store.ts';
import type { Projector } from '../projector/projector.ts';
import { readActiveRuns } from '../queries/active-runs.ts';
import { createRunListQuery } from '../queries/run-list.ts';
import { readHeader, readRecord } from '../queries/run-record.ts';
import { readStorageStats } from '../queries/storage-stats.ts';
import { createIds } from '../run/randomness.ts';
import { createRecorder } from '../run/recorder.ts';
import { activatePolicy } from '../safety/policy.ts';
import { bundledPolicy } from '../safety/bundled-policy.ts';
import { bundledLibrary } from '../workflows/library.ts';
import { version } from '../version.ts';
import { createExecutor } from './execute.ts';
import { newExecutionId } from './execution-id.ts';
import { openParts } from './parts.ts';
import { publishPolicy } from './policies.ts';
import { closeAbandonedRuns } from './recover.ts';
import { replayRun } from './replay.ts';

/** How long one wait for the read models lasts while a ledger is opened; it is repeated until they have everything. */
const catchUpMs = 10_000;

export type Ledger = {
  readonly service: Service;
  readonly head: () => Promise<Position | null>;
  readonly projector: Projector;
  /** Lets what is in flight finish for so long, then stops it, and closes everything. */
  readonly close: (finishWithinMs: number, inFlight?: Promise<unknown>) => Promise<void>;
};

/**
 * Opens a ledger on its data directory: store, keys, media, read models; publishes the policy; ends the runs that a dead
 * process left open. Throws LOCKED while another process has it.
 */
export async function openLedger(config: Config, log: FastifyBaseLogger): Promise<Ledger> {
  const parts = await openParts(config, {
    onStopped: (name, stop) => log.error({ projection: name, err: stop.error }, 'a projection stopped'),
  });
  try {
    return await assemble({ config, log, ...parts }, parts.close);
  } catch (error) {
    await parts.close();
    throw error;
  }
}

type Parts = {
  readonly config: Config;
  readonly log: FastifyBaseLogger;
  readonly store: EventStore;
  readonly keys: Keyring;
  readonly projector: Projector;
};

async function assemble(parts: Parts, closeAll: () => Promise<void>): Promise<Ledger> {
  const { config, log, store, keys, projector } = parts;
  const media = await openMediaStore(join(config.dataDirectory, 'media'));
  const newId = createIds();
  const recorder = createRecorder({ store, keys, clock: Date.now, newId });
  const policy = activatePolicy(bundledPolicy);
  await publishPolicy(
    { store, keys, clock: Date.now, newId },
    { ...policy.reference, document: policy.document },
  );
  const replay: Service['replay'] = (executionId, until, signal) =>
    replayRun(store, keys.keyOf, executionId, until, signal);
  const executor = createExecutor({
    recorder,
    media,
    policy,
    workflows: bundledLibrary(),
    naming: keys.naming,
    replay,
  });
  const list = createRunListQuery(projector);

  projector.start();
  await catchUp(store, projector);
  const abandoned = abandonedRuns(projector, log);
  const closed = await closeAbandonedRuns(recorder, abandoned, (id) => replay(id, {}, AbortSignal.any([])));
  if (closed > 0) log.warn({ runs: closed }, 'ended runs that a dead process left open');

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
    execute: executor.execute,
    importText: (text, timeZone) => importText(text, { recorder, naming: keys.naming }, { timeZone }),
    head: () => store.head(),
    replay,
    putMedia: (bytes, signal) => media.put(bytes, signal),
    openMedia: (sha256) => media.open(sha256),
    waitFor: (position, timeoutMs) => projector.waitFor(position, timeoutMs),
    health: async () => {
      const projections = projector.status().map(({ error, ...status }) => ({
        ...status,
        ...(error === undefined ? {} : { error: error.message }),
      }));
      const storeReachable = await reachable(store);
      const ready = storeReachable && projections.every(({ state }) => state === 'running');
      return { ready, storeReachable, projections };
    },
    authenticate: (text) => keyedDigestOf(keys.naming, 'cursor', text),
    newExecutionId: () => newExecutionId(Date.now(), randomBytes(4)),
  };
  return {
    service,
    projector,
    head: () => store.head(),
    close: async (finishWithinMs, inFlight) => {
      await executor.finish(finishWithinMs);
      await inFlight;
      await closeAll();
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

function abandonedRuns(projector: Projector, log: FastifyBaseLogger): readonly string[] {
  try {
    return readActiveRuns(projector).map(({ executionId }) => executionId);
  } catch (error) {
    if (!isLedgerError(error, 'PROJECTION_STOPPED')) throw error;
    log.warn({ err: error }, 'runs that a dead process left open cannot be found');
    return [];
  }
}

async function reachable(store: EventStore): Promise<boolean> {
  try {
    await store.head();
    return true;
  } catch {
    // The answer of the health check is that it is not.
    return false;
  }
}
