import { hash } from 'node:crypto';
import type {
  AllStreamRecordedEvent,
  BinaryEventType,
  EventData,
  RecordedEvent,
} from '@eventstore/db-client';
import { LedgerError } from '../../errors.ts';
import type { ReadyEvent, StoredEvent } from '../../events/stored-event.ts';
import type { Place, Positions } from './position.ts';

const zero = Uint8Array.of(0);

/**
 * data = E, metadata = 0x00 ‖ sealed payload. The zero byte keeps the client from reading JSON in it, and both must be plain
 * Uint8Arrays: of anything else, a Buffer too, the client writes JSON text.
 */
export function toServer({ id, type, core, sealed }: ReadyEvent): EventData<BinaryEventType> {
  const metadata = sealed === null ? undefined : new Uint8Array(1 + sealed.length);
  metadata?.set(sealed ?? [], 1);
  return { id, type, contentType: 'application/octet-stream', data: Uint8Array.from(core), metadata };
}

/** Throws CORRUPT_EVENT for what this service did not write, and for a damaged one. */
export function fromServer(recorded: RecordedEvent, stream: string, positions: Positions): StoredEvent {
  const { id, type, data, metadata, isJson } = recorded;
  const revision = Number(recorded.revision);
  const corrupt = (what: string): LedgerError =>
    new LedgerError('CORRUPT_EVENT', { stream, sequence: revision + 1, what });
  if (isJson || !(data instanceof Uint8Array)) throw corrupt('it is not one of this service');
  if (metadata !== undefined && !(metadata instanceof Uint8Array && metadata[0] === 0))
    throw corrupt('its payload is not one of this service');
  const place = placeOf(recorded);
  if (place === undefined) throw corrupt('the server does not say where it stands');
  return {
    id,
    type,
    core: data,
    hash: hash('sha256', Buffer.concat([zero, data]), 'buffer'),
    sealed: metadata === undefined ? null : metadata.subarray(1),
    stream,
    revision,
    position: positions.format(place),
  };
}

/** Undefined where the server did not say it. */
export function placeOf(recorded: RecordedEvent): Place | undefined {
  return (recorded as AllStreamRecordedEvent).position;
}
