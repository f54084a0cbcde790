import { setTimeout as delay } from 'node:timers/promises';
import type { EventStore, Position } from '../event-store/port.ts';
import { LedgerError } from '../errors.ts';
import { arrivalOf, type KeyOf } from './arrival.ts';
import { type Batch, batchesOf } from './batches.ts';
import type { Checkpoint, Role } from './checkpoint.ts';
import { openEnvironment } from './environment.ts';
import { type Instance, type Step, type Stop, stepOf } from './instance.ts';
import { createLock } from './lock.ts';
import type { RowChange } from './overlay.ts';
import { createProgress, type ProjectionStatus, type Reached, type Waited } from './progress.ts';
import type { Projection, Reader, Table } from './projection.ts';
import { newBuild, resumeSlots, type Slot } from './startup.ts';

/** How long after a full disk, or a log that is away, the projector tries again. */
const retryDelayMs = 1000;

export type ProjectorOptions = {
  /** The projections' own LMDB environment; may be deleted while nobody has it open. */
  readonly directory: string;
  readonly store: EventStore;
  readonly projections: readonly Projection[];
  readonly keyOf: KeyOf;
  /** Epoch milliseconds, for the lag only. */
  readonly now: () => number;
  /** Told once for each projection that stops, for the service's own log. */
  readonly onStopped?: (name: string, stop: Stop) => void;
};

/** What became of a projection's rows: changed by a commit, or all of them replaced by a rebuilt generation. */
export type Change =
  | { readonly kind: 'committed'; readonly rows: (table: Table) => Iterable<RowChange> }
  | { readonly kind: 'replaced' };

