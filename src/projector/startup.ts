import type { EventStore } from '../event-store/port.ts';
import { LedgerError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Environment } from './environment.ts';
import type { Instance } from './instance.ts';
import type { Projection } from './projection.ts';

/** A projection: what serves, and what is being built to take its place. */
export type Slot = {
  readonly projection: Projection;
  readonly live: Instance | undefined;
  readonly building: Instance | undefined;
};

/**
 * Finds where each projection was. One whose checkpoint speaks of another log, another version or an event that the log
 * does not have there is built anew beside the old tables, which stay until the new ones are ready: going back to the
 * older release finds them again. A rebuild that a crash cut short goes on.
 */
export async function resumeSlots(
  environment: Environment,
  projections: readonly Projection[],
  store: EventStore,
): Promise<Slot[]> {
  const isUsable = usableIn(store);
  const slots: Slot[] = [];
  for (const projection of projections) {
    const live = environment.checkpoint(projection.name, 'live');
    const serves = live !== undefined && (await isUsable(live, projection));
    const started = environment.checkpoint(projection.name, 'building');
    const goesOn = started !== undefined && (await isUsable(started, projection));
    let building: Instance | undefined;
    if (goesOn) building = openInstance(environment, projection, started, 'building');
    else if (!serves) building = await newBuild(environment, projection, store.storeId);
    else if (started !== undefined)
      await environment.commit((rows) => rows.remove(projection.name, 'building'), false);
    slots.push({
      projection,
      live: serves ? openInstance(environment, projection, live, 'live') : undefined,
      building,
    });
  }
  await environment.sweep();
  return slots;
}

/** Empty tables of a new generation; the checkpoint comes first, or a sweep would take them for left-overs. */
export async function newBuild(
  environment: Environment,
  projection: Projection,
  storeId: string,
): Promise<Instance> {
  const generation = environment.newestGeneration(projection.name) + 1;
  const checkpoint: Checkpoint = { storeId, version: projection.version, generation, last: null, events: 0 };
  await environment.commit((rows) => rows.put(projection.name, 'building', checkpoint), false);
  return openInstance(environment, projection, checkpoint, 'building');
}

function openInstance(
  environment: Environment,
  projection: Projection,
  checkpoint: Checkpoint,
  role: Instance['role'],
): Instance {
  const tables = environment.tables(projection, checkpoint.generation);
  return { projection, tables, role, checkpoint, stopped: undefined };
}

function usableIn(store: EventStore): (checkpoint: Checkpoint, projection: Projection) => Promise<boolean> {
  // Projections are nearly always at one place, and each look costs a read.
  const known = new Map<string, Promise<string | undefined>>();
  return async ({ storeId, version, last }, projection) => {
    if (storeId !== store.storeId || version !== projection.version) return false;
    if (last === null) return true;
    const found = known.get(last.position) ?? eventIdAt(store, last.position);
    known.set(last.position, found);
    return (await found) === last.eventId;
  };
}

/** The id of the event at a position: a log that was cut, or restored from a backup, has none or another there. */
async function eventIdAt(store: EventStore, position: string): Promise<string | undefined> {
  try {
    for await (const event of store.readAll({ from: position, limit: 1 })) {
      return store.compare(event.position, position) === 0 ? event.id : undefined;
    }
    return undefined;
  } catch (error) {
    // The store refuses a position it cannot have given out; one that cannot be reached just now is no answer.
    if (error instanceof LedgerError && !error.retryable) return undefined;
    throw error;
  }
}
