/** One event with all its bytes prepared: what a store takes. */
export type ReadyEvent = {
  /** A UUID of any version, in lower case: another spelling would not be read back as it was given. */
  readonly id: string;
  /** The item type: 1 to 64 printable ASCII characters without spaces. */
  readonly type: string;
  /** E: the canonical bytes of the core. */
  readonly core: Uint8Array;
  /** SHA-256(0x00 ‖ E), 32 bytes; kept beside E and compared on read-back (CORRUPT_EVENT), trusted on append. */
  readonly hash: Uint8Array;
  /** The sealed payload; null where the event has none. */
  readonly sealed: Uint8Array | null;
};

/** What a store gives back. `position` is opaque: compare, store, hand back. */
export type StoredEvent = ReadyEvent & {
  readonly stream: string;
  /** 0-based place in the stream. */
  readonly revision: number;
  readonly position: string;
};
