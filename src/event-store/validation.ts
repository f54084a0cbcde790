import { LedgerError } from '../errors.ts';
import { type ExpectedRevision, maxAppendBytes, maxStreamNameBytes } from './port.ts';
import type { ReadyEvent } from '../events/stored-event.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const typeToken = /^[\x21-\x7e]{1,64}$/;
const loneSurrogate = /\p{Surrogate}/u;

/** Revisions are 32 bit numbers in the smallest store. */
const maxRevision = 2 ** 32 - 2;

/**
 * Refuses, before any I/O and alike in every adapter, what no store can keep: INVALID_APPEND or TOO_LARGE.
 * Returns the size of the append in bytes, as the limit counts it.
 */
export function checkAppend(
  stream: string,
  events: readonly ReadyEvent[],
  expected: ExpectedRevision,
): number {
  checkStreamName(stream);
  if (expected !== 'noStream' && !isRevision(expected)) {
    throw invalid(`Expected revision ${expected}`, `send an integer from 0 to ${maxRevision}, or noStream`);
  }
  if (events.length === 0) throw invalid('The batch is empty', 'send at least one event');
  let sizeBytes = 0;
  for (const event of events) {
    if (!uuid.test(event.id)) {
      throw invalid(`Event id ${JSON.stringify(event.id)}`, 'send a UUID in lower case');
    }
    if (!typeToken.test(event.type)) {
      throw invalid(
        `Event type ${JSON.stringify(event.type)}`,
        'send 1 to 64 ASCII characters without spaces',
      );
    }
    if (event.hash.length !== 32) throw invalid(`Hash of ${event.hash.length} bytes`, 'send 32 bytes');
    sizeBytes += sizeOfEvent(event);
  }
  if (events.length > 1 && new Set(events.map((event) => event.id)).size < events.length) {
    throw invalid('An event id occurs twice in the batch', 'send each event once');
  }
  if (sizeBytes > maxAppendBytes)
    throw new LedgerError('TOO_LARGE', { sizeBytes, limitBytes: maxAppendBytes });
  return sizeBytes;
}

/** What an event counts in the size of its append, in bytes. */
export function sizeOfEvent({ core, hash, sealed }: ReadyEvent): number {
  return core.length + hash.length + (sealed?.length ?? 0);
}

/** Can this be a revision? */
function isRevision(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= maxRevision;
}

function checkStreamName(stream: string): void {
  // Most names are short: three bytes a character is the most UTF-8 needs, so the bytes are rarely counted.
  const long = stream.length * 3 > maxStreamNameBytes && Buffer.byteLength(stream) > maxStreamNameBytes;
  if (stream === '' || stream.startsWith('$') || long || loneSurrogate.test(stream)) {
    throw invalid(
      `Stream name ${JSON.stringify(stream.slice(0, maxStreamNameBytes))}`,
      `send 1 to ${maxStreamNameBytes} bytes of UTF-8 that do not begin with $`,
    );
  }
}

function invalid(what: string, cure: string): LedgerError<'INVALID_APPEND'> {
  return new LedgerError('INVALID_APPEND', { what, cure });
}
