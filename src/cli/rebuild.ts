import { join } from 'node:path';
import type { Config } from '../config.ts';
import { openEventStore } from '../event-store/open.ts';
import { openKeyring } from '../keyring/keyring.ts';
import { loadProjections } from '../projector/loader.ts';
import { openProjector } from '../projector/projector.ts';
import { exitCodes } from './exit-codes.ts';
import { print } from './output.ts';

/** `runledger rebuild [NAME…]`: takes the writer's lock, so a running service is refused by name. */
export async function rebuildProjections(
  config: Config,
  names: readonly string[],
  json: boolean,
): Promise<number> {
  const store = await openEventStore({ store: config.store, directory: config.dataDirectory });
  try {
    const mustExist = (await store.head()) !== null;
    const keys = await openKeyring(join(config.dataDirectory, 'keys'), { mustExist });
    const projector = await openProjector({
      directory: join(config.dataDirectory, 'projections'),
      store,
      projections: await loadProjections({ timeZone: config.timeZone }),
      keyOf: keys.keyOf,
      now: Date.now,
    });
    try {
      await projector.rebuild(names.length === 0 ? undefined : names);
      const rebuilt = projector.status().map(({ name, state, events }) => ({ name, state, events }));
      if (json) print(JSON.stringify({ projections: rebuilt }));
      else for (const { name, state, events } of rebuilt) print(`${name}: ${state}, ${events} events`);
    } finally {
      await projector.close();
      await keys.close();
    }
  } finally {
    await store.close();
  }
  return exitCodes.done;
}
