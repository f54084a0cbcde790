import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openEventStoreDb } from '../../src/event-store/eventstoredb/log.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { isLedgerError, LedgerError } from '../../src/errors.ts';
import type { Chaos } from '../protocol-server/chaos.ts';
import { startProtocolCluster } from '../protocol-server/cluster.ts';
import { startProtocolServer } from '../protocol-server/server.ts';
import { batchOf, markOf } from './batch.ts';
import { type Ack, checkLog } from './log-crash.ts';
import { randomFrom } from './random.ts';

export type OutageResult = {
  /** Those whose caller learned that they are durable, and those whose caller gave up on them. */
  readonly acknowledged: number;
  readonly givenUp: number;
  /** Of those given up: they were stored all the same. */
  readonly storedUnheard: number;
  readonly events: number;
  /** The longest that any append took to end, either way. */
  readonly longestMs: number;
  /** How often what has struck. */
  readonly struck: Readonly<Record<string, number>>;
};

type Options = {
  readonly appends: number;
  /** Of the cluster; 1 is a single server. */
  readonly nodes: number;
  readonly seed: number;
};

/** Short, so that callers meet the end of patience; long for a server on the same machine. */
const limits = { callMs: 1_000, patienceMs: 3_000, idleMs: 500 };
/** What an append may take: its tries, and where the answer is a conflict, the reading of what stands there. */
export const appendWithinMs = 2 * (limits.patienceMs + limits.callMs + 1_000);
/** Late by up to this: a part of the answers comes when nobody waits for them any more. */
const maxDelayMs = 1_400;
const writers = 16;
/** An outage that no patience outlasts comes after so many appends. */
const appendsToOutage = 2_500;

/** A server or cluster that things happen to. */
type Target = {
  readonly url: string;
  readonly chaos: (seed: number) => Chaos;
  /** Takes it away, and gives it back later. */
  readonly away: () => Promise<void>;
  readonly back: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/**
 * Appends from many writers through the adapter while the server is cut off, restarted, made to answer late, and taken away
 * for longer than the adapter is patient. A caller that learns nothing sends the same again or gives up, by chance. Throws
 * where an acknowledged append is not there once and whole, where one that was given up is there twice or by half, where
 * one that was refused is there, and where a promise was rejected that nobody held.
 */
export async function outage({ appends, nodes, seed }: Options): Promise<OutageResult> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-outage-'));
  const target = await startTarget(directory, nodes);
  const random = randomFrom(seed);
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): void => void rejections.push(reason);
  process.on('unhandledRejection', onRejection);
  try {
    const store = await openEventStoreDb({ connectionString: target.url, limits });
    const told = createTold();
    const struck = new Map<string, number>();
    for (let done = 0, round = 0; done < appends; round += 1) {
      const count = Math.min(appendsToOutage, appends - done);
      const chaos = target.chaos(seed + round);
      await appendAll(store, `round-${round}`, count, random, told);
      await chaos.end();
      for (const [what, times] of Object.entries(chaos.struck()))
        struck.set(what, (struck.get(what) ?? 0) + times);
      done += count;
      await outlast(store, target, `outage-${round}`, random, told);
    }
    await store.close();
    const counted = await inspect(target.url, told);
    if (rejections.length > 0) throw new Error('Rejected, and nobody held it', { cause: rejections[0] });
    return { ...counted, longestMs: Math.round(told.longestMs), struck: Object.fromEntries(struck) };
  } finally {
    process.off('unhandledRejection', onRejection);
    await target.stop();
    await rm(directory, { recursive: true });
  }
}

async function startTarget(directory: string, nodes: number): Promise<Target> {
  if (nodes === 1) {
    const server = await startProtocolServer({ directory });
    return {
      url: server.url,
      chaos: (seed) => server.chaos({ seed, rate: 0.1, maxDelayMs }),
      away: server.kill,
      back: server.restart,
      stop: server.kill,
    };
  }
  const cluster = await startProtocolCluster({ directory, nodes });
  return {
    url: cluster.url,
    chaos: (seed) => cluster.chaos({ seed, rate: 0.1, upheavalRate: 0.1, maxDelayMs }),
    away: async () => cluster.elect(null),
    back: async () => cluster.elect(0),
    stop: cluster.stop,
  };
}

