import { setImmediate } from 'node:timers/promises';
import { isLedgerError } from '../errors.ts';
import type { EventReader } from '../event-store/port.ts';
import { decodeEvent, type LedgerEvent } from '../events/envelope.ts';
import { type ExecutionItem, mergeItem } from '../events/item.ts';
import type { Language } from '../events/localized.ts';
import { compareTimes } from '../events/time.ts';
import type { Replay, ReplayedMedium } from '../exporters/contract.ts';
import { isSetback } from '../exporters/setback.ts';
import { headerInView, isShown, type View } from '../exporters/view.ts';
import { watchWithheld } from '../exporters/withheld.ts';
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
  const withheld = watchWithheld();
  // To the end, also where the run is told as it once stood: what was withheld since is withheld.
  for await (const { event, hash } of eventsOf(source, executionId, {}, signal)) {
    const item = mergeItem(event.core, event.payload, event.erased);
    withheld.see(item);
    if (untilSeq !== undefined && event.core.seq > untilSeq) continue;
    state = evolveRecord(state, event);
    start ??= item;
    head = { sequenceNumber: event.core.seq, hash };
  }
  if (head === undefined || start === undefined) return undefined;
  const { sequenceNumber } = head;
  const never = withheld.seen();
  const items = async function* (
    reading: AbortSignal,
    isWanted: (item: ExecutionItem) => boolean,
  ): AsyncGenerator<ExecutionItem> {
    for await (const { event } of eventsOf(source, executionId, { seq: sequenceNumber }, reading)) {
      const item = mergeItem(event.core, event.payload, event.erased);
      if (isWanted(item)) yield item;
    }
  };
  return {
    header: view === undefined ? headerOf(state) : headerInView(headerOf(state), view),
    items: (reading) => items(reading, (item) => isShown({ view, logs, withheld: never }, item)),
    start,
    setbacks: (reading) => items(reading, ({ item_type }) => isSetback(item_type)),
    withheld: never,
    medium: async (sha256) => (never.digests.includes(sha256) ? undefined : source.medium(sha256)),
    language,
    head,
  };
}

/** So much is decoded in one turn of the event loop: a millisecond's work or two. */
const eventsATurn = 16;
const bytesATurn = 64 * 1024;

/** The events of a run with their hashes, in hex; none for a run that is not there. Lets other work in between. */
export async function* eventsOf(
  { store, keyOf }: Pick<ReplaySource, 'store' | 'keyOf'>,
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
