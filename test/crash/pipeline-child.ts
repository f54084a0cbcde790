/**
 * A service of its own that kills itself: `pipeline-child.js before|after N` serves the data directory of its settings, and ends
 * with SIGKILL just before, or just after, its N-th append to a run is durable.
 */
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { createApp } from '../../src/http/app.ts';
import { writeServiceAddress } from '../../src/service/address.ts';
import { assembleLedger } from '../../src/service/assemble.ts';
import { openParts } from '../../src/service/parts.ts';

const [when = '', at = ''] = process.argv.slice(2);
const config = readConfig(process.env);
const log = pino({ level: 'fatal' });
const parts = await openParts(config);
const ledger = await assembleLedger({
  ...parts,
  store: dyingStore(parts.store, Number(at)),
  config,
  log,
  executes: true,
});
const app = await createApp(ledger.service, log);
const url = await app.listen({ host: '127.0.0.1', port: 0 });
await writeServiceAddress(config.dataDirectory, { url, pid: process.pid });
process.once('SIGTERM', () => {
  void app.close().then(() => ledger.close(0));
});

function dyingStore(store: EventStore, n: number): EventStore {
  let appends = 0;
  const die = (): Promise<never> => {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  };
  return {
    ...store,
    append: async (stream, ...rest) => {
      if (!stream.startsWith('run-')) return store.append(stream, ...rest);
      appends += 1;
      if (appends === n && when === 'before') return die();
      const appended = await store.append(stream, ...rest);
      return appends === n ? die() : appended;
    },
  };
}
