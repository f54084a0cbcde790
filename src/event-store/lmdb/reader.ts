import { LedgerError } from '../../errors.ts';
import { maxStreamNameBytes, type ReadAllOptions, type ReadStreamOptions } from '../port.ts';
import type { StoredEvent } from '../../events/stored-event.ts';
import type { Environment } from './environment.ts';
import type { Positions } from './position.ts';
import { decodeRecord, readU32 } from './record.ts';
import { hasRunAfter, type Run, runAt, runFrom } from './runs.ts';

/** Pieces are read in one go, each in a transaction of its own: none stays open while a consumer thinks. */
const maxPieceEvents = 128;
const maxPieceBytes = 256 * 1024;
const maxCachedNames = 10_000;

/** What every read goes through; nothing beyond `last()` is seen. */
export type Reader = {
  readonly readStream: (stream: string, options?: ReadStreamOptions) => AsyncGenerator<StoredEvent>;
  readonly readAll: (options?: ReadAllOptions) => AsyncGenerator<StoredEvent>;
  /** The next events of the whole log from an ordinal on; empty at the end. */
  readonly piece: (ordinal: number, last: number, limit?: number) => StoredEvent[];
};

type Options = {
  readonly environment: Environment;
  readonly positions: Positions;
  /** Ordinal of the last visible event; 0 in an empty log. */
  readonly last: () => number;
  /** Throws UNAVAILABLE once the log is closed. */
  readonly ensureOpen: () => void;
};

