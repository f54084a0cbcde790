import { setImmediate } from 'node:timers/promises';
import { isLedgerError } from '../errors.ts';
import type { EventStore, Position } from '../event-store/port.ts';
import { catalogued } from '../events/catalogue.ts';
import { eventHash } from '../events/digest.ts';
import { decodeEvent, type LedgerEvent } from '../events/envelope.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import { compareTimes } from '../events/time.ts';
import { upcastType } from '../events/upcast.ts';
import { type CheckedEvent, knownAt, policyIn, type PolicyOf } from '../ledger/invariant-state.ts';
import { createInvariantCheck, type InvariantResult } from '../ledger/invariants.ts';
import { type PolicyPublication, policyStreamOf, publicationIn } from '../ledger/policy-publication.ts';
import { streamOf } from '../run/record.ts';
import type { Until } from './replay.ts';

/** What a run is checked against: its stream, and the streams of the policies that it names. */
export type CheckSource = {
  readonly store: Pick<EventStore, 'readStream' | 'compare'>;
  readonly keyOf: (stream: string) => Uint8Array | undefined;
};

export type CheckedRun = {
  /** Events that were read. */
  readonly items: number;
  readonly results: readonly InvariantResult[];
};

/** So many events are checked in one turn of the event loop: a millisecond's work or two. */
const eventsATurn = 16;

/**
 * The invariants of one run out of its stream as it stands, of the items up to `seq`, or of those before the first that
 * was known later than `time`. Undefined for an unknown run, or where nothing was known yet. A damaged event is not
 * thrown but told: that is what is asked for.
 */
export async function checkRun(
  source: CheckSource,
  executionId: string,
  { seq, time }: Until,
  signal: AbortSignal,
): Promise<CheckedRun | undefined> {
  const stream = streamOf(executionId);
  const key = source.keyOf(stream);
  const policies = createPolicyReader(source, signal);
  let at: Position | undefined;
  const check = createInvariantCheck({
    attributesOf: (type) => catalogued(upcastType(type)),
    policyOf: (reference) => policies.at(reference, at),
  });
  let items = 0;
  try {
    for await (const stored of source.store.readStream(stream, {
      signal,
      ...(seq === undefined ? {} : { limit: seq }),
    })) {
      const event = readTolerantly(stored, key);
      if (typeof event === 'string') check.unreadable(stored.revision + 1, event);
      else {
        if (time !== undefined && compareTimes(knownAt(event.core), time) > 0) break;
        const follows = at === undefined || source.store.compare(at, stored.position) < 0;
        at = stored.position;
        const reference = policyIn(event.core.facts);
        if (reference !== undefined) await policies.load(reference.id);
        check.see({ ...event, follows });
      }
      items += 1;
      if (items % eventsATurn === 0) {
        await setImmediate();
        signal.throwIfAborted();
      }
    }
  } catch (error) {
    if (isLedgerError(error, 'STREAM_NOT_FOUND')) return undefined;
    if (!isLedgerError(error, 'CORRUPT_EVENT')) throw error;
    // The store cannot lead behind the damage, so the reading ends here.
    const { sequence, what } = error.params;
    check.unreadable(
      typeof sequence === 'number' ? sequence : items + 1,
      `${what}, and nothing behind it could be read`,
    );
    items += 1;
  }
  return items === 0 ? undefined : { items, results: check.report() };
}

/** The event, or why its core says nothing. A payload that does not open leaves the core as it is. */
function readTolerantly(stored: StoredEvent, key: Uint8Array | undefined): CheckedEvent | string {
  const hash = eventHash(stored.core).toString('base64');
  const opened = decoded(stored, key);
  if (typeof opened !== 'string') return { core: opened.core, hash, payload: payloadOf(opened) };
  const kept = decoded(stored, undefined);
  return typeof kept === 'string' ? kept : { core: kept.core, hash, payload: 'broken' };
}

function decoded(stored: StoredEvent, key: Uint8Array | undefined): LedgerEvent | string {
  try {
    return decodeEvent(stored, key);
  } catch (error) {
    if (!isLedgerError(error, 'CORRUPT_EVENT')) throw error;
    return error.params.what;
  }
}

/** What `decodeEvent` has opened opens its commitment: it refuses anything else. */
const payloadOf = ({ erased, payload }: LedgerEvent): CheckedEvent['payload'] =>
  erased ? 'erased' : payload === null ? 'none' : 'opens';

type Published = PolicyPublication & { readonly position: Position };

function createPolicyReader({ store, keyOf }: CheckSource, signal: AbortSignal) {
  const known = new Map<string, readonly Published[]>();
  const read = async (id: string): Promise<readonly Published[]> => {
    const stream = policyStreamOf(id);
    const found: Published[] = [];
    try {
      for await (const stored of store.readStream(stream, { signal })) {
        const { core, payload } = decodeEvent(stored, keyOf(stream));
        const publication = publicationIn(core, payload);
        if (publication !== undefined) found.push({ ...publication, position: stored.position });
      }
    } catch (error) {
      if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
    }
    return found;
  };
  const at = (
    { id, version, sha256 }: Parameters<PolicyOf>[0],
    position: Position | undefined,
  ): ReturnType<PolicyOf> => {
    const publication = known
      .get(id)
      ?.find(
        (one) =>
          one.version === version &&
          one.sha256 === sha256 &&
          position !== undefined &&
          store.compare(one.position, position) < 0,
      );
    return publication === undefined
      ? { isPublished: false }
      : { isPublished: true, lawLists: publication.lawLists };
  };
  return {
    at,
    load: async (id: string): Promise<void> => {
      if (!known.has(id)) known.set(id, await read(id));
    },
  };
}
