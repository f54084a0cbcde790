import { type LmdbSnapshot, openLmdbLog, openLmdbSnapshot } from './lmdb/log.ts';
import type { EventReader, EventStore } from './port.ts';
import { parseStoreName } from './store-name.ts';

type Named = {
  /** The name of the store (store-name.ts). */
  readonly store: string;
  /** The data directory, for a name that leaves the place open. */
  readonly directory: string;
};

/** A log as it is read; one that is embedded can be surveyed and copied as a whole besides. */
export type OpenedReader = EventReader &
  Partial<Pick<LmdbSnapshot, 'backup' | 'streamNames' | 'count' | 'lost'>>;

/** Opens the event store that a name chooses. Throws UNKNOWN_STORE, and whatever opening throws. */
export async function openEventStore({ store, directory }: Named): Promise<EventStore> {
  const name = parseStoreName(store, directory);
  if (name.kind === 'lmdb') return openLmdbLog({ directory: name.directory });
  return openOnServer(name.connectionString);
}

/**
 * Opens the log that a name chooses for reading, beside the service that writes to it: an embedded one as it is now, one on
 * a server as it grows. NO_LOG where an embedded one is not there.
 */
export async function openEventReader({ store, directory }: Named): Promise<OpenedReader> {
  const name = parseStoreName(store, directory);
  if (name.kind === 'lmdb') return openLmdbSnapshot({ directory: name.directory });
  return openOnServer(name.connectionString);
}

/** Its client is a fifth of what every command would load; whoever keeps an embedded log never needs it. */
async function openOnServer(connectionString: string): Promise<EventStore> {
  const { openEventStoreDb } = await import('./eventstoredb/log.ts');
  return openEventStoreDb({ connectionString });
}