export function createReader({ environment, positions, last, ensureOpen }: Options): Reader {
  const { events, names, root } = environment;
  const nameCache = new Map<number, string>();

  const nameOf = (streamNumber: number): string => {
    const cached = nameCache.get(streamNumber);
    if (cached !== undefined) return cached;
    const name = names.get(streamNumber)?.toString();
    const back = name === undefined ? undefined : names.get(name);
    if (name === undefined || back === undefined || readU32(back, 0) !== streamNumber) {
      throw damage(`number ${streamNumber}`, 'unknown', 'the name of its stream is lost');
    }
    if (nameCache.size >= maxCachedNames) nameCache.clear();
    nameCache.set(streamNumber, name);
    return name;
  };

  const eventOf = (ordinal: number, bytes: Buffer): StoredEvent => {
    const record = decodeRecord(bytes);
    if (typeof record === 'string') {
      throw damage('unknown', 'unknown', `at position ${positions.format(ordinal)} ${record}`);
    }
    return {
      ...record.event,
      stream: nameOf(record.streamNumber),
      revision: record.revision,
      position: positions.format(ordinal),
    };
  };

  /** The event that the index says is this one of this stream. */
  const indexedEvent = (stream: string, run: Run, revision: number): StoredEvent => {
    const sequence = revision + 1;
    const ordinal = run.ordinal + revision - run.revision;
    const bytes = events.get(ordinal);
    if (bytes === undefined) throw damage(stream, sequence, 'its record is missing');
    const record = decodeRecord(bytes);
    if (typeof record === 'string') throw damage(stream, sequence, record);
    if (record.streamNumber !== run.streamNumber || record.revision !== revision) {
      throw damage(stream, sequence, 'the index leads to another event');
    }
    return { ...record.event, stream, revision, position: positions.format(ordinal) };
  };

  /** Starts a transaction of its own, so that the newest commit is seen, and tells lmdb's complaints as damage. */
  const inFreshTransaction = <T>(read: () => T): T => {
    ensureOpen();
    root.resetReadTxn();
    try {
      return read();
    } catch (error) {
      if (error instanceof LedgerError) throw error;
      throw damage('unknown', 'unknown', 'the file cannot be read', error);
    }
  };

  const piece: Reader['piece'] = (ordinal, end, limit = maxPieceEvents) =>
    inFreshTransaction(() => {
      const found: StoredEvent[] = [];
      let sizeBytes = 0;
      let next = ordinal;
      const range = { start: ordinal, limit: Math.min(limit, maxPieceEvents, end - ordinal + 1) };
      if (range.limit <= 0) return found;
      for (const { key, value } of events.getRange(range)) {
        if (key !== next) throw damage('unknown', 'unknown', `position ${positions.format(next)} is missing`);
        found.push(eventOf(key, value));
        next += 1;
        sizeBytes += value.length;
        if (sizeBytes >= maxPieceBytes) break;
      }
      return found;
    });

  const streamPiece = (
    stream: string,
    streamNumber: number,
    from: number,
    backwards: boolean,
    limit: number,
    end: number,
  ): StoredEvent[] =>
    inFreshTransaction(() => {
      const found: StoredEvent[] = [];
      let sizeBytes = 0;
      const room = Math.min(limit, maxPieceEvents);
      let run = backwards ? lastVisible(streamNumber, from, end) : runHolding(streamNumber, from);
      let revision = run !== null && backwards ? Math.min(from, run.revision + run.count - 1) : from;
      while (run !== null && run.ordinal <= end && found.length < room && sizeBytes < maxPieceBytes) {
        const event = indexedEvent(stream, run, revision);
        found.push(event);
        sizeBytes += event.core.length + (event.sealed?.length ?? 0);
        revision += backwards ? -1 : 1;
        if (revision < run.revision) run = runAt(environment, streamNumber, revision);
        else if (revision >= run.revision + run.count) run = runFrom(environment, streamNumber, revision);
      }
      // Not the end of the stream, where something stands behind it: the rest must not go unnoticed.
      const wantsMore = run === null && !backwards && found.length < room;
      if (wantsMore && hasRunAfter(environment, streamNumber, revision)) {
        throw damage(stream, revision + 1, 'the index does not lead to it');
      }
      return found;
    });

  /** The run that holds the revision itself; null beyond the end of the stream. */
  const runHolding = (streamNumber: number, revision: number): Run | null => {
    const run = runFrom(environment, streamNumber, revision) ?? runAt(environment, streamNumber, revision);
    return run === null || revision >= run.revision + run.count ? null : run;
  };

  const lastVisible = (streamNumber: number, from: number, end: number): Run | null => {
    let run = runAt(environment, streamNumber, from);
    while (run !== null && run.ordinal > end) run = runAt(environment, streamNumber, run.revision - 1);
    return run;
  };

  const numberOf = (stream: string, end: number): number =>
    inFreshTransaction(() => {
      const bytes = stream.length > maxStreamNameBytes ? undefined : names.get(stream);
      const streamNumber = bytes === undefined ? 0 : readU32(bytes, 0);
      const first = runFrom(environment, streamNumber, 0);
      const isThere = first === null ? hasRunAfter(environment, streamNumber, 0) : first.ordinal <= end;
      if (!isThere) throw new LedgerError('STREAM_NOT_FOUND', { stream });
      return streamNumber;
    });

  return {
    piece,

    async *readStream(stream, { from, direction = 'forwards', limit = Infinity, signal } = {}) {
      signal?.throwIfAborted();
      ensureOpen();
      const end = last();
      const streamNumber = numberOf(stream, end);
      const backwards = direction === 'backwards';
      let revision = from ?? (backwards ? 0xffffffff : 0);
      let left = limit;
      while (left > 0 && revision >= 0) {
        const found = streamPiece(stream, streamNumber, revision, backwards, left, end);
        for (const event of found) {
          yield event;
          signal?.throwIfAborted();
          revision = event.revision + (backwards ? -1 : 1);
        }
        if (found.length === 0) return;
        left -= found.length;
      }
    },

    async *readAll({ from, limit = Infinity, signal } = {}) {
      signal?.throwIfAborted();
      ensureOpen();
      const end = last();
      let ordinal = from === undefined ? 1 : positions.parse(from);
      let left = limit;
      while (left > 0) {
        const found = piece(ordinal, end, left);
        for (const event of found) {
          yield event;
          signal?.throwIfAborted();
        }
        if (found.length === 0) return;
        ordinal += found.length;
        left -= found.length;
      }
    },
  };
}

function damage(
  stream: string,
  sequence: number | 'unknown',
  what: string,
  cause?: unknown,
): LedgerError<'CORRUPT_EVENT'> {
  return new LedgerError('CORRUPT_EVENT', { stream, sequence, what }, { cause });
}
