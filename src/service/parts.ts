import { join } from 'node:path';
import type { Config } from '../config.ts';
import { openEventStore } from '../event-store/open.ts';
import type { EventStore } from '../event-store/port.ts';
import { type Keyring, openKeyring } from '../keyring/keyring.ts';
import { loadProjections } from '../projector/loader.ts';
import { openProjector, type Projector, type ProjectorOptions } from '../projector/projector.ts';

/** What every writer of a ledger holds: its log, its keys, its read models. */
export type LedgerParts = {
  readonly store: EventStore;
  readonly keys: Keyring;
  readonly projector: Projector;
  readonly close: () => Promise<void>;
};

/** Opens them in order, and lets go of what is open where one fails. Throws LOCKED while another process writes. */
export async function openParts(
  config: Config,
  told: Pick<ProjectorOptions, 'onStopped'> = {},
): Promise<LedgerParts> {
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const letGo of opened.toReversed()) await letGo();
  };
  try {
    const store = await openEventStore({ store: config.store, directory: config.dataDirectory });
    opened.push(() => store.close());
    const mustExist = (await store.head()) !== null;
    const keys = await openKeyring(join(config.dataDirectory, 'keys'), { mustExist });
    opened.push(() => keys.close());
    const projector = await openProjector({
      directory: join(config.dataDirectory, 'projections'),
      store,
      projections: await loadProjections({ timeZone: config.timeZone }),
      keyOf: keys.keyOf,
      now: Date.now,
      ...told,
    });
    opened.push(() => projector.close());
    return { store, keys, projector, close };
  } catch (error) {
    await close();
    throw error;
  }
}
