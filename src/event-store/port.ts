/**
 * The event-store port: bytes in, bytes out (log.md §2). Two adapters stand behind it and one conformance suite before it;
 * nothing of either leaks through. Errors are the table's CONFLICT, STREAM_NOT_FOUND, TOO_LARGE, INVALID_APPEND,
 * UNAVAILABLE, TIMEOUT, LOCKED and STORAGE_FULL.
 */

/** The sum of cores, hashes and sealed payloads of one append, in bytes: the smallest limit of any supported store. */
export const maxAppendBytes = 900 * 1024;
/** A stream name in UTF-8 bytes. */
export const maxStreamNameBytes = 200;

/** An opaque place in the whole log. Compare for equality, store it, hand it back; never look inside. */
export type Position = string;

/** One event with all its bytes prepared. */
export type ReadyEvent = {
  /** A UUID of any version. */
  readonly id: string;
  /** The item type, at most 64 characters. */
  readonly type: string;
  /** E: the canonical bytes of the core. */
  readonly core: Uint8Array;
  /** SHA-256(0x00 ‖ E), 32 bytes; kept beside E and compared on read-back. */
  readonly hash: Uint8Array;
  /** The sealed payload; null where the event has none. */
  readonly sealed: Uint8Array | null;
};

export type StoredEvent = ReadyEvent & {
  readonly stream: string;
  /** 0-based place in the stream. */
  readonly revision: number;
  readonly position: Position;
};

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
  /** Exclusive; `start` (default) is everything, `end` only what comes after the call. */
  readonly from?: Position | 'start' | 'end';
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

export type EventStore = {
  /** Names this log for ever; positions and checkpoints of another store are refused by it. */
  readonly storeId: string;

  /**
   * Appends all events or none and resolves once they are durable. The same ids at the same expected revision again
   * resolve to the same result and store nothing.
   */
  append(
    stream: string,
    events: readonly ReadyEvent[],
    expected: ExpectedRevision,
    signal?: AbortSignal,
  ): Promise<Appended>;

  /** Lazy, with back-pressure. Throws STREAM_NOT_FOUND at the first step for a stream that does not exist. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<StoredEvent>;

  /** The whole log in commit order, events of all streams. */
  readAll(options?: ReadAllOptions): AsyncIterable<StoredEvent>;

  /** From history to live without gap or duplicate, until the signal aborts or the consumer leaves the loop. */
  subscribeAll(options?: SubscribeOptions): AsyncIterable<Delivery>;

  /** The position of the last event of the log; null while it is empty. */
  head(): Promise<Position | null>;

  /** Orders two positions of this log: negative when `a` is before `b`, 0 when equal. */
  compare(a: Position, b: Position): number;

  /** Waits for what is in flight, then lets go of everything. Further calls are refused. */
  close(): Promise<void>;
};
