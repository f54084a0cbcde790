import { setTimeout } from 'node:timers/promises';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import { type EventReader, type EventStore, maxAppendBytes } from '../event-store/port.ts';
import { sizeOfEvent } from '../event-store/validation.ts';
import { asSame, type Compared, compareLogs, inLockstep, otherThanSource } from './log-comparison.ts';

/** How far a copy is: events of the target that were found there, that are now there, that were read again at the end. */
export type CopyProgress = { readonly step: 'found' | 'copied' | 'verified'; readonly events: number };

/** Attempts at one append, and the waits between them: the first, then doubled up to the longest. */
export type Persistence = {
  readonly attempts: number;
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
};

export type CopyReport = Compared & { /** Events that this copy added. */ readonly added: number };

type Options = {
  readonly source: Pick<EventReader, 'readAll'>;
  readonly target: Pick<EventStore, 'readAll' | 'append'>;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: CopyProgress) => void;
  readonly persistence?: Persistence;
};

/** One append takes at most so many events; their bytes are bounded by the port. */
const maxBatchEvents = 512;
/** About a minute in all, beside what the store itself takes for an attempt. */
const defaultPersistence: Persistence = { attempts: 10, firstWaitMs: 250, longestWaitMs: 10_000 };

/**
 * Brings what the source holds at the first step into the target: the same events in the same order of the whole log. The
 * target must hold a beginning of the source, or nothing; only what is missing is appended, so a copy that was broken off
 * goes on, and one that is whole adds nothing. Then reads both again and compares them.
 *
 * Throws COPY_TARGET where the target holds anything else, COPY_STOPPED where it took no more, and the signal's reason
 * once that aborts, which is between two appends.
 */
export async function copyLog({
  source,
  target,
  signal,
  onProgress = () => undefined,
  persistence = defaultPersistence,
}: Options): Promise<CopyReport> {
  let found = 0;
  let added = 0;
  let batch: Batch | null = null;
  const flush = async (): Promise<void> => {
    if (batch === null) return;
    await appendStubbornly(target, batch, found + added, persistence, signal);
    added += batch.events.length;
    batch = null;
    onProgress({ step: 'copied', events: found + added });
  };
  for await (const pair of inLockstep(source.readAll({ signal }), target.readAll({ signal }))) {
    if (pair.original === undefined || pair.copy !== undefined) {
      asSame(pair);
      found = pair.event;
      onProgress({ step: 'found', events: found });
      continue;
    }
    // Each append is awaited before the next: only so every store keeps the order of the whole log.
    if (batch === null || !addTo(batch, pair.original)) {
      await flush();
      batch = batchOf(pair.original);
    }
  }
  await flush();
  const compared = await compareLogs(source, target, {
    limit: found + added,
    signal,
    onProgress: (events) => onProgress({ step: 'verified', events }),
  });
  return { ...compared, added };
}

/** Neighbours in the whole log that are of one stream, and so neighbours there, too. */
type Batch = { readonly first: StoredEvent; readonly events: StoredEvent[]; sizeBytes: number };

const batchOf = (first: StoredEvent): Batch => ({ first, events: [first], sizeBytes: sizeOfEvent(first) });

/** Adds the next event of the log where it fits; false where it has to begin another batch. */
function addTo(batch: Batch, event: StoredEvent): boolean {
  const { first, events } = batch;
  const sizeBytes = batch.sizeBytes + sizeOfEvent(event);
  if (event.stream !== first.stream || events.length >= maxBatchEvents || sizeBytes > maxAppendBytes)
    return false;
  events.push(event);
  batch.sizeBytes = sizeBytes;
  return true;
}

/** Sends the same bytes again while the store says that they may pass later; the port stores them once. */
async function appendStubbornly(
  target: Options['target'],
  { first, events }: Batch,
  copied: number,
  { attempts, firstWaitMs, longestWaitMs }: Persistence,
  signal: AbortSignal,
): Promise<void> {
  const expected = first.revision === 0 ? 'noStream' : first.revision - 1;
  for (let attempt = 1, waitMs = firstWaitMs; ; attempt += 1) {
    try {
      // Without the signal: an append that has begun is waited for, so that what is told of it is true.
      await target.append(first.stream, events, expected);
      return;
    } catch (error) {
      if (isLedgerError(error, 'CONFLICT')) {
        const what = `the target's stream is at revision ${error.params.actual} by now`;
        throw otherThanSource(copied + 1, first, what, 'stop what writes to it, then copy into an empty one');
      }
      if (!(error instanceof LedgerError) || !error.retryable) throw error;
      // Room on a disk does not come by waiting.
      if (attempt >= attempts || error.code === 'STORAGE_FULL') {
        const why = error.message.replace(/\.$/, '');
        throw new LedgerError('COPY_STOPPED', { events: copied, why }, { cause: error });
      }
    }
    // An abort ends the wait; the next line says so.
    await setTimeout(waitMs, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
    waitMs = Math.min(2 * waitMs, longestWaitMs);
  }
}
