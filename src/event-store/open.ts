import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import { openEventStoreDb } from './eventstoredb/log.ts';
import { openLmdbLog } from './lmdb/log.ts';
import type { EventStore } from './port.ts';

const cure =
  'write lmdb for the log in the data directory, lmdb:DIR for one elsewhere, or esdb://USER:PASSWORD@HOST:PORT for a server';

/**
 * Opens the event store that a name chooses: `lmdb` (the folder `log` of the data directory), `lmdb:DIR`, or the
 * connection string of a server. Throws UNKNOWN_STORE for any other name, and whatever opening throws.
 */
export async function openEventStore({
  store,
  directory,
}: {
  readonly store: string;
  readonly directory: string;
}): Promise<EventStore> {
  const [kind, place] = split(store);
  if (kind === 'lmdb' && place !== '') return openLmdbLog({ directory: place ?? join(directory, 'log') });
  if (kind === 'esdb' || kind === 'esdb+discover') return openEventStoreDb({ connectionString: store });
  throw new LedgerError('UNKNOWN_STORE', { store, cure });
}

function split(store: string): readonly [string, string | null] {
  const colon = store.indexOf(':');
  return colon < 0 ? [store, null] : [store.slice(0, colon), store.slice(colon + 1)];
}
