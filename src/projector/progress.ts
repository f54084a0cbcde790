import type { EventStore, Position } from '../event-store/port.ts';
import type { LedgerError } from '../errors.ts';
import type { Instance } from './instance.ts';
import type { Slot } from './startup.ts';

export type ProjectionStatus = {
  readonly name: string;
  readonly version: string;
  /** `building`: nothing serves yet. A rebuild beside one that serves leaves it `running`. */
  readonly state: 'building' | 'running' | 'stopped';
  /** The last event in it; null before the first. */
  readonly position: Position | null;
  /** How many events of the log are in it. */
  readonly events: number;
  /** Events that this process knows of and that are not in it: at least so many, for others may have appended more. */
  readonly lagEvents: number;
  /** How long ago it last had everything that this process knew of. */
  readonly lagSeconds: number;
  /** Why it stopped, or what keeps it waiting. */
  readonly error?: LedgerError;
  /** Events in the generation that is being built beside it. */
  readonly rebuiltEvents?: number;
};

export type Waited = {
  readonly reached: boolean;
  /** Those that do not have the position yet, and at least how many events they lack. */
  readonly behind: readonly { readonly name: string; readonly events: number }[];
};

/** What every running projection has at least, null where one has nothing or none runs; and those known to lack events. */
export type Reached = { readonly position: Position | null; readonly behind: Waited['behind'] };

export type Progress = {
  /** Call the result for each event read by a feed that begins after `base` events of the log. */
  readonly receiver: (base: number) => () => void;
  /** Checkpoints have moved. */
  readonly moved: () => void;
  /** What keeps a feed from going on; undefined once it does. */
  readonly trouble: (error: LedgerError | undefined) => void;
  /** A trouble that does not pass by itself. */
  readonly fault: () => LedgerError | undefined;
  readonly status: () => ProjectionStatus[];
  readonly reached: () => Reached;
  /** The log has an event at this position, read or not: what was appended here, or what the store says of its end. */
  readonly heardOf: (position: Position) => void;
  readonly waitFor: (position: Position, timeoutMs: number, signal?: AbortSignal) => Promise<Waited>;
};

/** How far the projections are against what is known of the log: the log itself is not asked. */
export function createProgress(
  slots: ReadonlyMap<string, Slot>,
  store: EventStore,
  now: () => number,
): Progress {
  const shown = ({ live, building }: Slot): Instance | undefined => live ?? building;
  const eventsIn = (slot: Slot): number => shown(slot)?.checkpoint.events ?? 0;
  const opened = now();
  const behindSince = new Map<string, number>();
  const waiting = new Set<() => void>();
  let known = Math.max(0, ...[...slots.values()].map(eventsIn));
  let heard: Position | null = null;
  let trouble: LedgerError | undefined;

  const has = ({ checkpoint: { last } }: Instance, position: Position): boolean =>
    last !== null && (last.position === position || store.compare(last.position, position) >= 0);
  const lagOf = (slot: Slot): number => {
    const instance = shown(slot);
    if (instance === undefined) return 0;
    const unread = heard === null || has(instance, heard) ? 0 : 1;
    return Math.max(unread, known - eventsIn(slot));
  };

  // Called for every event: none can be level again before a checkpoint moves.
  let mayBeLevel = true;
  const learn = (count: number): void => {
    if (count <= known) return;
    if (mayBeLevel) {
      for (const [name, slot] of slots) {
        if (lagOf(slot) === 0) behindSince.set(name, now());
      }
      mayBeLevel = false;
    }
    known = count;
  };

  const behind = (position: Position): Waited['behind'] =>
    [...slots].flatMap(([name, { live }]) => {
      if (live === undefined || live.stopped !== undefined) return [];
      return has(live, position) ? [] : { name, events: Math.max(1, known - live.checkpoint.events) };
    });

  const statusOf = ([name, slot]: [string, Slot]): ProjectionStatus => {
    const instance = shown(slot);
    const lagEvents = lagOf(slot);
    const error = instance?.stopped?.error ?? trouble;
    const isStopped = error !== undefined && !error.retryable;
    return {
      name,
      version: slot.projection.version,
      state: isStopped ? 'stopped' : slot.live === undefined ? 'building' : 'running',
      position: instance?.checkpoint.last?.position ?? null,
      events: eventsIn(slot),
      lagEvents,
      lagSeconds: lagEvents === 0 ? 0 : (now() - (behindSince.get(name) ?? opened)) / 1000,
      ...(error === undefined ? {} : { error }),
      ...(slot.live === undefined || slot.building === undefined
        ? {}
        : { rebuiltEvents: slot.building.checkpoint.events }),
    };
  };

  return {
    receiver(base) {
      let count = base;
      return () => learn(++count);
    },
    moved() {
      mayBeLevel = true;
      for (const wake of waiting) wake();
    },
    trouble(error) {
      // What does not pass by itself stays, whatever another feed says.
      if (trouble === undefined || trouble.retryable) trouble = error;
      if (error !== undefined) for (const wake of waiting) wake();
    },
    fault: () => (trouble?.retryable === false ? trouble : undefined),
    status: () => [...slots].map(statusOf),
    reached() {
      const running = [...slots].filter(([, { live }]) => live !== undefined && live.stopped === undefined);
      const positions = running.map(([, slot]) => shown(slot)?.checkpoint.last?.position ?? null);
      return {
        position: positions.reduce((least, next) => earlier(store, least, next), positions[0] ?? null),
        behind: running.flatMap(([name, slot]) => {
          const events = lagOf(slot);
          return events === 0 ? [] : { name, events };
        }),
      };
    },
    heardOf(position) {
      if (heard !== null && store.compare(position, heard) <= 0) return;
      for (const [name, slot] of slots) {
        const instance = shown(slot);
        if (instance !== undefined && lagOf(slot) === 0 && !has(instance, position))
          behindSince.set(name, now());
      }
      heard = position;
    },
    async waitFor(position, timeoutMs, signal) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const end = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
      while (behind(position).length > 0 && !end.aborted) {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            end.removeEventListener('abort', wake);
            resolve();
          };
          waiting.add(wake);
          end.addEventListener('abort', wake, { once: true });
        });
      }
      const left = behind(position);
      return { reached: left.length === 0, behind: left };
    },
  };
}

/** Of two positions; null, which is before the first, is before all. */
function earlier(store: EventStore, a: Position | null, b: Position | null): Position | null {
  if (a === null || b === null) return null;
  return a === b || store.compare(a, b) < 0 ? a : b;
}
