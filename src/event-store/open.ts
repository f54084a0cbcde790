import { LedgerError } from '../errors.ts';
import { type LmdbSnapshot, openLmdbLog, openLmdbSnapshot } from './lmdb/log.ts';
import type { EventReader, EventStore } from './port.ts';
import { parseStoreName, shownStoreName } from './store-name.ts';

type Options = {
  /** The name of the store (store-name.ts). */
  readonly store: string;
  /** The data directory, for a name that leaves the place open. */
  readonly directory: string;
};

/** What a log is read by; an embedded one also knows how many events it has. */
export type OpenedReader = EventReader & Partial<Pick<LmdbSnapshot, 'count'>>;

/** Opens the event store that a name chooses. Throws UNKNOWN_STORE, and whatever opening throws. */
export async function openEventStore({ store, directory }: Options): Promise<EventStore> {
  const name = parseStoreName(store, directory);
  if (name.kind === 'lmdb') return openLmdbLog({ directory: name.directory });
  throw new LedgerError('UNKNOWN_STORE', {
    store: shownStoreName(store),
    cure: 'there is no adapter for a server yet, write lmdb or lmdb:DIR',
  });
}

/**
 * Opens the log that a name chooses for reading only, an embedded one as it is now and beside a service that writes to it.
 * Makes nothing: NO_LOG where there is none.
 */
export async function openEventReader({ store, directory }: Options): Promise<OpenedReader> {
  const name = parseStoreName(store, directory);
  if (name.kind === 'lmdb') return openLmdbSnapshot({ directory: name.directory });
  return openEventStore({ store, directory });
}
