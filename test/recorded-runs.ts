import { createHash } from 'node:crypto';
import type { ReadyEvent, StoredEvent } from '../src/events/stored-event.ts';
import { taxonomyVersion } from '../src/events/core.ts';
import { chainStart } from '../src/events/digest.ts';
import { placeItem, sealItem } from '../src/events/envelope.ts';
import { keyedId } from '../src/events/ids.ts';
import type { ItemDraft } from '../src/events/item.ts';
import { runKeyBytes } from '../src/events/seal.ts';
import { streamOf } from '../src/run/record.ts';
import type { MemoryStore } from './memory-store.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
/** Of every stream that nobody erased. */
export const keyOf = (stream: string): Uint8Array => digest(`key ${stream}`).subarray(0, runKeyBytes);

export type Recorded = ItemDraft & {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly actor?: 'service' | 'client' | 'importer';
  /** HMAC of the Idempotency-Key that began the run. */
  readonly request?: string | undefined;
};

/** The bytes of a run's items from a sequence number on; nothing in them is random. */
export const readyEvents = (executionId: string, items: readonly Recorded[], firstSeq = 1): ReadyEvent[] =>
  readyEventsOn(streamOf(executionId), items, firstSeq);

/** The same for any stream. */
export function readyEventsOn(stream: string, items: readonly Recorded[], firstSeq = 1): ReadyEvent[] {
  return items.map(({ time, actor = 'service', request, ...draft }, index) => {
    const seq = firstSeq + index;
    const placement = {
      id: keyedId(keyOf(stream), stream, String(seq)),
      stream,
      seq,
      tax: taxonomyVersion,
      time,
      actor: { kind: actor, id: 'test' },
      request,
    };
    const salt = digest(`salt ${stream} ${seq}`);
    const kit = { key: keyOf(stream), salt, nonce: salt.subarray(0, 12) };
    return sealItem(placeItem(draft, placement), chainStart(stream), kit);
  });
}

/** Records the next items of a run; how many it has already is up to the caller. */
export function record(store: MemoryStore, executionId: string, items: readonly Recorded[]): string {
  const stream = streamOf(executionId);
  const known = store.events.filter((event: StoredEvent) => event.stream === stream).length;
  return store.add(stream, readyEvents(executionId, items, known + 1));
}

/** A generator of numbers in [0, 1) that is the same at every run of the tests. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
