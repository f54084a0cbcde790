import { LedgerError } from '../src/errors.ts';
import type { EventStore, ExpectedRevision } from '../src/event-store/port.ts';
import type { ReadyEvent, StoredEvent } from '../src/events/stored-event.ts';

export type MemoryEventStore = Pick<EventStore, 'append' | 'readStream'> & {
  readonly streams: Map<string, StoredEvent[]>;
};

/** As much of the event-store port as the kernel's tests need: append with its conflicts and retries, and reading. */
export function memoryEventStore(): MemoryEventStore & EventStore {
  const streams = new Map<string, StoredEvent[]>();
  let position = 0;
  const append = async (stream: string, events: readonly ReadyEvent[], expected: ExpectedRevision) => {
    const known = streams.get(stream) ?? [];
    const at = expected === 'noStream' ? 0 : expected + 1;
    const retried = known.slice(at, at + events.length);
    const again = retried.at(-1);
    if (again && retried.length === events.length && retried.every(({ id }, i) => id === events[i]?.id))
      return { revision: again.revision, position: again.position };
    if (known.length !== at || new Set(events.map(({ id }) => id)).size !== events.length) {
      const actual = known.length === 0 ? 'none' : known.length - 1;
      throw new LedgerError('CONFLICT', { stream, expected: String(expected), actual });
    }
    for (const [index, event] of events.entries()) {
      position += 1;
      known.push({ ...structuredClone(event), stream, revision: at + index, position: String(position) });
    }
    streams.set(stream, known);
    return { revision: known.length - 1, position: String(position) };
  };
  const unused = (): never => {
    throw new Error('the kernel does not ask this of a store');
  };
  return {
    storeId: 'memory',
    isShared: false,
    streams,
    append,
    readStream: async function* (stream, { from, direction = 'forwards', limit = Infinity } = {}) {
      const known = streams.get(stream);
      if (known === undefined) throw new LedgerError('STREAM_NOT_FOUND', { stream });
      if (direction === 'forwards') yield* known.slice(from ?? 0, (from ?? 0) + limit);
      else
        yield* known
          .slice(0, (from ?? known.length - 1) + 1)
          .toReversed()
          .slice(0, limit);
    },
    readAll: unused,
    subscribeAll: unused,
    head: unused,
    compare: unused,
    close: async () => undefined,
  };
}