/** What the callers were told of their appends, by the batch's name. */
type Told = {
  readonly acks: Ack[];
  readonly givenUp: Set<string>;
  readonly refused: Set<string>;
  longestMs: number;
};
const createTold = (): Told => ({ acks: [], givenUp: new Set(), refused: new Set(), longestMs: 0 });

async function appendAll(
  store: EventStore,
  name: string,
  appends: number,
  random: () => number,
  told: Told,
): Promise<void> {
  let left = appends;
  const write = async (_: unknown, writer: number): Promise<void> => {
    const stream = `run-${name}-${writer}`;
    let head = -1;
    while (left > 0) {
      left -= 1;
      head = await appendOnce(store, stream, head, random, told);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
}

/** The server is away for longer than the adapter is patient: every writer learns so, and goes on when it is back. */
async function outlast(
  store: EventStore,
  target: Target,
  name: string,
  random: () => number,
  told: Told,
): Promise<void> {
  await target.away();
  const back = delay(limits.patienceMs + limits.callMs + random() * 2_000).then(target.back);
  await appendAll(store, name, writers, random, told);
  await back;
}

/** Sends an append until it is acknowledged, refused, or given up; answers the stream's head. */
async function appendOnce(
  store: EventStore,
  stream: string,
  head: number,
  random: () => number,
  told: Told,
): Promise<number> {
  const { batch, events } = batchOf(1 + Math.floor(random() * 3));
  for (;;) {
    const began = performance.now();
    try {
      const { revision } = await store.append(stream, events, head === -1 ? 'noStream' : head);
      told.acks.push({ stream, revision, count: events.length, batch });
      return revision;
    } catch (error) {
      if (isLedgerError(error, 'CONFLICT')) {
        // What was given up before it has arrived after all.
        told.refused.add(batch);
        return headOf(store, stream);
      }
      if (!(error instanceof LedgerError) || !error.retryable) throw error;
      if (random() < 0.5) continue;
      told.givenUp.add(batch);
      return headOf(store, stream);
    } finally {
      told.longestMs = Math.max(told.longestMs, performance.now() - began);
    }
  }
}

async function headOf(store: EventStore, stream: string): Promise<number> {
  for (;;) {
    try {
      for await (const { revision } of store.readStream(stream, { direction: 'backwards', limit: 1 }))
        return revision;
      return -1;
    } catch (error) {
      if (isLedgerError(error, 'STREAM_NOT_FOUND')) return -1;
      if (!(error instanceof LedgerError) || !error.retryable) throw error;
    }
  }
}

/** Reads the whole log by a store of its own, when nothing happens to it any more. */
async function inspect(url: string, told: Told) {
  const store = await openEventStoreDb({ connectionString: url });
  try {
    const events = await checkLog(store, told.acks);
    const stored = new Map<string, number>();
    for await (const event of store.readAll()) {
      const { batch, at } = markOf(event);
      if (at === 0) stored.set(batch, (stored.get(batch) ?? 0) + 1);
    }
    for (const [batch, times] of stored) {
      if (times > 1) throw new Error(`Batch ${batch} is there ${times} times`);
      if (told.refused.has(batch)) throw new Error(`Batch ${batch} was refused and is there`);
    }
    const storedUnheard = [...told.givenUp].filter((batch) => stored.has(batch)).length;
    const known = told.acks.length + storedUnheard;
    if (stored.size !== known) throw new Error(`${stored.size} batches are there, and ${known} are known`);
    return { acknowledged: told.acks.length, givenUp: told.givenUp.size, storedUnheard, events };
  } finally {
    await store.close();
  }
}
