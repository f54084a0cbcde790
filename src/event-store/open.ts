import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import { type LmdbSnapshot, openLmdbLog, openLmdbSnapshot } from './lmdb/log.ts';
import type { EventReader, EventStore } from './port.ts';

const cure = 'write lmdb for the log in the data directory, or lmdb:DIR for one elsewhere';

type Named = {
  /** `lmdb`, `lmdb:DIR` or `esdb://…`. */
  readonly store: string;
  /** The data directory, for a name that leaves the place open. */
  readonly directory: string;
};

/** A log as it is read; one that is embedded can be surveyed and copied as a whole besides. */
export type OpenedReader = EventReader &
  Partial<Pick<LmdbSnapshot, 'backup' | 'streamNames' | 'count' | 'lost'>>;

/**
 * Opens the event store that a name chooses: `lmdb` (the folder `log` of the data directory) or `lmdb:DIR`. Throws
 * UNKNOWN_STORE for any other name, and whatever opening throws.
 */
export async function openEventStore({ store, directory }: Named): Promise<EventStore> {
  const embedded = embeddedDirectory({ store, directory });
  if (embedded !== undefined) return openLmdbLog({ directory: embedded });
  if (store.startsWith('esdb')) {
    throw new LedgerError('UNKNOWN_STORE', { store, cure: `there is no adapter for a server yet, ${cure}` });
  }
  throw new LedgerError('UNKNOWN_STORE', { store, cure });
}

/**
 * Opens the log that a name chooses for reading, beside the service that writes to it: an embedded one as it is now, one on
 * a server as it grows. Makes nothing: NO_LOG where an embedded one is not there.
 */
export async function openEventReader(named: Named): Promise<OpenedReader> {
  const directory = embeddedDirectory(named);
  return directory === undefined ? openEventStore(named) : openLmdbSnapshot({ directory });
}

/** Is the log that the name chooses one of this process, which locks it? */
export const isEmbedded = (store: string): boolean => /^lmdb(:|$)/.test(store);

function embeddedDirectory({ store, directory }: Named): string | undefined {
  const [kind, place] = split(store);
  return kind === 'lmdb' && place !== '' ? (place ?? join(directory, 'log')) : undefined;
}

function split(store: string): readonly [string, string | null] {
  const colon = store.indexOf(':');
  return colon < 0 ? [store, null] : [store.slice(0, colon), store.slice(colon + 1)];
}
