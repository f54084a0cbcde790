import { setImmediate } from 'node:timers/promises';
import { isLedgerError } from '../errors.ts';
import type { EventReader } from '../event-store/port.ts';
import { decodeEvent, type LedgerEvent } from '../events/envelope.ts';
import { type ExecutionItem, mergeItem } from '../events/item.ts';
import type { Language } from '../events/localized.ts';
import { compareTimes } from '../events/time.ts';
import type { Replay, ReplayedMedium } from '../exporters/contract.ts';
import { isSetback, withheldLoops } from '../exporters/setback.ts';
import { isShown, type View } from '../exporters/view.ts';
import {
  evolveRecord,
  type ExecutionRecord,
  headerOf,
  initialRecordState,
  replayRecord,
  streamOf,
} from '../run/record.ts';

export type Until = { readonly seq?: number | undefined; readonly time?: string | undefined };

/** What a run is replayed from. */
export type ReplaySource = {
  readonly store: Pick<EventReader, 'readStream'>;
  readonly keyOf: (stream: string) => Uint8Array | undefined;
};

/**
 * The record of a run as it stood after item `seq`, or as it was known at `time` (RFC 3339 UTC): what was recorded
 * later, though it tells of an earlier time, was not known then. Undefined where nothing was.
 */
export async function replayRun(
  source: ReplaySource,
  executionId: string,
  until: Until,
  signal: AbortSignal,
): Promise<ExecutionRecord | undefined> {
  const events: LedgerEvent[] = [];
  for await (const { event } of eventsOf(source, executionId, until, signal)) events.push(event);
  return events.length === 0 ? undefined : replayRecord(executionId, events);
}

/** What of a run is told, and how. */
export type Telling = {
  readonly view?: View | undefined;
  /** Log entries too, where there is a view. */
  readonly logs: boolean;
  readonly language: Language;
  /** The run as it stood after this item; all of it without. */
  readonly untilSeq?: number | undefined;
};

/**
 * A run for the exporters, undefined for an unknown one. It is folded once for its header and read again for its items,
 * so that none of them has to be kept; what is appended meanwhile is not part of it.
 */
export async function openReplay(
  source: ReplaySource & {
    readonly medium: (sha256: string) => Promise<ReplayedMedium | undefined>;
  },
  executionId: string,
  { view, logs, language, untilSeq }: Telling,
  signal: AbortSignal,
): Promise<Replay | undefined> {
  let state = initialRecordState(executionId);
  let head: Replay['head'] | undefined;
  let start: ExecutionItem | undefined;
  const setbacks: ExecutionItem[] = [];
  for await (const { event, hash } of eventsOf(source, executionId, { seq: untilSeq }, signal)) {
    state = evolveRecord(state, event);
    start ??= mergeItem(event.core, event.payload, event.erased);
    head = { sequenceNumber: event.core.seq, hash };
    if (isSetback(event.type)) setbacks.push(mergeItem(event.core, event.payload, event.erased));
  }
  if (head === undefined || start === undefined) return undefined;
  const { sequenceNumber } = head;
  const shown = { view, logs, withheldLoops: withheldLoops(setbacks) };
  return {
    header: { ...headerOf(state), ...(view === undefined ? {} : { view }) },
    async *items(reading) {
      for await (const { event } of eventsOf(source, executionId, { seq: sequenceNumber }, reading)) {
        const item: ExecutionItem = mergeItem(event.core, event.payload, event.erased);
        if (isShown(shown, item)) yield item;
      }
    },
    start,
    setbacks,
    medium: source.medium,
    language,
    head,
  };
}

/** So much is decoded in one turn of the event loop: a millisecond's work or two. */
const eventsATurn = 16;
const bytesATurn = 64 * 1024;

/** None for a run that is not there. Lets other work in between. */
async function* eventsOf(
  { store, keyOf }: ReplaySource,
  executionId: string,
  { seq, time }: Until,
  signal: AbortSignal,
): AsyncGenerator<{ readonly event: LedgerEvent; readonly hash: string }> {
  const stream = streamOf(executionId);
  const key = keyOf(stream);
  let events = 0;
  let bytes = 0;
  try {
    for await (const stored of store.readStream(stream, {
      signal,
      ...(seq === undefined ? {} : { limit: seq }),
    })) {
      const event = decodeEvent(stored, key);
      const known = event.core.recorded ?? event.core.time;
      if (time === undefined || compareTimes(known, time) <= 0)
        yield { event, hash: Buffer.from(stored.hash).toString('hex') };
      events += 1;
      bytes += stored.core.byteLength + (stored.sealed?.byteLength ?? 0);
      if (events < eventsATurn && bytes < bytesATurn) continue;
      await setImmediate();
      signal.throwIfAborted();
      events = 0;
      bytes = 0;
    }
  } catch (error) {
    if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
  }
}
