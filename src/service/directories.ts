import { join } from 'node:path';
import type { Config } from '../config.ts';

/** Where the parts of one ledger stand; its log is where its name says (event-store/open.ts). */
export type Directories = {
  /** The node's own: who has it open, where its service listens, its name. */
  readonly data: string;
  /** The node's own, too. */
  readonly projections: string;
  /** Seen by every node of a shared log, like media and exports. */
  readonly keys: string;
  readonly media: string;
  readonly exports: string;
};

export function directoriesOf({
  dataDirectory,
  sharedDirectory,
}: Pick<Config, 'dataDirectory' | 'sharedDirectory'>): Directories {
  return {
    data: dataDirectory,
    projections: join(dataDirectory, 'projections'),
    keys: join(sharedDirectory, 'keys'),
    media: join(sharedDirectory, 'media'),
    exports: join(sharedDirectory, 'exports'),
  };
}
