import { hash, randomUUID } from 'node:crypto';
import { type EventStore, maxAppendBytes } from '../../src/event-store/port.ts';
import type { ReadyEvent, StoredEvent } from '../../src/events/stored-event.ts';

const manyBytes = Uint8Array.from({ length: 256 }, (_, value) => value);

/** Events as the layer above hands them over; `coreBytes` and `sealedBytes` are at least what is asked for. */
export function readyEvents(count: number, { coreBytes = 80, sealedBytes = 40 } = {}): ReadyEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const id = randomUUID();
    const text = Buffer.from(JSON.stringify({ id, index, text: 'ü'.repeat(8) }));
    const core = Buffer.alloc(Math.max(coreBytes, text.length), ' ');
    text.copy(core);
    return {
      id,
      type: index % 2 === 0 ? 'pipeline_start' : 'stage_output',
      core,
      hash: hash('sha256', Buffer.concat([Buffer.from([0]), core]), 'buffer'),
      // Every third event has no payload.
      sealed: index % 3 === 2 ? null : Buffer.alloc(sealedBytes, manyBytes),
    };
  });
}

/** What of a stored event its writer gave. */
export function given({ id, type, core, hash: leaf, sealed }: ReadyEvent) {
  return {
    id,
    type,
    core: Buffer.from(core).toString('base64'),
    hash: Buffer.from(leaf).toString('base64'),
    sealed: sealed === null ? null : Buffer.from(sealed).toString('base64'),
  };
}

export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

export async function first<T>(iterable: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of iterable) return item;
  return undefined;
}

export const idsOf = (events: readonly { readonly id: string }[]) => events.map((event) => event.id);

/** All events of a store, or of one stream; none where the stream does not exist. */
export async function contents(store: EventStore, stream?: string): Promise<StoredEvent[]> {
  if (stream === undefined) return collect(store.readAll());
  try {
    return await collect(store.readStream(stream));
  } catch (error) {
    if ((error as { code?: string }).code === 'STREAM_NOT_FOUND') return [];
    throw error;
  }
}

/** Appends `count` small events to one new stream, as many at a time as the limits allow. */
export async function fill(store: EventStore, stream: string, count: number, coreBytes = 80): Promise<void> {
  const perAppend = Math.min(500, Math.floor(maxAppendBytes / (coreBytes + 100)));
  for (let stored = 0; stored < count; stored += perAppend) {
    const events = readyEvents(Math.min(perAppend, count - stored), { coreBytes });
    await store.append(stream, events, stored === 0 ? 'noStream' : stored - 1);
  }
}
