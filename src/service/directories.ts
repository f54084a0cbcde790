import { join } from 'node:path';
import type { Config } from '../config.ts';
import { LedgerError } from '../errors.ts';
import { parseStoreName, shownStoreName } from '../event-store/store-name.ts';

/** Where the parts of one ledger stand. The log may be elsewhere (store-name.ts), the rest is below the data directory. */
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
  const name = parseStoreName(store, dataDirectory);
  if (name.kind === 'lmdb') return name.directory;
  const cure = 'this command works on an embedded log only';
  throw new LedgerError('UNKNOWN_STORE', { store: shownStoreName(store), cure });
}
