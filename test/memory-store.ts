import type { Delivery, EventStore } from '../src/event-store/port.ts';
import type { ReadyEvent, StoredEvent } from '../src/events/stored-event.ts';
import { LedgerError } from '../src/errors.ts';

export type MemoryStore = EventStore & {
  /** Appends to the end of a stream without looking at its revision. */
  readonly add: (stream: string, events: readonly ReadyEvent[]) => string;
  /** Tells an event of a stream once more at the end of the log, as after an erasure. */
  readonly tellAgain: (event: StoredEvent) => string;
  readonly events: readonly StoredEvent[];
};

/** A log in memory: enough of the port for the projector's tests, and nothing that is tested itself. */
export function createMemoryStore(storeId = 'memory', history: readonly StoredEvent[] = []): MemoryStore {
  const events: StoredEvent[] = [...history];
  const revisions = new Map<string, number>();
  for (const { stream, revision } of events) revisions.set(stream, revision);
  const waiting = new Set<() => void>();
  const indexOf = (position: string): number => Number(position) - 1;
  const unknown = (position: string): LedgerError =>
    new LedgerError('INVALID_APPEND', { what: `Position ${position} is not of this log`, cure: 'read it' });

  const tellAgain: MemoryStore['tellAgain'] = (event) => {
    const position = String(events.length + 1).padStart(9, '0');
    events.push({ ...event, position });
    for (const wake of waiting) wake();
    return position;
  };
  const add: MemoryStore['add'] = (stream, added) => {
    for (const event of added) {
      const revision = (revisions.get(stream) ?? -1) + 1;
      revisions.set(stream, revision);
      tellAgain({ ...event, stream, revision, position: '' });
    }
    return events.at(-1)?.position ?? '';
  };

  async function* subscribeAll(
    options: Parameters<EventStore['subscribeAll']>[0] = {},
  ): AsyncIterable<Delivery> {
    const { from = 'start', signal } = options;
    let index = from === 'start' ? 0 : from === 'end' ? events.length : indexOf(from) + 1;
    const history = events.length;
    let announced = false;
    const isAborted = (): boolean => signal?.aborted === true;
    while (!isAborted()) {
      if (!announced && index >= history) {
        announced = true;
        yield { kind: 'caughtUp' };
      }
      const event = events[index];
      if (event === undefined) {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            signal?.removeEventListener('abort', wake);
            resolve();
          };
          waiting.add(wake);
          signal?.addEventListener('abort', wake, { once: true });
          if (signal?.aborted === true || index < events.length) wake();
        });
        continue;
      }
      index++;
      yield { kind: 'event', event };
    }
  }

  return {
    storeId,
    isShared: false,
    events,
    add,
    tellAgain,
    subscribeAll,
    async append(stream, added) {
      const position = add(stream, added);
      return { revision: revisions.get(stream) ?? 0, position };
    },
    async *readStream(stream, { from = 0, limit = Number.POSITIVE_INFINITY } = {}) {
      yield* events.filter((event) => event.stream === stream).slice(from, from + limit);
    },
    async *readAll({ from, limit = Number.POSITIVE_INFINITY } = {}) {
      if (from !== undefined && events[indexOf(from)] === undefined) throw unknown(from);
      yield* events.slice(
        from === undefined ? 0 : indexOf(from),
        (from === undefined ? 0 : indexOf(from)) + limit,
      );
    },
    head: async () => events.at(-1)?.position ?? null,
    compare: (a, b) => Number(a) - Number(b),
    close: async () => {},
  };
}
