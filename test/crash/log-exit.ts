/**
 * Has appends in flight and a subscription waiting, closes the log and ends: by `process.exit` with the argument `exit`,
 * else because nothing is left to do. Prints `acked N`.
 */
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import { batchOf } from './batch.ts';

const [directory = '', mode] = process.argv.slice(2);
const store = await openLmdbLog({ directory });
const control = new AbortController();
const following = (async () => {
  for await (const delivery of store.subscribeAll({ signal: control.signal })) {
    if (delivery.kind === 'event') control.abort();
  }
})().catch((error: { code?: string }) => {
  // Closing before the first event came.
  if (error.code !== 'UNAVAILABLE') throw error;
});
const appends = Array.from({ length: 50 }, (_, n) => store.append(`run-${n}`, batchOf(2).events, 'noStream'));
await store.close();
const acked = (await Promise.allSettled(appends)).filter((result) => result.status === 'fulfilled').length;
await following;
process.stdout.write(`acked ${acked}\n`);
if (mode === 'exit') process.exit(0);
