import { LedgerError } from '../../errors.ts';
import type { EventStore } from '../port.ts';
import { checkAppend } from '../validation.ts';
import { type Address, parseConnectionString } from './connection-string.ts';
import { createConnection, tryConnectionString } from './connection.ts';
import { type Identity, identify } from './identity.ts';
import { namesOf } from './names.ts';
import type { Patience } from './patience.ts';
import { comparePlaces, type Place, type Positions, positionsOf } from './position.ts';
import { createReader } from './reader.ts';
import { createSlots } from './slots.ts';
import { follow } from './subscription.ts';
import { createWriter } from './writer.ts';

export type EventStoreDbLimits = Patience & {
  /** A subscription that has told nothing for so long is asked for, milliseconds. */
  readonly idleMs: number;
  /** Calls for writing, and as many for reading, at a time. */
  readonly maxCalls: number;
  /** Calls that may wait for their turn; beyond, UNAVAILABLE. */
  readonly maxWaiting: number;
};

const defaultLimits: EventStoreDbLimits = {
  callMs: 10_000,
  patienceMs: 30_000,
  idleMs: 20_000,
  maxCalls: 64,
  maxWaiting: 8_192,
};

/**
 * Opens the log on an EventStoreDB or KurrentDB, one node or a cluster. Throws UNKNOWN_STORE for a connection string that
 * is none, STORE_REFUSED for a user who may not read and write it, UNAVAILABLE or TIMEOUT where no server is to be had for 30 s,
 * and FORMAT_TOO_NEW for a log of a newer release.
 */
export async function openEventStoreDb({
  connectionString,
  limits: changed = {},
}: {
  readonly connectionString: string;
  readonly limits?: Partial<EventStoreDbLimits>;
}): Promise<EventStore> {
  const limits = { ...defaultLimits, ...changed };
  const address = parseConnectionString(connectionString);
  assertUsable(address);
  const writing = createConnection(address.forLeader, address.ofNode);
  const reading = createConnection(address.forReading, address.ofNode);
  const closing = new AbortController();
  const inFlight = new Set<Promise<unknown>>();
  let closed: Promise<void> | undefined;
  const names = namesOf(address.ledger);
  let known: (Identity & { readonly positions: Positions }) | undefined;
  const identity = () => {
    if (known === undefined) throw new TypeError('the log has no name yet');
    return known;
  };
  const ensureOpen = (): void => closing.signal.throwIfAborted();
  const slots = createSlots(limits.maxCalls, limits.maxWaiting);
  const reader = createReader({
    connection: reading,
    slots: createSlots(limits.maxCalls, limits.maxWaiting),
    limits,
    names,
    identity,
    ensureOpen,
  });
  const writer = createWriter({
    connection: writing,
    address,
    slots,
    limits,
    names,
    positions: () => identity().positions,
    reader,
  });
  const letGo = async (): Promise<void> => {
    closing.abort(closedError());
    while (inFlight.size > 0) await Promise.allSettled(inFlight);
    writing.close();
    reading.close();
  };
  try {
    const found = await identify({ connection: writing, reader, names, address, limits });
    known = { ...found, positions: positionsOf(found.storeId) };
  } catch (error) {
    await letGo();
    throw error;
  }
  const { storeId, positions, birth } = known;
  const { format, parse } = positions;
  const followed = { connection: reading, reader, names, positions, birth, limits, closing: closing.signal };

  const during = <T>(work: Promise<T>): Promise<T> => {
    const settled: Promise<unknown> = work.then(nothing, nothing).finally(() => inFlight.delete(settled));
    inFlight.add(settled);
    return work;
  };
  // A subscription begins where the log stands when it is asked for: no append of ours may slip in before that is known.
  let beginnings: Promise<unknown> = Promise.resolve();

  return {
    storeId,
    isShared: true,
    append: async (stream, events, expected, signal) => {
      ensureOpen();
      signal?.throwIfAborted();
      checkAppend(stream, events, expected);
      const appended = during(beginnings.then(() => writer.append(stream, events, expected)));
      return signal === undefined ? appended : abandonable(appended, signal);
    },
    readStream: reader.readStream,
    readAll: reader.readAll,
    subscribeAll: (options = {}) => {
      ensureOpen();
      const beginning: Promise<Place | undefined> = reader.head(options.signal);
      const known = beginning.then(nothing, nothing);
      beginnings = Promise.all([beginnings, known]);
      return follow(followed, beginning, options);
    },
    head: async () => {
      ensureOpen();
      const place = await during(reader.head());
      return place === undefined ? null : format(place);
    },
    compare: (a, b) => comparePlaces(parse(a), parse(b)),
    close: async () => {
      closed ??= letGo();
      await closed;
    },
  };
}

/** What the client says of a connection string may quote the password; only of files it does not. */
function assertUsable({ forLeader, shown }: Address): void {
  try {
    tryConnectionString(forLeader);
  } catch (error) {
    const said =
      error instanceof Error && /certificate|userCertFile/.test(error.message) ? error.message : undefined;
    const cure =
      said ??
      'write special characters of user and password as %XX, and true or false or a number for an option';
    throw new LedgerError('UNKNOWN_STORE', { store: shown, cure });
  }
}

const nothing = (): void => undefined;

const closedError = (): LedgerError =>
  new LedgerError('UNAVAILABLE', { what: 'The event log is closed', cure: 'start the service again' });

/** The append goes on; only the caller stops waiting, and learns what became of it by sending it again. */
async function abandonable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abandon = (): void => undefined;
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
