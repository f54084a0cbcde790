import { randomUUID } from 'node:crypto';
import type { EventStore } from '../../src/event-store/port.ts';
import { openEventStoreDb } from '../../src/event-store/eventstoredb/log.ts';
import type { Harness } from './conformance.ts';

/** A ledger of its own on a server that many tests share. */
export async function openFreshLedger(server: string): Promise<Harness> {
  const connectionString = `${server}${server.includes('?') ? '&' : '?'}ledger=${randomUUID()}`;
  let store: EventStore = await openEventStoreDb({ connectionString });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openEventStoreDb({ connectionString });
      return store;
    },
    destroy: () => store.close(),
  };
}
