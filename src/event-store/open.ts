import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import { openLmdbLog } from './lmdb/log.ts';
import type { EventStore } from './port.ts';

const cure = 'write lmdb for the log in the data directory, or lmdb:DIR for one elsewhere';

/**
 * Opens the event store that a name chooses: `lmdb` (the folder `log` of the data directory) or `lmdb:DIR`. Throws
 * UNKNOWN_STORE for any other name, and whatever opening throws.
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
  if (kind.startsWith('esdb')) {
    throw new LedgerError('UNKNOWN_STORE', { store, cure: `there is no adapter for a server yet, ${cure}` });
  }
  throw new LedgerError('UNKNOWN_STORE', { store, cure });
}

function split(store: string): readonly [string, string | null] {
  const colon = store.indexOf(':');
  return colon < 0 ? [store, null] : [store.slice(0, colon), store.slice(colon + 1)];
}
