import { hash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import type { ReadyEvent } from '../../src/events/stored-event.ts';
import { loadPeer } from './peers.ts';

export const coreBytes = 600;
export const payloadBytes = 350;
/** Salt, nonce and tag, as the layer above adds them. */
export const sealBytes = 60;
export const eventsPerRun = 18;

/** An event with all its bytes prepared, and the same bytes as one blob for stores that want one. */
export type Prepared = ReadyEvent & { readonly blob: Buffer };

export function prepare(count: number): Prepared[] {
  return Array.from({ length: count }, (_, index) => {
    const id = randomUUID();
    const core = Buffer.alloc(coreBytes, `${id}${index}`);
    const leaf = hash('sha256', core, 'buffer');
    const sealed = Buffer.alloc(payloadBytes + sealBytes, leaf);
    const type = 'stage_output';
    const blob = Buffer.concat([
      Buffer.from(id.replaceAll('-', ''), 'hex'),
      Buffer.from(type),
      core,
      leaf,
      sealed,
    ]);
    return { id, type, core, hash: leaf, sealed, blob };
  });
}

/** A store under measurement; `append` resolves once the events are durable. */
export type Contender = {
  readonly append: (stream: string, events: readonly Prepared[], first: number) => Promise<unknown>;
  readonly close: () => Promise<void>;
};

export async function openOurs(): Promise<Contender> {
  const directory = mkdtempSync(join(tmpdir(), 'runledger-bench-'));
  const log = await openLmdbLog({ directory });
  return {
    append: (stream, events, first) => log.append(stream, events, first === 0 ? 'noStream' : first - 1),
    close: async () => {
      await log.close();
      rmSync(directory, { recursive: true });
    },
  };
}

type Statement = { readonly run: (...values: unknown[]) => unknown };
type Sqlite = {
  readonly pragma: (text: string) => unknown;
  readonly exec: (text: string) => unknown;
  readonly prepare: (text: string) => Statement;
  readonly close: () => void;
};

/** better-sqlite3: WAL, every commit synced, one transaction for all appends that wait. Null where it is not installed. */
export async function openSqlite(): Promise<Contender | null> {
  const peer = await loadPeer<{ default: new (path: string) => Sqlite }>('better-sqlite3');
  if (peer === null) return null;
  const directory = mkdtempSync(join(tmpdir(), 'runledger-bench-'));
  const database = new peer.default(join(directory, 'events.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(
    'create table events (position integer primary key, stream text not null, seq integer not null, data blob not null, unique (stream, seq))',
  );
  const insert = database.prepare('insert into events (stream, seq, data) values (?, ?, ?)');
  const begin = database.prepare('begin immediate');
  const commit = database.prepare('commit');
  let queue: { stream: string; events: readonly Prepared[]; first: number; resolve: () => void }[] = [];
  const drain = () => {
    const waiting = queue;
    queue = [];
    begin.run();
    for (const { stream, events, first } of waiting) {
      for (const [index, event] of events.entries()) insert.run(stream, first + index, event.blob);
    }
    commit.run();
    for (const { resolve } of waiting) resolve();
  };
  return {
    append: (stream, events, first) =>
      new Promise<void>((resolve) => {
        if (queue.length === 0) setImmediate(drain);
        queue.push({ stream, events, first, resolve });
      }),
    close: async () => {
      database.close();
      rmSync(directory, { recursive: true });
    },
  };
}

let runs = 0;

/** Appends `events` one by one with `inFlight` writers, each its own runs; returns events per second. */
export async function appendSingly(
  store: Contender,
  events: readonly Prepared[],
  inFlight: number,
): Promise<number> {
  let next = 0;
  const write = async () => {
    for (;;) {
      runs += 1;
      const stream = `run-exec_20251103_205239_${runs.toString(16).padStart(8, '0')}`;
      for (let seq = 0; seq < eventsPerRun; seq++) {
        const event = events[next++];
        if (event === undefined) return;
        await store.append(stream, [event], seq);
      }
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, write));
  return (events.length / (performance.now() - started)) * 1000;
}

/** Appends `events` in batches, one after the other, to one run; returns events per second. */
export async function appendInBulk(
  store: Contender,
  events: readonly Prepared[],
  perAppend: number,
): Promise<number> {
  runs += 1;
  const stream = `run-exec_20251103_205239_${runs.toString(16).padStart(8, '0')}`;
  const batches: (readonly Prepared[])[] = [];
  for (let first = 0; first < events.length; first += perAppend)
    batches.push(events.slice(first, first + perAppend));
  const started = performance.now();
  for (const [index, batch] of batches.entries()) await store.append(stream, batch, index * perAppend);
  return (events.length / (performance.now() - started)) * 1000;
}
