import type { StoredEvent } from '../event-store/port.ts';
import { decodeEvent } from '../events/envelope.ts';
import { upcastType } from '../events/upcast.ts';
import type { ProjectedEvent } from './projection.ts';

/** The key of a stream's payloads; undefined once they were erased. */
export type KeyOf = (stream: string) => Uint8Array | undefined;

/** An event on its way to the projections, or why it cannot be read: that stops those that want its type. */
export type Arrival = Omit<ProjectedEvent, 'event'> & {
  readonly id: string;
  /** Today's word. */
  readonly type: string;
  readonly projected: ProjectedEvent | undefined;
  readonly failure: unknown;
};

export function arrivalOf(stored: StoredEvent, keyOf: KeyOf): Arrival {
  const { stream, revision, position } = stored;
  const sizeBytes = stored.core.byteLength + (stored.sealed?.byteLength ?? 0);
  const place = { stream, revision, position, sizeBytes };
  const head = { ...place, id: stored.id, type: upcastType(stored.type) };
  try {
    const event = decodeEvent(stored, keyOf(stream));
    return { ...head, projected: { event, ...place }, failure: undefined };
  } catch (failure) {
    return { ...head, projected: undefined, failure };
  }
}
