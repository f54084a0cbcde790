/**
 * Appends a few times, one after the other, printing `try N` and `ack N`, for a trace of its system calls.
 * Arguments: directory, and `unsafe` to switch syncing off.
 */
import { writeSync } from 'node:fs';
import { openLog } from '../../src/event-store/lmdb/log.ts';
import { batchOf } from './batch.ts';

const [directory = '', mode] = process.argv.slice(2);
const store = await openLog({ directory }, { unsafeNoSync: mode === 'unsafe' });
for (let round = 0; round < 10; round++) {
  writeSync(1, `try ${round}\n`);
  await store.append(`run-${round}`, batchOf(3).events, 'noStream');
  writeSync(1, `ack ${round}\n`);
}
await store.close();
