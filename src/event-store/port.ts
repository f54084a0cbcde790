/**
 * The event-store port: bytes in, bytes out (log.md §2). Two adapters stand behind it and one conformance suite before it;
 * nothing of either leaks through. Errors are the table's CONFLICT, STREAM_NOT_FOUND, TOO_LARGE, INVALID_APPEND,
 * UNAVAILABLE, TIMEOUT, LOCKED, STORAGE_FULL, FOREIGN_POSITION and CORRUPT_EVENT; an aborted signal rejects with its reason.
 */

import type { ReadyEvent, StoredEvent } from '../events/stored-event.ts';

/** The sum of cores, hashes and sealed payloads of one append, in bytes: the smallest limit of any supported store. */
export const maxAppendBytes = 900 * 1024;
/** A stream name in UTF-8 bytes. */
export const maxStreamNameBytes = 200;

/** An opaque place in the whole log. Compare for equality, store it, hand it back; never look inside. */
export type Position = string;

/** The revision of the stream's last event, or that the stream must not exist. */
export type ExpectedRevision = number | 'noStream';

/** The place of the last event of the append. */
export type Appended = { readonly revision: number; readonly position: Position };

export type ReadStreamOptions = {
  /** Inclusive revision; default the first (forwards) or the last (backwards). */
  readonly from?: number;
  readonly direction?: 'forwards' | 'backwards';
  readonly limit?: number;
  readonly signal?: AbortSignal;
};

export type ReadAllOptions = {
  /** Inclusive; default the beginning of the log. */
  readonly from?: Position;
  readonly limit?: number;
  readonly signal?: AbortSignal;
};

export type SubscribeOptions = {
  /** Exclusive; or the word `start` (default) for everything, or `end` for only what comes after the call. */
  readonly from?: Position;
  /** Only streams whose name begins with one of these; filtered in the store. */
  readonly streamPrefixes?: readonly string[];
  readonly signal?: AbortSignal;
};

/** What a subscription yields, in the order of the whole log. */
export type Delivery =
  | { readonly kind: 'event'; readonly event: StoredEvent }
  /** Everything up to here was seen, though the last of it may not have matched the filter. */
  | { readonly kind: 'checkpoint'; readonly position: Position }
  /** Exactly once: what existed when the subscription began is through. */
  | { readonly kind: 'caughtUp' };

/** What can be read, also beside a running writer. */
export type EventReader = Omit<EventStore, 'append' | 'subscribeAll'>;

export type EventStore = {
  /** Names this log for ever; positions and checkpoints of another store are refused by it. */
  readonly storeId: string;

  /**
   * May other processes append to this log while we have it open? Then no queue, cache or lock of ours is the only one:
   * who works at something takes a lease on it (ADR 0021).
   */
  readonly isShared: boolean;

  /**
   * Appends all events or none and resolves once they are durable. The same ids at the same expected revision again
   * resolve to the same result and store nothing, also where they are only the beginning of what was stored there.
   * After an abort, UNAVAILABLE or TIMEOUT it is open whether the events were stored: send the same ones again.
   */
  append(
    stream: string,
    events: readonly ReadyEvent[],
    expected: ExpectedRevision,
    signal?: AbortSignal,
  ): Promise<Appended>;

  /** Lazy, with back-pressure. Throws STREAM_NOT_FOUND at the first step for a stream that does not exist. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<StoredEvent>;

  /** The log as it is at the first step, in commit order, events of all streams. */
  readAll(options?: ReadAllOptions): AsyncIterable<StoredEvent>;

  /**
   * From history to live without gap or duplicate. Ends without an error when the signal aborts or the consumer leaves
   * the loop; throws UNAVAILABLE when the store is closed under it.
   */
  subscribeAll(options?: SubscribeOptions): AsyncIterable<Delivery>;

  /** The position of the last event of the log; null while it is empty. */
  head(): Promise<Position | null>;

  /** Orders two positions of this log: negative when `a` is before `b`, 0 when equal. */
  compare(a: Position, b: Position): number;

  /** Waits for what is in flight, then lets go of everything. Further calls are refused. */
  close(): Promise<void>;
};
