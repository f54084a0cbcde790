import { LedgerError } from '../../errors.ts';
import type { EventReader, EventStore } from '../port.ts';
import { checkAppend } from '../validation.ts';
import { backUp } from './backup.ts';
import { createBell } from './bell.ts';
import { fullDiskOr } from './commit-failure.ts';
import { type CommitterLimits, createCommitter } from './committer.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { createHeadroom, type Headroom } from './headroom.ts';
import { positionsOf } from './position.ts';
import { createReader } from './reader.ts';
import { type LogSize, sizeOf } from './size.ts';
import { follow } from './subscription.ts';
import { lastStreamNumber, type LostPlace, lostPlaces, streamNamesOf } from './survey.ts';
import { takeWriterLock, type WriterLock } from '../../disk/writer-lock.ts';

/** What the embedded log can do beyond the port. */
type LmdbExtras = {
  /** Copies the log into a directory without one, while it is written to; the copy opens as a prefix of this log. */
  readonly backup: (targetDirectory: string) => Promise<void>;
  /** Counts pages and events without reading them. */
  readonly size: () => LogSize;
  /** Every stream there is, in the order in which they began. */
  readonly streamNames: () => Iterable<string>;
  /** Events that the whole log has, by its numbers, which have no gap. */
  readonly count: () => number;
  /** Places of the whole log that reading all its streams does not come to: none in a sound log. */
  readonly lost: () => Iterable<LostPlace>;
};
export type LmdbLog = EventStore & LmdbExtras;
export type LmdbSnapshot = EventReader & LmdbExtras;

export type LmdbOptions = Partial<CommitterLimits> & { readonly directory: string };

const defaultLimits: CommitterLimits = {
  maxWaitingAppends: 8192,
  maxWaitingBytes: 64 * 1024 * 1024,
  maxCachedHeads: 50_000,
};

/**
 * Opens the log in a directory for this process alone, and makes it where there is none. Throws LOCKED while another
 * process has it and FORMAT_TOO_NEW for a log of a newer release.
 */
export async function openLmdbLog(options: LmdbOptions): Promise<LmdbLog> {
  return openLog(options, { unsafeNoSync: false });
}

/** `openLmdbLog` for tests: with `unsafeNoSync` nothing reaches the disk in time, so that a trace check can be seen to fail. */
export async function openLog(
  { directory, ...limits }: LmdbOptions,
  { unsafeNoSync }: { readonly unsafeNoSync: boolean },
): Promise<LmdbLog> {
  let lock: WriterLock | null = null;
  let environment: Environment | null = null;
  try {
    lock = takeWriterLock(directory);
    environment = await openEnvironment({ directory, readOnly: false, unsafeNoSync });
    const headroom = await createHeadroom(environment);
    return assemble(environment, lock, headroom, { ...defaultLimits, ...limits });
  } catch (error) {
    await environment?.root.close();
    lock?.release();
    throw fullDiskOr(error, 'Opening the log');
  }
}

/**
 * Opens the log for reading beside a running service, as it is now: what is appended later is not seen. For fsck, backup
 * and the command line. Throws NO_LOG where there is none.
 */
export async function openLmdbSnapshot(options: { readonly directory: string }): Promise<LmdbSnapshot> {
  const environment = await openEnvironment({ directory: options.directory, readOnly: true });
  // In one turn, so both of one commit: a stream that begins later is none of this snapshot.
  const last = lastOrdinal(environment);
  const lastStream = lastStreamNumber(environment);
  const { ensureOpen, close } = createDoor(() => environment.root.close());
  const { port } = reading(environment, () => last, ensureOpen);
  const streamNames = () => streamNamesOf(environment, lastStream);
  return { ...port, streamNames, close };
}

function assemble(
  environment: Environment,
  lock: WriterLock,
  headroom: Headroom,
  limits: CommitterLimits,
): LmdbLog {
  const bell = createBell();
  const committer = createCommitter({
    ...limits,
    environment,
    headroom,
    positions: positionsOf(environment.storeId),
    lastOrdinal: lastOrdinal(environment),
    onCommit: bell.ring,
  });
  const { ensureOpen, close } = createDoor(async () => {
    bell.ring();
    await committer.drain();
    await headroom.close();
    await environment.root.close();
    lock.release();
  });
  const { port, reader, positions } = reading(environment, committer.durable, ensureOpen);
  return {
    ...port,
    append: (stream, events, expected, signal) => {
      // Not an async function: each append would pay for a second promise.
      try {
        ensureOpen();
        signal?.throwIfAborted();
        const sizeBytes = checkAppend(stream, events, expected);
        const appended = committer.append(stream, events, expected, sizeBytes);
        return signal === undefined ? appended : abandonable(appended, signal);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    subscribeAll: (options = {}) => {
      ensureOpen();
      return follow({ reader, positions, last: committer.durable, bell }, committer.durable(), options);
    },
    close,
  };
}

function reading(environment: Environment, last: () => number, ensureOpen: () => void) {
  const positions = positionsOf(environment.storeId);
  const reader = createReader({ environment, positions, last, ensureOpen });
  const port = {
    storeId: environment.storeId,
    isShared: false,
    readStream: reader.readStream,
    readAll: reader.readAll,
    head: async () => {
      ensureOpen();
      return last() === 0 ? null : positions.format(last());
    },
    compare: (a: string, b: string) => positions.parse(a) - positions.parse(b),
    backup: async (targetDirectory: string) => {
      ensureOpen();
      await backUp(environment, targetDirectory);
    },
    size: () => {
      ensureOpen();
      return sizeOf(environment);
    },
    streamNames: () => {
      ensureOpen();
      return streamNamesOf(environment, lastStreamNumber(environment));
    },
    count: last,
    lost: () => lostPlaces(environment, positions, last()),
  };
  return { port, reader, positions };
}

/** Closes once, however often it is asked to, and refuses everything afterwards. */
function createDoor(letGo: () => Promise<void>) {
  let shut = false;
  let closed: Promise<void> | null = null;
  return {
    ensureOpen: () => {
      if (!shut) return;
      throw new LedgerError('UNAVAILABLE', {
        what: 'The event log is closed',
        cure: 'start the service again',
      });
    },
    close: async () => {
      // Before anything is let go of, so that whoever is woken by it finds the door shut.
      shut = true;
      closed ??= letGo();
      await closed;
    },
  };
}

/** The append goes on; only the caller stops waiting, and learns what became of it by sending it again. */
async function abandonable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abandon = () => {};
  const abandoned = new Promise<never>((_, reject) => {
    abandon = () => reject(signal.reason as Error);
  });
  signal.addEventListener('abort', abandon);
  try {
    return await Promise.race([work, abandoned]);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

function lastOrdinal({ events }: Environment): number {
  for (const ordinal of events.getKeys({ reverse: true, limit: 1 })) return ordinal;
  return 0;
}
