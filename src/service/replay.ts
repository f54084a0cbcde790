import { isLedgerError } from '../errors.ts';
import type { EventReader } from '../event-store/port.ts';
import { decodeEvent, type LedgerEvent } from '../events/envelope.ts';
import { compareTimes } from '../events/time.ts';
import { type ExecutionRecord, replayRecord, streamOf } from '../run/record.ts';

export type Until = { readonly seq?: number | undefined; readonly time?: string | undefined };

/**
 * The record of a run as it stood after item `seq`, or as it was known at `time` (RFC 3339 UTC): what was recorded
 * later, though it tells of an earlier time, was not known then. Undefined where nothing was.
 */
export async function replayRun(
  store: Pick<EventReader, 'readStream'>,
  keyOf: (stream: string) => Uint8Array | undefined,
  executionId: string,
  until: Until,
  signal: AbortSignal,
): Promise<ExecutionRecord | undefined> {
  const stream = streamOf(executionId);
  const key = keyOf(stream);
  const events: LedgerEvent[] = [];
  try {
    for await (const stored of store.readStream(stream, {
      signal,
      ...(until.seq === undefined ? {} : { limit: until.seq }),
    })) {
      const event = decodeEvent(stored, key);
      const known = event.core.recorded ?? event.core.time;
      if (until.time === undefined || compareTimes(known, until.time) <= 0) events.push(event);
    }
  } catch (error) {
    if (isLedgerError(error, 'STREAM_NOT_FOUND')) return undefined;
    throw error;
  }
  return events.length === 0 ? undefined : replayRecord(executionId, events);
}
