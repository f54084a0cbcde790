import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { type BatchMark, markOf } from './batch.ts';
import { type Child, startProgram } from './child.ts';
import { randomFrom } from './random.ts';

/** One acknowledgement that a writer printed before it was killed. */
export type Ack = {
  readonly stream: string;
  readonly revision: number;
  readonly count: number;
  readonly batch: string;
};

export type CrashResult = { readonly points: number; readonly acks: number; readonly events: number };

const maxAcksBeforeKill = 120;

/**
 * Kills a writer with SIGKILL at `points` random moments, each time re-opens the log, and throws where an acknowledged
 * event is missing, a batch is there by half, or the dead writer's lock is not recognised.
 */
export async function crashLog(points: number, seed: number): Promise<CrashResult> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-crash-'));
  const random = randomFrom(seed);
  const acks: Ack[] = [];
  let events = 0;
  try {
    for (let point = 0; point < points; point++) {
      const writer = startProgram('log-writer', [directory, String(seed + point), '8']);
      acks.push(...(await killAfter(writer, Math.floor(random() * maxAcksBeforeKill))));
      const store = await openLmdbLog({ directory });
      try {
        events = await checkLog(store, acks);
      } finally {
        await store.close();
      }
    }
    return { points, acks: acks.length, events };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Kills the writer when it has acknowledged `count` appends; it goes on meanwhile, so the moment is anywhere. */
export async function killAfter(writer: Child, count: number): Promise<Ack[]> {
  const acks: Ack[] = [];
  let ready = false;
  for await (const line of writer.lines) {
    const [word, stream = '', revision, size, batch = ''] = line.split(' ');
    if (word === 'ready') ready = true;
    if (word === 'ack') acks.push({ stream, revision: Number(revision), count: Number(size), batch });
    if (ready && acks.length >= count) writer.process.kill('SIGKILL');
  }
  if ((await writer.exited) !== null) throw new Error('The writer ended before it was killed');
  return acks;
}

/** Throws unless every acknowledged batch and no half batch is in the log; returns the number of events. */
export async function checkLog(store: EventStore, acks: readonly Ack[]): Promise<number> {
  const streams = new Map<string, BatchMark[]>();
  let events = 0;
  let before: BatchMark | null = null;
  for await (const event of store.readAll()) {
    before = checkNeighbour(before, event);
    const marks = streams.get(event.stream) ?? [];
    if (event.revision !== marks.length) throw new Error(`${event.stream} lacks revision ${marks.length}`);
    marks.push(markOf(event));
    streams.set(event.stream, marks);
    events += 1;
  }
  if (before !== null && before.at !== before.of - 1)
    throw new Error(`Batch ${before.batch} is cut at the end`);
  for (const { stream, revision, count, batch } of acks) {
    for (let at = 0; at < count; at++) {
      const mark = streams.get(stream)?.[revision - count + 1 + at];
      if (mark?.batch !== batch || mark.at !== at) {
        throw new Error(`Acknowledged event ${at} of batch ${batch} is not at its place in ${stream}`);
      }
    }
  }
  return events;
}

/** The events of a batch stand side by side in the whole log. */
function checkNeighbour(before: BatchMark | null, event: StoredEvent): BatchMark {
  const mark = markOf(event);
  const continues = before !== null && before.batch === mark.batch && before.at + 1 === mark.at;
  const begins = mark.at === 0 && (before === null || before.at === before.of - 1);
  if (!continues && !begins) throw new Error(`Batch ${mark.batch} is there by half at ${event.position}`);
  return mark;
}
