import { join } from 'node:path';
import type { Config } from '../config.ts';
import { LedgerError } from '../errors.ts';

/** Where the parts of one ledger stand. The log may be elsewhere (`lmdb:DIR`), the rest is below the data directory. */
export type Directories = {
  readonly log: string;
  readonly keys: string;
  readonly media: string;
  readonly projections: string;
};

export function directoriesOf(config: Config): Directories {
  const below = (name: string): string => join(config.dataDirectory, name);
  return {
    log: logDirectory(config),
    keys: below('keys'),
    media: below('media'),
    projections: below('projections'),
  };
}

function logDirectory({ store, dataDirectory }: Config): string {
  if (store === 'lmdb') return join(dataDirectory, 'log');
  if (store.startsWith('lmdb:')) return store.slice('lmdb:'.length);
  throw new LedgerError('UNKNOWN_STORE', { store, cure: 'this command works on an embedded log only' });
}
