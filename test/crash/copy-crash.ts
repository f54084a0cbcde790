import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { openLmdbLog, openLmdbSnapshot } from '../../src/event-store/lmdb/log.ts';
import type { EventReader } from '../../src/event-store/port.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { rootAt } from '../../src/ledger/tree-head.ts';
import { batchOf } from './batch.ts';
import { randomFrom } from './random.ts';
import { compiled, environmentOf } from './service-process.ts';

export type CopyCrashResult = {
  readonly events: number;
  readonly streams: number;
  readonly kills: number;
  readonly seconds: number;
  readonly root: string;
};

type Options = {
  /** At least so many. */
  readonly events: number;
  /** At most so many each way; a copy that has ended is not killed. */
  readonly kills: number;
  readonly seed: number;
  /** The store in the middle, an empty one; an embedded log without it. */
  readonly through?: string | undefined;
};

/** Streams that are written to at the same time. */
const writers = 40;
/** Appends to one stream. */
const appendsOfStream = 8;

/**
 * Copies a log into another store and from there into a third, with the compiled command line, which is killed again and
 * again behind any of its progress; throws unless what came back is the log that went, byte for byte and in its order,
 * with the same root.
 */
export async function crashCopy({ events, kills, seed, through }: Options): Promise<CopyCrashResult> {
  const root = await mkdtemp(join(tmpdir(), 'runledger-copy-crash-'));
  const random = randomFrom(seed);
  const [from, back] = ['from', 'back'].map((name) => join(root, name)) as [string, string];
  const middle = through ?? `lmdb:${join(root, 'middle')}`;
  try {
    await write(join(from, 'log'), events, random);
    const began = performance.now();
    const killed =
      (await copyKilled(`lmdb:${from}`, middle, kills, random)) +
      (await copyKilled(middle, `lmdb:${back}`, kills, random));
    const seconds = Math.round((performance.now() - began) / 1000);
    return { ...(await compare(join(from, 'log'), join(back, 'log'))), kills: killed, seconds };
  } finally {
    await rm(root, { recursive: true });
  }
}

/** Runs end and others begin, so that the appends of many streams stand between those of each. */
async function write(directory: string, atLeast: number, random: () => number): Promise<void> {
  const store = await openLmdbLog({ directory });
  let [events, streams] = [0, 0];
  const writeStreams = async (): Promise<void> => {
    while (events < atLeast) {
      const stream = `run-${(streams += 1)}`;
      let head: number | 'noStream' = 'noStream';
      for (let append = 0; append < appendsOfStream && events < atLeast; append += 1) {
        const batch = batchOf(1 + Math.floor(random() * 6)).events;
        events += batch.length;
        head = (await store.append(stream, batch, head)).revision;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: writers }, writeStreams));
  } finally {
    await store.close();
  }
}

/** Runs the command until it ends by itself; how often it was killed before. */
async function copyKilled(from: string, to: string, maxKills: number, random: () => number): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    const child = spawn(process.execPath, [compiled('cli'), 'copy', '--from', from, '--to', to], {
      env: environmentOf('unused'),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const out = text(child.stdout);
    const lines: string[] = [];
    // Behind the first tenth that it adds, so that the next one finds more than this one did; or a little later.
    const killAt = 1 + Math.floor(random() * 2);
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      const copied = lines.filter((told) => told.startsWith('copied')).length;
      if (copied === killAt && kills < maxKills) child.kill('SIGKILL');
    }
    const [status, signal] = await exited;
    if (signal === 'SIGKILL') continue;
    if (status !== 0) throw new Error(`The copy ended with ${status}: ${lines.join('\n')}`);
    if (!/ are the same in /.test(await out)) throw new Error(`The copy says: ${await out}`);
    return kills;
  }
}

/** Does not use what the command itself compares with. */
async function compare(one: string, other: string) {
  const [source, back] = [
    await openLmdbSnapshot({ directory: one }),
    await openLmdbSnapshot({ directory: other }),
  ];
  try {
    const copies = back.readAll()[Symbol.asyncIterator]();
    let [events, streams] = [0, 0];
    for await (const event of source.readAll()) {
      const copy: StoredEvent | undefined = (await copies.next()).value;
      if (copy === undefined || wordsOf(copy) !== wordsOf(event))
        throw new Error(`Event ${events + 1} came back as ${copy === undefined ? 'none' : wordsOf(copy)}`);
      events += 1;
      streams += event.revision === 0 ? 1 : 0;
    }
    if ((await copies.next()).done !== true) throw new Error('More came back than went');
    const [root, rootBack] = [await rootOf(source, events), await rootOf(back, events)];
    if (root !== rootBack) throw new Error(`The root was ${root} and is ${rootBack}`);
    return { events, streams, root };
  } finally {
    await source.close();
    await back.close();
  }
}

const rootOf = async (log: EventReader, size: number): Promise<string> =>
  (await rootAt(hashesOf(log), size)).toString('base64');

async function* hashesOf(log: EventReader): AsyncGenerator<Uint8Array> {
  for await (const { hash } of log.readAll()) yield hash;
}

/** Everything about an event but its position, in one string. */
const wordsOf = ({ stream, revision, id, type, core, hash, sealed }: StoredEvent): string =>
  [stream, revision, id, type, ...[core, hash, sealed].map(textOf)].join(' ');

const textOf = (bytes: Uint8Array | null): string =>
  bytes === null ? '–' : Buffer.from(bytes).toString('base64');
