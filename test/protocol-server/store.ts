import { hash } from 'node:crypto';
import { isLedgerError } from '../../src/errors.ts';
import { type Bell, createBell } from '../../src/event-store/lmdb/bell.ts';
import { createCommitter } from '../../src/event-store/lmdb/committer.ts';
import { openEnvironment } from '../../src/event-store/lmdb/environment.ts';
import { createHeadroom } from '../../src/event-store/lmdb/headroom.ts';
import { positionsOf } from '../../src/event-store/lmdb/position.ts';
import { createReader } from '../../src/event-store/lmdb/reader.ts';
import { takeWriterLock } from '../../src/disk/writer-lock.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';

/** An event as a client sends it. */
export type Proposed = {
  readonly id: string;
  readonly type: string;
  readonly isJson: boolean;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
};

/** An event as a client reads it. */
export type Recorded = Proposed & {
  readonly stream: string;
  readonly revision: number;
  /** Place in the whole log; the first is 1. */
  readonly ordinal: number;
};

export type Expected = number | 'noStream' | 'any' | 'streamExists';

export type AppendOutcome =
  | { readonly kind: 'stored'; readonly revision: number; readonly ordinal: number }
  /** Without events: nothing was stored, and the expectation was met. */
  | { readonly kind: 'nothing'; readonly revision: number | null }
  | { readonly kind: 'wrongExpectedVersion'; readonly actual: number | null };

type StreamRead = {
  readonly stream: string;
  readonly backwards: boolean;
  /** Inclusive; null for the beginning in the direction of the read. */
  readonly from: number | null;
  readonly count: number;
};

/** What the protocol server keeps: the pieces of our embedded log, without the port's limits (system streams, 1 MiB). */
export type Store = {
  readonly append: (
    stream: string,
    events: readonly Proposed[],
    expected: Expected,
  ) => Promise<AppendOutcome>;
  /** Null where the stream does not exist. */
  readonly readStream: (read: StreamRead) => Promise<AsyncIterable<Recorded> | null>;
  /** The next events of the whole log from an ordinal on, at most `limit` and fewer where they are large; empty at the end. */
  readonly piece: (ordinal: number, limit: number) => readonly Recorded[];
  /** The last event that is stored; 0 in an empty log. */
  readonly last: () => number;
  /** Rings after each commit. */
  readonly bell: Bell;
  /** Waits for the appends that are on their way. */
  readonly close: () => Promise<void>;
};

// The log keeps no content type, so it stands before the event's type.
const jsonMark = 'json:';
const maxRevision = 2 ** 32 - 2;

/**
 * Opens or makes the log in `directory`. Commits are not synced: a killed process loses nothing, a power cut may, and no
 * test pulls the plug.
 */
export async function openStore(directory: string): Promise<Store> {
  const lock = takeWriterLock(directory);
  const environment = await openEnvironment({ directory, readOnly: false, unsafeNoSync: true });
  const headroom = await createHeadroom(environment);
  const positions = positionsOf(environment.storeId);
  const bell = createBell();
  const committer = createCommitter({
    maxWaitingAppends: 65_536,
    maxWaitingBytes: 2 ** 30,
    maxCachedHeads: 50_000,
    environment,
    headroom,
    positions,
    lastOrdinal: lastOf(environment.events.getKeys({ reverse: true, limit: 1 })),
    onCommit: bell.ring,
  });
  const last = committer.durable;
  const reader = createReader({ environment, positions, last, ensureOpen: () => {} });

  const store = async (
    stream: string,
    events: readonly Proposed[],
    expected: number | 'noStream',
  ): Promise<AppendOutcome> => {
    try {
      const sizeBytes = events.reduce((sum, event) => sum + event.data.length + event.metadata.length, 0);
      const ready = events.map(({ id, type, isJson, data, metadata }) => ({
        id,
        type: isJson ? jsonMark + type : type,
        core: data,
        hash: hash('sha256', Buffer.concat([Buffer.from([0]), data]), 'buffer'),
        sealed: metadata.length === 0 ? null : metadata,
      }));
      const { revision, position } = await committer.append(stream, ready, expected, sizeBytes);
      return { kind: 'stored', revision, ordinal: positions.parse(position) };
    } catch (error) {
      if (!isLedgerError(error, 'CONFLICT')) throw error;
      const { actual } = error.params;
      return { kind: 'wrongExpectedVersion', actual: actual === 'none' ? null : actual };
    }
  };

  const append: Store['append'] = async (stream, events, expected) => {
    if (events.length === 0) {
      const revision = await headOf(stream);
      return meets(expected, revision)
        ? { kind: 'nothing', revision }
        : { kind: 'wrongExpectedVersion', actual: revision };
    }
    if (expected !== 'any' && expected !== 'streamExists') return store(stream, events, expected);
    let head = await headOf(stream);
    for (;;) {
      if (head === null && expected === 'streamExists') return { kind: 'wrongExpectedVersion', actual: null };
      const outcome = await store(stream, events, head ?? 'noStream');
      if (outcome.kind !== 'wrongExpectedVersion') return outcome;
      // Somebody was quicker: behind that one, then.
      head = outcome.actual;
    }
  };

  const headOf = async (stream: string): Promise<number | null> => {
    const events = await readStream({ stream, backwards: true, from: null, count: 1 });
    for await (const { revision } of events ?? []) return revision;
    return null;
  };

  const readStream: Store['readStream'] = async ({ stream, backwards, from, count }) => {
    const direction = backwards ? 'backwards' : 'forwards';
    const beyond = from !== null && from > maxRevision;
    const limit = beyond && !backwards ? 0 : count;
    const start = from === null || beyond ? {} : { from };
    const events = reader.readStream(stream, { direction, limit, ...start });
    try {
      const first = await events.next();
      return recordedFrom(first, events, positions.parse);
    } catch (error) {
      if (isLedgerError(error, 'STREAM_NOT_FOUND')) return null;
      throw error;
    }
  };

  return {
    append,
    readStream,
    piece: (ordinal, limit) =>
      reader.piece(ordinal, last(), limit).map((event, index) => recorded(event, ordinal + index)),
    last,
    bell,
    close: async () => {
      await committer.drain();
      await headroom.close();
      await environment.root.close();
      lock.release();
    },
  };
}

async function* recordedFrom(
  first: IteratorResult<StoredEvent, unknown>,
  rest: AsyncGenerator<StoredEvent>,
  ordinalOf: (position: string) => number,
): AsyncGenerator<Recorded> {
  if (first.done === true) return;
  yield recorded(first.value, ordinalOf(first.value.position));
  for await (const event of rest) yield recorded(event, ordinalOf(event.position));
}

const nothing = new Uint8Array();

function recorded({ id, type, stream, revision, core, sealed }: StoredEvent, ordinal: number): Recorded {
  const isJson = type.startsWith(jsonMark);
  return {
    id,
    type: isJson ? type.slice(jsonMark.length) : type,
    isJson,
    stream,
    revision,
    ordinal,
    data: core,
    metadata: sealed ?? nothing,
  };
}

function meets(expected: Expected, revision: number | null): boolean {
  if (expected === 'any') return true;
  if (expected === 'noStream') return revision === null;
  return expected === 'streamExists' ? revision !== null : revision === expected;
}

function lastOf(ordinals: Iterable<number>): number {
  for (const ordinal of ordinals) return ordinal;
  return 0;
}
