/**
 * Appends to a log under load until it is killed. Arguments: directory, seed, number of streams.
 * Prints `ready`, then one line `ack STREAM LAST_REVISION COUNT BATCH` for each append that was acknowledged.
 */
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { batchOf } from './batch.ts';
import { randomFrom } from './random.ts';

const [directory = '', seed = '1', streams = '8'] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const store = await openLmdbLog({ directory });
process.stdout.write('ready\n');
await Promise.all(Array.from({ length: Number(streams) }, (_, number) => write(store, `run-${number}`)));

async function write(store: EventStore, stream: string): Promise<never> {
  let head = await headOf(store, stream);
  for (;;) {
    const { batch, events } = batchOf(1 + Math.floor(random() * 6));
    const { revision } = await store.append(stream, events, head < 0 ? 'noStream' : head);
    head = revision;
    // Pipes are written synchronously: what was printed before the kill reaches the parent.
    process.stdout.write(`ack ${stream} ${revision} ${events.length} ${batch}\n`);
  }
}

async function headOf(store: EventStore, stream: string): Promise<number> {
  try {
    for await (const event of store.readStream(stream, { direction: 'backwards', limit: 1 }))
      return event.revision;
  } catch (error) {
    if ((error as { code?: string }).code !== 'STREAM_NOT_FOUND') throw error;
  }
  return -1;
}
