import type { AllStreamResolvedEvent, ResolvedEvent, StreamingRead } from '@eventstore/db-client';
import { BACKWARDS, END, type EventStoreDBClient, FORWARDS, START } from '@eventstore/db-client';
import { LedgerError } from '../../errors.ts';
import type { StoredEvent } from '../../events/stored-event.ts';
import type { ReadAllOptions, ReadStreamOptions } from '../port.ts';
import { type Connection, inTime } from './connection.ts';
import { type Patience, patiently } from './patience.ts';
import { comparePlaces, type Place, type Positions } from './position.ts';
import type { Names } from './names.ts';
import { fromServer, placeOf } from './record.ts';
import type { Slots } from './slots.ts';

/** The first page is small, since many reads want one event only; each further one is four times as large. */
const firstPageEvents = 16;
const lastPageEvents = 256;
/** A page that has so many bytes is cut short, and the next one goes on behind it. */
const maxPageBytes = 4 * 1024 * 1024;

export type Reader = {
  readonly readStream: (stream: string, options?: ReadStreamOptions) => AsyncGenerator<StoredEvent>;
  readonly readAll: (options?: ReadAllOptions) => AsyncGenerator<StoredEvent>;
  /** Where the last event of ours stands; undefined in an empty log. */
  readonly head: (signal?: AbortSignal) => Promise<Place | undefined>;
  /** The last event of a stream by the server's own name for it, as the server has it; undefined where there is none. */
  readonly lastOf: (stream: string) => Promise<ResolvedEvent | undefined>;
};

type Options = {
  readonly connection: Connection;
  readonly slots: Slots;
  readonly limits: Patience;
  readonly names: Names;
  /** Known once the log is open. */
  readonly identity: () => { readonly positions: Positions; readonly birth: Place | undefined };
  /** Throws UNAVAILABLE once the store is closed. */
  readonly ensureOpen: () => void;
};

type Page<E> = { readonly events: readonly E[]; readonly isLast: boolean };

