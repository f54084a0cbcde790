import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openLmdbSnapshot } from '../../src/event-store/lmdb/log.ts';
import { openKeyring } from '../../src/keyring/keyring.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { takeProjections } from '../../src/service/check-projections.ts';
import { checkLog } from '../../src/service/fsck.ts';
import { snapshotOf } from '../../src/service/log-snapshot.ts';
import { replayRun } from '../../src/service/replay.ts';
import { keepEmbedded } from '../store-under-test.ts';
import { randomFrom } from './random.ts';
import { loadService, nameKey, type Sent } from './service-load.ts';
import { startServiceProcess } from './service-process.ts';

export type ServiceCrashResult = {
  readonly points: number;
  /** Requests that were acknowledged, and those that were not. */
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly events: number;
};

const clients = 12;
/** The service is hit after at most so long under load; the moment is anywhere, also in the middle of a commit. */
const maxLoadMs = 400;
/** A directory is begun anew after so many points: what is checked after each would else grow with all of them. */
const pointsInDirectory = 10;

/**
 * Loads the whole service over HTTP and ends it `points` times – with SIGKILL, or with SIGTERM, which must end it with
 * status 0 – and throws where afterwards an acknowledged item is missing, a batch is there by half, the log has a fault,
 * or a projection differs from its rebuild. The next point begins with a start on
 * what the one before left.
 */
export async function crashService(
  points: number,
  seed: number,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<ServiceCrashResult> {
  const random = randomFrom(seed);
  const sum = { points, acknowledged: 0, unanswered: 0, events: 0 };
  for (let done = 0; done < points; done += pointsInDirectory) {
    const directory = await mkdtemp(join(tmpdir(), 'runledger-service-crash-'));
    keepEmbedded(directory);
    const sent: Sent[] = [];
    try {
      for (let point = done; point < Math.min(done + pointsInDirectory, points); point += 1) {
        const more = await hit(directory, seed * 1_000 + point, random() * maxLoadMs, signal);
        sent.push(...more);
        sum.events += await inspect(directory, sent);
        sum.acknowledged += more.filter(({ acknowledged }) => acknowledged !== null).length;
        sum.unanswered += more.filter(({ acknowledged }) => acknowledged === null).length;
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  }
  return sum;
}

async function hit(
  directory: string,
  seed: number,
  afterMs: number,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<readonly Sent[]> {
  const service = await startServiceProcess(directory);
  try {
    const { begun, sent } = loadService(service.url, seed, clients);
    await Promise.race([begun, sent]);
    await Promise.race([delay(afterMs), sent]);
    service.process.kill(signal);
    const [how, all] = await Promise.all([service.exited, sent]);
    const wanted = signal === 'SIGTERM' ? 0 : 'SIGKILL';
    if (how !== wanted) throw new Error(`The service ended with ${how}, not with ${wanted}`);
    return all;
  } finally {
    service.process.kill('SIGKILL');
    await service.exited;
  }
}

async function inspect(directory: string, sent: readonly Sent[]): Promise<number> {
  const scratch = await mkdtemp(join(directory, 'check-'));
  const taken = await takeProjections(join(directory, 'projections'), scratch);
  const log = await openLmdbSnapshot({ directory: join(directory, 'log') });
  const keys = await openKeyring(join(directory, 'keys'), { readOnly: true });
  try {
    const snapshot = await snapshotOf(log);
    const { faults, events, erased } = await checkLog(snapshot, keys.keyOf, () => undefined);
    if (faults.length > 0) throw new Error(`The log has faults: ${JSON.stringify(faults)}`);
    if (erased > 0) throw new Error(`${erased} payloads lost their keys`);
    if (taken === undefined) throw new Error('There are no projections to compare');
    const differences = await taken.compare(snapshot, keys.keyOf, 'UTC');
    if (differences.length > 0) {
      throw new Error(`Projections differ from their rebuild: ${JSON.stringify(differences.slice(0, 3))}`);
    }
    const records = new Map<string, ExecutionRecord | undefined>();
    for (const entry of sent) {
      if (!records.has(entry.executionId)) {
        const record = await replayRun(
          { store: log, keyOf: keys.keyOf },
          entry.executionId,
          {},
          new AbortController().signal,
        );
        records.set(entry.executionId, record);
      }
      checkSent(entry, records.get(entry.executionId));
    }
    return events;
  } finally {
    await keys.close();
    await log.close();
    await rm(scratch, { recursive: true });
  }
}

function checkSent(
  { executionId, items, acknowledged, finished }: Sent,
  record: ExecutionRecord | undefined,
): void {
  if (acknowledged !== null && record === undefined)
    throw new Error(`Acknowledged run ${executionId} is missing`);
  if (record === undefined) return;
  if (finished && record.status !== 'completed')
    throw new Error(`Run ${executionId} was told to be done and is ${record.status}`);
  const places = items.map(
    (name) => record.items.find(({ metadata }) => metadata[nameKey] === name)?.sequence_number ?? null,
  );
  const there = places.filter((place) => place !== null).length;
  if (there !== 0 && there !== items.length) throw new Error(`A batch of ${executionId} is there by half`);
  if (items.length > 0 && acknowledged !== null && JSON.stringify(places) !== JSON.stringify(acknowledged)) {
    throw new Error(
      `Acknowledged items of ${executionId} are at ${places.join()}, not at ${acknowledged.join()}`,
    );
  }
}
