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
  /** Events that this process has read from the log and that are not in it: while history is read, at least so many. */
  readonly lagEvents: number;
  /** How long ago it last had everything that this process had read. */
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
  readonly waitFor: (position: Position, timeoutMs: number, signal?: AbortSignal) => Promise<Waited>;
};

/** How far the projections are against what was read of the log: counters only, the log is not asked. */
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
  let trouble: LedgerError | undefined;

  // Called for every event: none can be level again before a checkpoint moves.
  let mayBeLevel = true;
  const learn = (count: number): void => {
    if (count <= known) return;
    if (mayBeLevel) {
      for (const [name, slot] of slots) {
        if (eventsIn(slot) === known) behindSince.set(name, now());
      }
      mayBeLevel = false;
    }
    known = count;
  };

  const behind = (position: Position): Waited['behind'] =>
    [...slots].flatMap(([name, { live }]) => {
      if (live === undefined || live.stopped !== undefined) return [];
      const { last, events } = live.checkpoint;
      const has = last !== null && store.compare(last.position, position) >= 0;
      return has ? [] : { name, events: Math.max(1, known - events) };
    });

  const statusOf = ([name, slot]: [string, Slot]): ProjectionStatus => {
    const instance = shown(slot);
    const lagEvents = Math.max(0, known - eventsIn(slot));
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