export type Projector = {
  /** Begins to follow the log, and to build what is not built. Until then queries see what was committed before. */
  readonly start: () => void;
  /**
   * The committed rows of a projection, for use within this turn of the event loop. Throws PROJECTION_STOPPED,
   * PROJECTION_BUILDING, PROJECTIONS_UNWRITABLE or UNKNOWN_PROJECTION.
   */
  readonly reader: (name: string) => Reader;
  /** Called in the turn in which readers begin to see a change. Returns the way to stop that. */
  readonly watch: (name: string, watcher: (change: Change) => void) => () => void;
  readonly status: () => ProjectionStatus[];
  /** What all running projections have, and which of them are known to lag. */
  readonly reached: () => Reached;
  /** Tells of a position that the log has, so that the lag counts from there on. Throws FOREIGN_POSITION. */
  readonly heardOf: (position: Position) => void;
  /** Waits until the running projections have the event at `position`, or for `timeoutMs`. Throws FOREIGN_POSITION. */
  readonly waitFor: (position: Position, timeoutMs: number, signal?: AbortSignal) => Promise<Waited>;
  /**
   * Builds projections (all by default) from the start of the log, beside those that serve, and puts them in their
   * place. Throws UNKNOWN_PROJECTION, or PROJECTION_STOPPED for one that the log stops; the old one then goes on.
   */
  readonly rebuild: (names?: readonly string[]) => Promise<void>;
  /** Resolves once what is being built is built, or has stopped. */
  readonly built: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Opens the projections' directory and finds where each of them was. */
export async function openProjector(options: ProjectorOptions): Promise<Projector> {
  const { store, projections, keyOf } = options;
  const environment = openEnvironment(options.directory);
  const slots = new Map<string, Slot>();
  for (const slot of await resumeSlots(environment, projections, store))
    slots.set(slot.projection.name, slot);
  const progress = createProgress(slots, store, options.now);
  const watchers = new Map<string, Set<(change: Change) => void>>();
  const builds = new Map<string, Promise<void>>();
  const tasks = new Set<Promise<void>>();
  const ending = new AbortController();
  // Held by whoever changes what readers see: the main feed, and a rebuilt projection that takes over.
  const lock = createLock();
  let following = false;

  const slotOf = (name: string): Slot => {
    const slot = slots.get(name);
    if (slot === undefined) throw new LedgerError('UNKNOWN_PROJECTION', { name, known: [...slots.keys()] });
    return slot;
  };
  const tell = (name: string, change: Change): void => {
    for (const watcher of watchers.get(name) ?? []) watcher(change);
  };
  const running = (names: Iterable<string>, role: Role): Instance[] =>
    [...names].flatMap((name) => {
      const instance = slots.get(name)?.[role];
      return instance === undefined || instance.stopped !== undefined ? [] : instance;
    });

  const advance = async (names: Iterable<string>, role: Role, { arrivals }: Batch): Promise<void> => {
    const steps = running(names, role).map((instance) => ({
      instance,
      step: stepOf(instance, arrivals, store),
    }));
    const moved = steps.filter(({ instance, step }) => step.after !== instance);
    if (moved.length === 0) return;
    await environment.commit((rows) => {
      for (const { instance, step } of moved) {
        for (const write of step.writes) instance.tables.store(write);
        rows.put(instance.projection.name, role, step.after.checkpoint);
      }
    }, role === 'live');
    for (const { instance, step } of moved) settle(instance, step);
    progress.moved();
  };

  const settle = ({ projection, role }: Instance, { after, changes }: Step): void => {
    const { name } = projection;
    slots.set(name, { ...slotOf(name), [role]: after });
    if (role === 'live') tell(name, { kind: 'committed', rows: changes });
    if (after.stopped !== undefined) options.onStopped?.(name, after.stopped);
  };

  /** Reads the log from the oldest checkpoint of some instances and lets `take` have it until it says `leave`. */
  const follow = async (
    instances: () => Instance[],
    take: (batch: Batch) => Promise<'stay' | 'leave'>,
  ): Promise<void> => {
    while (!ending.signal.aborted) {
      const from = oldest(instances(), store);
      if (from === undefined) return;
      const left = new AbortController();
      const signal = AbortSignal.any([ending.signal, left.signal]);
      const received = progress.receiver(from.events);
      const decode = (stored: Parameters<typeof arrivalOf>[0]): ReturnType<typeof arrivalOf> => {
        received();
        return arrivalOf(stored, keyOf);
      };
      try {
        const deliveries = store.subscribeAll({ from: from.last?.position ?? 'start', signal });
        for await (const batch of batchesOf(deliveries, decode, () => left.abort())) {
          if ((await take(batch)) === 'leave') return;
          progress.trouble(undefined);
          if (instances().length === 0) return;
        }
      } catch (error) {
        if (ending.signal.aborted) return;
        const known = error instanceof LedgerError ? error : unwritable(error);
        progress.trouble(known);
        if (!known.retryable) throw known;
      }
      // A subscription that just ends counts as dropped: it goes on at the last checkpoint.
      await delay(retryDelayMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  };

  const underLock = async <T>(work: () => Promise<T>): Promise<T> => {
    const release = await lock();
    try {
      return await work();
    } finally {
      release();
    }
  };

  const followLive = async (): Promise<void> => {
    if (following || running(slots.keys(), 'live').length === 0) return;
    following = true;
    try {
      await follow(
        () => running(slots.keys(), 'live'),
        async (batch) => {
          await underLock(() => advance(slots.keys(), 'live', batch));
          return 'stay';
        },
      );
    } finally {
      following = false;
    }
  };

  /** Builds a group until it has all that the live ones have, then puts it in their place. */
  const build = async (names: readonly string[]): Promise<void> => {
    let release: (() => void) | undefined;
    try {
      await follow(
        () => running(names, 'building'),
        async (batch) => {
          // From the end of history on the live ones wait, so that the rest of the way is finite.
          if (batch.caughtUp) release ??= await lock();
          await advance(names, 'building', batch);
          if (!batch.caughtUp || !hasAll(running(names, 'building'), running(slots.keys(), 'live'), store))
            return 'stay';
          await takeOver(running(names, 'building'));
          return 'leave';
        },
      );
    } finally {
      release?.();
    }
  };

  const takeOver = async (built: readonly Instance[]): Promise<void> => {
    await environment.commit((rows) => {
      for (const { projection, checkpoint } of built) {
        rows.put(projection.name, 'live', checkpoint);
        rows.remove(projection.name, 'building');
      }
    }, true);
    for (const instance of built) {
      const { name } = instance.projection;
      slots.set(name, { ...slotOf(name), live: { ...instance, role: 'live' }, building: undefined });
      tell(name, { kind: 'replaced' });
    }
    progress.moved();
    await environment.sweep();
  };

  /** What stopped while it was built beside one that serves is given up; alone, it stays to say why. */
  const afterBuild = async (name: string): Promise<void> => {
    const { building, live } = slotOf(name);
    const stop = building?.stopped;
    if (stop === undefined) return;
    if (live !== undefined) {
      await underLock(async () => {
        await environment.commit((rows) => rows.remove(name, 'building'), false);
        slots.set(name, { ...slotOf(name), building: undefined });
        await environment.sweep();
      });
    }
    throw stop.error;
  };

  const run = (task: Promise<void>): void => {
    // Its failure is in the status of every projection (progress.trouble), and in the promise of who asked for it.
    const settled: Promise<void> = task.catch(() => {}).finally(() => tasks.delete(settled));
    tasks.add(settled);
  };

  const beginBuild = (names: readonly string[]): void => {
    const group = build(names);
    for (const name of names) {
      const done = group
        .then(() => afterBuild(name))
        .finally(() => {
          builds.delete(name);
          if (following || ending.signal.aborted) return;
          run(followLive());
        });
      builds.set(name, done);
      run(done);
    }
  };

  return {
    start() {
      const unbuilt = [...slots.values()].flatMap(({ projection, building }) =>
        building === undefined || building.stopped !== undefined || builds.has(projection.name)
          ? []
          : projection.name,
      );
      if (unbuilt.length > 0) beginBuild(unbuilt);
      run(followLive());
    },
    reader(name) {
      const { live, building } = slotOf(name);
      const stop = live === undefined ? building?.stopped : live.stopped;
      if (stop !== undefined) throw stop.error;
      const fault = progress.fault();
      if (fault !== undefined) throw fault;
      if (live === undefined)
        throw new LedgerError('PROJECTION_BUILDING', { name, events: building?.checkpoint.events ?? 0 });
      return live.tables.reader;
    },
    watch(name, watcher) {
      slotOf(name);
      const watching = watchers.get(name) ?? new Set();
      watchers.set(name, watching.add(watcher));
      return () => void watching.delete(watcher);
    },
    status: progress.status,
    reached: progress.reached,
    heardOf: progress.heardOf,
    waitFor: progress.waitFor,
    async rebuild(names = [...slots.keys()]) {
      // Under the lock, so that two calls for the same projection do not both begin a generation.
      await underLock(async () => {
        for (const name of names) {
          const { building, projection } = slotOf(name);
          if (builds.has(name) || (building !== undefined && building.stopped === undefined)) continue;
          const fresh = await newBuild(environment, projection, store.storeId);
          slots.set(name, { ...slotOf(name), building: fresh });
        }
      });
      const idle = names.filter((name) => !builds.has(name));
      if (idle.length > 0) beginBuild(idle);
      await Promise.all(names.flatMap((name) => builds.get(name) ?? []));
    },
    async built() {
      await Promise.allSettled(builds.values());
    },
    async close() {
      ending.abort();
      while (tasks.size > 0) await Promise.all(tasks);
      await environment.close();
    },
  };
}

function oldest(instances: readonly Instance[], store: EventStore): Checkpoint | undefined {
  const [first, ...others] = instances.map(({ checkpoint }) => checkpoint);
  return others.reduce((least, next) => {
    if (least === undefined || least.last === null) return least;
    return next.last === null || store.compare(next.last.position, least.last.position) < 0 ? next : least;
  }, first);
}

/** Has each of the built ones all that any of the live ones has? */
function hasAll(built: readonly Instance[], live: readonly Instance[], store: EventStore): boolean {
  return live.every(({ checkpoint: { last } }) =>
    built.every(
      ({ checkpoint }) =>
        last === null ||
        (checkpoint.last !== null && store.compare(checkpoint.last.position, last.position) >= 0),
    ),
  );
}

function unwritable(cause: unknown): LedgerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LedgerError('PROJECTIONS_UNWRITABLE', { why }, { cause });
}
