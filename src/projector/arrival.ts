import type { StoredEvent } from '../events/stored-event.ts';
import { decodeEvent } from '../events/envelope.ts';
import { upcastType } from '../events/upcast.ts';
import type { ProjectedEvent } from './projection.ts';

/** The key of a stream's payloads; undefined once they were erased. */
export type KeyOf = (stream: string) => Uint8Array | undefined;

/** An event on its way to the projections, or why it cannot be read: that stops those that want its type. */
export type Arrival = Readable | Unreadable;
export type Readable = ProjectedEvent & Head & { readonly failure?: undefined };
type Unreadable = Omit<ProjectedEvent, 'event'> &
  Head & { readonly event?: undefined; readonly failure: unknown };
type Head = {
  readonly id: string;
  /** Today's word. */
  readonly type: string;
};

export function arrivalOf(stored: StoredEvent, keyOf: KeyOf): Arrival {
  const { id, stream, revision, position } = stored;
  const type = upcastType(stored.type);
  const sizeBytes = stored.core.byteLength + (stored.sealed?.byteLength ?? 0);
  const hash = base64(stored.hash);
  try {
    return {
      event: decodeEvent(stored, keyOf(stream)),
      id,
      type,
      stream,
      revision,
      position,
      sizeBytes,
      hash,
    };
  } catch (failure) {
    return { failure, id, type, stream, revision, position, sizeBytes, hash };
  }
}

export const isReadable = (arrival: Arrival): arrival is Readable => arrival.event !== undefined;

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