/** Reads by finished calls: nothing stays open while a consumer thinks, and what breaks is taken up where it stood. */
export function createReader({ connection, slots, limits, names, identity, ensureOpen }: Options): Reader {
  const page = async <E extends ResolvedEvent | AllStreamResolvedEvent>(
    what: string,
    stream: string,
    count: number,
    signal: AbortSignal | undefined,
    begin: (client: EventStoreDBClient) => StreamingRead<E>,
  ): Promise<Page<E>> => {
    const release = await slots.take(signal);
    try {
      return await patiently(limits, { what, stream, signal }, async () => {
        const use = connection.open();
        try {
          const found = await taken(begin(use.client), what, count, limits.callMs, signal);
          use.release();
          return found;
        } catch (error) {
          use.release(signal?.aborted === true ? undefined : error);
          throw error;
        }
      });
    } finally {
      release();
    }
  };

  const streamPage = (
    onServer: string,
    stream: string,
    from: bigint | typeof START | typeof END,
    direction: 'forwards' | 'backwards',
    count: number,
    signal?: AbortSignal,
  ): Promise<Page<ResolvedEvent>> =>
    page(`Reading ${stream}`, stream, count, signal, (client) =>
      client.readStream(onServer, { fromRevision: from, direction, maxCount: count }),
    );

  const allPage = (
    from: Place | typeof START | typeof END,
    direction: 'forwards' | 'backwards',
    count: number,
    signal?: AbortSignal,
  ): Promise<Page<AllStreamResolvedEvent>> =>
    page('Reading the log', 'the log', count, signal, (client) =>
      client.readAll({ fromPosition: from, direction, maxCount: count }),
    );

  // Everything up to `upTo` was looked through, and `last` was the last of ours in it: a log's tail may hold many of the server's.
  let known: { readonly upTo: Place; readonly last: Place | undefined } | undefined;

  const head: Reader['head'] = async (signal) => {
    let newest: Place | undefined;
    let from: Place | typeof END = END;
    for (let count = 4; ; count = Math.min(count * 8, lastPageEvents)) {
      const floor = known ?? { upTo: identity().birth, last: undefined };
      const { events, isLast } = await allPage(from, BACKWARDS, count, signal);
      for (const { event } of events) {
        const place = event === undefined ? undefined : placeOf(event);
        if (event === undefined || place === undefined) continue;
        newest ??= place;
        from = place;
        const isOurs = names.ofServer(event.streamId) !== undefined;
        const isKnown = floor.upTo !== undefined && comparePlaces(place, floor.upTo) <= 0;
        if (!isOurs && !isKnown) continue;
        const last = isOurs ? place : floor.last;
        known = later(known, { upTo: newest, last });
        return last;
      }
      if (isLast) return undefined;
    }
  };

  return {
    head,

    lastOf: async (stream) => {
      try {
        const { events } = await streamPage(stream, stream, END, BACKWARDS, 1);
        return events[0];
      } catch (error) {
        if (error instanceof LedgerError && error.code === 'STREAM_NOT_FOUND') return undefined;
        throw error;
      }
    },

    async *readStream(stream, { from, direction = 'forwards', limit = Infinity, signal } = {}) {
      signal?.throwIfAborted();
      ensureOpen();
      const isBackwards = direction === BACKWARDS;
      let next: bigint | typeof START | typeof END =
        from === undefined ? (isBackwards ? END : START) : BigInt(from);
      let left = limit;
      for (let size = firstPageEvents; left > 0; size = Math.min(size * 4, lastPageEvents)) {
        const { events, isLast } = await streamPage(
          names.toServer(stream),
          stream,
          next,
          direction,
          Math.min(size, left),
          signal,
        );
        for (const { event } of events) {
          if (event === undefined) continue;
          yield fromServer(event, stream, identity().positions);
          signal?.throwIfAborted();
          next = event.revision + (isBackwards ? -1n : 1n);
        }
        left -= events.length;
        if (isLast || (typeof next === 'bigint' && next < 0n)) return;
        ensureOpen();
      }
    },

    async *readAll({ from, limit = Infinity, signal } = {}) {
      signal?.throwIfAborted();
      ensureOpen();
      const { positions, birth = START } = identity();
      let next: Place | typeof START = from === undefined ? birth : positions.parse(from);
      const end = await head(signal);
      if (end === undefined) return;
      let left = limit;
      // Reading is inclusive, so from the second page on the first event is the last one of the page before.
      let before: Place | undefined;
      for (let size = firstPageEvents; left > 0; size = Math.min(size * 4, lastPageEvents)) {
        const { events, isLast } = await allPage(
          next,
          FORWARDS,
          Math.max(2, Math.min(size, left + 1)),
          signal,
        );
        for (const { event } of events) {
          const place = event === undefined ? undefined : placeOf(event);
          if (event === undefined || place === undefined) continue;
          if (before !== undefined && comparePlaces(place, before) <= 0) continue;
          if (comparePlaces(place, end) > 0) return;
          before = place;
          next = place;
          const stream = names.ofServer(event.streamId);
          if (stream === undefined) continue;
          yield fromServer(event, stream, positions);
          signal?.throwIfAborted();
          left -= 1;
          if (left <= 0) return;
        }
        if (isLast) return;
        ensureOpen();
      }
    },
  };
}

type Known = { readonly upTo: Place; readonly last: Place | undefined };

/** Answers may come in another order than they were asked for. */
const later = (a: Known | undefined, b: Known): Known =>
  a === undefined || comparePlaces(a.upTo, b.upTo) < 0 ? b : a;

/** Takes what a read gives, each event in time, and ends the call whatever happens. */
async function taken<E extends ResolvedEvent | AllStreamResolvedEvent>(
  read: StreamingRead<E>,
  what: string,
  count: number,
  callMs: number,
  signal: AbortSignal | undefined,
): Promise<Page<E>> {
  const events: E[] = [];
  let bytes = 0;
  let isCut = false;
  // A failure that comes when nobody waits any more is nobody's.
  read.on('error', () => undefined);
  const iterator = read[Symbol.asyncIterator]();
  const stop = (): void => void read.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const step = await inTime(iterator.next(), what, callMs);
      if (step.done === true) break;
      events.push(step.value);
      bytes += sizeOf(step.value);
      isCut = bytes >= maxPageBytes;
      if (isCut) break;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    await read.cancel().catch(() => undefined);
    read.destroy();
  }
  return { events, isLast: !isCut && events.length < count };
}

function sizeOf({ event }: ResolvedEvent | AllStreamResolvedEvent): number {
  const data = event?.data instanceof Uint8Array ? event.data.length : 0;
  const metadata = event?.metadata instanceof Uint8Array ? event.metadata.length : 0;
  return data + metadata;
}
