import type { Config } from '../config.ts';
import { takeWriterLock } from '../disk/writer-lock.ts';
import { openEventStore } from '../event-store/open.ts';
import { isEmbedded } from '../event-store/store-name.ts';
import type { EventStore } from '../event-store/port.ts';
import { type Keyring, openKeyring } from '../keyring/keyring.ts';
import { loadProjections } from '../projector/loader.ts';
import { openProjector, type Projector, type ProjectorOptions } from '../projector/projector.ts';
import { type Directories, directoriesOf } from './directories.ts';
import { nodeNameOf } from './node-name.ts';

/** What every writer of a ledger holds: its log, its keys, its read models. */
export type LedgerParts = {
  readonly directories: Directories;
  /** The name of this node, the same at every start. */
  readonly node: string;
  readonly store: EventStore;
  readonly keys: Keyring;
  readonly projector: Projector;
  readonly close: () => Promise<void>;
};

type Options = Pick<ProjectorOptions, 'onStopped'> & {
  /** The door to event stores; tests put a store of their own behind it. */
  readonly openStore?: typeof openEventStore;
};

/**
 * Opens them in order, and lets go of what is open where one fails. Throws LOCKED while another process writes: to the log
 * where it is embedded, else to the read models of this data directory.
 */
export async function openParts(
  config: Config,
  { openStore = openEventStore, ...told }: Options = {},
): Promise<LedgerParts> {
  const directories = directoriesOf(config);
  const opened: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const letGo of opened.toReversed()) await letGo();
  };
  try {
    // An embedded log has its own lock; beside any other, nothing keeps a second service out of the directory.
    if (!isEmbedded(config.store)) opened.push(takeWriterLock(directories.data).release);
    const store = await openStore({ store: config.store, directory: directories.data });
    opened.push(() => store.close());
    const node = await nodeNameOf(directories.data);
    const mustExist = (await store.head()) !== null;
    const keys = await openKeyring(directories.keys, { mustExist, isShared: store.isShared });
    opened.push(() => keys.close());
    const projector = await openProjector({
      directory: directories.projections,
      store,
      projections: await loadProjections({ timeZone: config.timeZone }),
      keyOf: keys.keyOf,
      now: Date.now,
      ...told,
    });
    opened.push(() => projector.close());
    return { directories, node, store, keys, projector, close };
  } catch (error) {
    await close();
    throw error;
  }
}
