import type { EventStore } from '../event-store/port.ts';
import { LedgerError } from '../errors.ts';
import { type Arrival, isReadable, type Readable } from './arrival.ts';
import type { Checkpoint, Role } from './checkpoint.ts';
import type { TableSet } from './environment.ts';
import { createOverlay, type Overlay, type RowWrite } from './overlay.ts';
import type { Projection } from './projection.ts';

/** One generation of a projection with its tables, and how far it is. */
export type Instance = {
  readonly projection: Projection;
  readonly tables: TableSet;
  readonly role: Role;
  readonly checkpoint: Checkpoint;
  /** Why it takes no more events; it stays so until it is rebuilt, or until the next start. */
  readonly stopped: Stop | undefined;
};

/** The event that a projection could not handle, and the error. */
export type Stop = {
  readonly position: string;
  readonly stream: string;
  readonly seq: number;
  readonly error: LedgerError<'PROJECTION_STOPPED'>;
};

/** What a batch does to an instance: rows to store, and what it is once they are. */
export type Step = {
  readonly writes: readonly RowWrite[];
  readonly changes: Overlay['changes'];
  readonly after: Instance;
};

/**
 * Lets an instance handle what of a batch is new to it, against a buffer. When it throws, the batch is tried event by
 * event: what stands before the poisonous one is kept, and the instance stops there. Never throws.
 */
export function stepOf(
  instance: Instance,
  batch: readonly Arrival[],
  store: Pick<EventStore, 'storeId' | 'compare'>,
): Step {
  const fresh = newTo(instance, batch, store);
  const { types } = instance.projection;
  const wanted = types === undefined ? fresh : fresh.filter(({ type }) => types.includes(type));
  const unreadable = wanted.find((arrival) => !isReadable(arrival));
  const readable = upTo(wanted, unreadable);
  const handled = handle(instance, readable);
  if (handled !== undefined) {
    return unreadable === undefined
      ? advanced(instance, fresh, handled)
      : halted(instance, fresh, unreadable, unreadable.failure, handled);
  }
  return findPoison(instance, fresh, readable);
}

function newTo(
  instance: Instance,
  batch: readonly Arrival[],
  store: Pick<EventStore, 'storeId' | 'compare'>,
): readonly Arrival[] {
  const { last } = instance.checkpoint;
  if (last === null) return batch;
  const isNew = ({ position }: Arrival): boolean => store.compare(position, last.position) > 0;
  // Nearly always the whole batch is new; else the log is read again for a projection that is behind.
  return batch[0] === undefined || isNew(batch[0]) ? batch : batch.filter(isNew);
}

type Handled = Pick<Step, 'writes' | 'changes'>;

const upTo = (arrivals: readonly Arrival[], end: Arrival | undefined): readonly Readable[] => {
  const before = end === undefined ? arrivals : arrivals.slice(0, arrivals.indexOf(end));
  return before.every(isReadable) ? before : before.filter(isReadable);
};

function handle(instance: Instance, arrivals: readonly Readable[]): Handled | undefined {
  const overlay = createOverlay(instance.tables.latest);
  try {
    if (arrivals.length > 0) instance.projection.handle(arrivals, overlay);
    return { writes: overlay.seal(), changes: overlay.changes };
  } catch {
    // The same events once more, one by one, name the event and carry the error (findPoison).
    return undefined;
  }
}

function findPoison(instance: Instance, fresh: readonly Arrival[], wanted: readonly Readable[]): Step {
  const overlay = createOverlay(instance.tables.latest);
  for (const [index, arrival] of wanted.entries()) {
    try {
      instance.projection.handle([arrival], overlay);
      overlay.seal();
    } catch (failure) {
      const good = handle(instance, wanted.slice(0, index)) ?? { writes: [], changes: () => [] };
      return halted(instance, fresh, arrival, failure, good);
    }
  }
  return advanced(instance, fresh, { writes: overlay.seal(), changes: overlay.changes });
}

function advanced(instance: Instance, handled: readonly Arrival[], rows: Handled): Step {
  const last = handled.at(-1);
  if (last === undefined) return { ...rows, after: instance };
  const checkpoint: Checkpoint = {
    ...instance.checkpoint,
    last: { position: last.position, eventId: last.id },
    events: instance.checkpoint.events + handled.length,
  };
  return { ...rows, after: { ...instance, checkpoint } };
}

function halted(
  instance: Instance,
  fresh: readonly Arrival[],
  at: Arrival,
  cause: unknown,
  rows: Handled,
): Step {
  const seq = at.revision + 1;
  const why = cause instanceof Error ? cause.message : String(cause);
  const { name } = instance.projection;
  const error = new LedgerError('PROJECTION_STOPPED', { name, stream: at.stream, seq, why }, { cause });
  const step = advanced(instance, fresh.slice(0, fresh.indexOf(at)), rows);
  const stopped = { position: at.position, stream: at.stream, seq, error };
  return { ...step, after: { ...step.after, stopped } };
}
