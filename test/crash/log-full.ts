/**
 * Appends until the disk is full, prints `full CODE EVENTS`, waits for a line of input, appends the refused batch again,
 * prints `stored EVENTS`, re-opens the log and prints `read EVENTS`. Argument: directory.
 */
import { once } from 'node:events';
import { LedgerError } from '../../src/errors.ts';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { batchOf } from './batch.ts';

const [directory = ''] = process.argv.slice(2);
let store = await openLmdbLog({ directory });
let head = -1;
for (;;) {
  const { events } = batchOf(20);
  const append = () => store.append('run-1', events, head < 0 ? 'noStream' : head);
  try {
    head = (await append()).revision;
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    process.stdout.write(`full ${error.code} ${head + 1} ${await count(store)}\n`);
    await once(process.stdin, 'data');
    head = (await append()).revision;
    break;
  }
}
process.stdout.write(`stored ${head + 1}\n`);
await store.close();
store = await openLmdbLog({ directory });
process.stdout.write(`read ${await count(store)}\n`);
await store.close();
process.exit(0);

async function count(store: EventStore): Promise<number> {
  let events = 0;
  for await (const event of store.readAll()) events += event.core.length > 0 ? 1 : 0;
  return events;
}
