import { isLedgerError } from '../errors.ts';
import type { OpenedReader } from '../event-store/open.ts';
import type { EventReader } from '../event-store/port.ts';
import type { StoredEvent } from '../events/stored-event.ts';

/** What reading every stream has not come to. */
export type Missing = {
  readonly stream: string;
  readonly sequence: number | null;
  readonly kind: 'damaged' | 'unlinked';
  readonly what: string;
};

/** The streams of a log as they are at one moment, however they go on. */
export type LogSnapshot = Pick<EventReader, 'storeId' | 'compare' | 'readAll' | 'readStream'> & {
  /** Every stream there is. */
  readonly streamNames: () => Iterable<string>;
  /** What the whole log has beyond the `found` events that its streams lead to. */
  readonly missing: (found: number) => readonly Missing[];
};

/** An embedded log is a snapshot already; one on a server is read once to its present end, to know how far each stream went. */
export async function snapshotOf(log: OpenedReader): Promise<LogSnapshot> {
  const { streamNames, count, lost } = log;
  if (streamNames === undefined || count === undefined || lost === undefined) return snapshotOfGrowing(log);
  const missing = (found: number): readonly Missing[] => {
    if (found === count()) return [];
    const places = [...lost()].map((place) => ({ ...place, kind: 'unlinked' as const }));
    return places.length > 0 ? places : [otherCount(count(), found)];
  };
  return { ...log, streamNames, missing };
}

async function snapshotOfGrowing(log: EventReader): Promise<LogSnapshot> {
  const { storeId, compare } = log;
  const readAll: LogSnapshot['readAll'] = (options) => log.readAll(options);
  const { lastRevisions, events, broken } = await survey(readAll());
  return {
    storeId,
    compare,
    readAll,
    async *readStream(stream, { from = 0, limit = Number.POSITIVE_INFINITY } = {}) {
      const left = (lastRevisions.get(stream) ?? -1) - from + 1;
      if (left > 0) yield* log.readStream(stream, { from, limit: Math.min(limit, left) });
    },
    streamNames: () => lastRevisions.keys(),
    missing: (found) => {
      if (broken !== undefined) return [broken];
      return found === events ? [] : [otherCount(events, found)];
    },
  };
}

type Survey = {
  readonly lastRevisions: ReadonlyMap<string, number>;
  readonly events: number;
  /** Where the log cannot be read any further. */
  readonly broken: Missing | undefined;
};

async function survey(history: AsyncIterable<StoredEvent>): Promise<Survey> {
  const lastRevisions = new Map<string, number>();
  let events = 0;
  try {
    for await (const { stream, revision } of history) {
      lastRevisions.set(stream, revision);
      events += 1;
    }
    return { lastRevisions, events, broken: undefined };
  } catch (error) {
    if (!isLedgerError(error, 'CORRUPT_EVENT')) throw error;
    const { stream, sequence, what } = error.params;
    const broken: Missing = {
      stream,
      sequence: sequence === 'unknown' ? null : sequence,
      kind: 'damaged',
      what: `${what}; what the log holds behind it was not checked`,
    };
    return { lastRevisions, events, broken };
  }
}

const otherCount = (events: number, found: number): Missing => ({
  stream: 'unknown',
  sequence: null,
  kind: 'unlinked',
  what: `the log numbers ${events} events, its streams have ${found}`,
});
