import { LedgerError, isLedgerError } from '../errors.ts';
import type { EventStore, Position } from '../event-store/port.ts';
import { canonicalBytes, canonicalText } from '../events/canonical.ts';
import type { Actor, CoreDraft, Payload } from '../events/core.ts';
import { chainStart } from '../events/digest.ts';
import { decodeEvent, type PlacedItem, placeItem, sealItem } from '../events/envelope.ts';
import { type ItemDraft, keptOf, splitItem } from '../events/item.ts';
import { nonceBytes, runKeyBytes, saltBytes } from '../events/seal.ts';
import type { ReadyEvent } from '../events/stored-event.ts';
import { timeOf } from '../events/time.ts';
import { createRandomness } from './randomness.ts';
import { executionIdOf } from './record.ts';

/** How often an append is decided anew when other writers keep coming first. */
const maxDecisions = 5;
/** How often the same bytes are sent again after an error that leaves open whether they were stored. */
const maxResends = 1;
/** Folded heads kept in memory; a stream that fell out is folded again. */
const maxHeads = 2_000;

export type StreamKeys = {
  readonly keyOf: (stream: string) => Uint8Array | undefined;
  readonly createKey: (stream: string) => Promise<Uint8Array>;
};

/** An item to record. `id` only where a retry must be recognised; `time` only where it came from outside. */
export type NewItem = {
  readonly draft: ItemDraft;
  readonly id?: string | undefined;
  /** The id is made of the content: who comes with the same id comes with the same item, and nothing is compared. */
  readonly idIsContent?: boolean | undefined;
  /** RFC 3339, UTC. */
  readonly time?: string | undefined;
};

export type WriteRequest<S> = {
  readonly stream: string;
  readonly items: readonly NewItem[];
  readonly actor: Actor;
  readonly tax: string;
  /** HMAC of the person a run is about; stands on the first event. */
  readonly subject?: string | undefined;
  /** HMAC of the request that began it; stands on the first event. */
  readonly requestKey?: string | undefined;
  readonly trace?: string | undefined;
  /** Refuses by throwing. Called with the state before each item, where the batch is new. */
  readonly decide: (state: S, item: ItemDraft, index: number) => void;
  /** Called once with the stream as it is, and with whether the whole batch stands there already. */
  readonly guard?: (state: S, alreadyThere: boolean) => void;
  readonly signal?: AbortSignal | undefined;
};

export type Written<S> = {
  readonly state: S;
  readonly sequenceNumbers: readonly number[];
  /** Of the last event; null when nothing was new. */
  readonly position: Position | null;
  /** False when every item stood in the stream before. */
  readonly stored: boolean;
};

type Head<S> = {
  readonly state: S;
  readonly revision: number;
  readonly prev: string;
  /** Does any event so far have a payload? Then the stream had a key. */
  readonly sealed: boolean;
  /** Ids that a retry may come with again, and their sequence numbers; grows with the stream, one map per head. */
  readonly ids: Map<string, number>;
};

type Parts<S> = {
  readonly store: EventStore;
  readonly keys: StreamKeys;
  readonly fold: (state: S, core: CoreDraft) => S;
  readonly initial: S;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly newId: () => string;
};

/**
 * The one place that gives an event its number and its link to the one before: one queue per stream, and a cached fold
 * of its head (log.md §1, "One place"). Resolves once everything is durable.
 */
export function createStreamWriter<S>(parts: Parts<S>): {
  readonly write: (request: WriteRequest<S>) => Promise<Written<S>>;
} {
  const heads = new Map<string, Head<S>>();
  const queues = new Map<string, Promise<unknown>>();

  const remember = (stream: string, head: Head<S>): void => {
    heads.delete(stream);
    if (heads.size >= maxHeads) heads.delete(heads.keys().next().value ?? '');
    heads.set(stream, head);
  };

  const attempt = async (request: WriteRequest<S>): Promise<Written<S>> => {
    const { stream } = request;
    const head = heads.get(stream) ?? (await loadHead(parts, stream));
    const known = await knownNumbers(parts, request, head);
    request.guard?.(head.state, known !== undefined);
    if (known !== undefined)
      return { state: head.state, sequenceNumbers: known, position: null, stored: false };
    const { next, ready } = await chain(parts, request, head);
    const expected = head.revision === -1 ? 'noStream' : head.revision;
    const send = async (resends: number): Promise<{ position: Position }> => {
      try {
        return await parts.store.append(stream, ready, expected, request.signal);
      } catch (error) {
        const ambiguous = isLedgerError(error, 'TIMEOUT') || isLedgerError(error, 'UNAVAILABLE');
        if (!ambiguous || resends === 0 || request.signal?.aborted) throw error;
        return send(resends - 1);
      }
    };
    const { position } = await send(maxResends);
    const first = head.revision + 2;
    for (const [index, event] of ready.entries()) next.ids.set(event.id, first + index);
    remember(stream, next);
    return {
      state: next.state,
      sequenceNumbers: ready.map((_, index) => first + index),
      position,
      stored: true,
    };
  };

  const decided = async (request: WriteRequest<S>, left: number): Promise<Written<S>> => {
    const isOld = parts.store.isShared && heads.has(request.stream);
    try {
      return await attempt(request);
    } catch (error) {
      // Whatever went wrong, the cached head may be behind: the next call folds the stream itself.
      if (!(error instanceof LedgerError) || error.status >= 500 || error.code === 'CONFLICT') {
        heads.delete(request.stream);
      }
      if (isLedgerError(error, 'CONFLICT') && left > 1) return decided(request, left - 1);
      // Other processes append too: a refusal by what we remember of the stream proves nothing.
      if (isOld && error instanceof LedgerError) {
        heads.delete(request.stream);
        return decided(request, left);
      }
      throw error;
    }
  };

  return {
    write: (request) => {
      const before = queues.get(request.stream) ?? Promise.resolve();
      const turn = before.then(() => decided(request, maxDecisions));
      const settled = turn
        .catch(() => undefined)
        .finally(() => {
          if (queues.get(request.stream) === settled) queues.delete(request.stream);
        });
      queues.set(request.stream, settled);
      return turn;
    },
  };
}

async function loadHead<S>(parts: Parts<S>, stream: string): Promise<Head<S>> {
  let head: Head<S> = {
    state: parts.initial,
    revision: -1,
    prev: chainStart(stream),
    sealed: false,
    ids: new Map(),
  };
  const ids = new Map<string, number>();
  try {
    for await (const stored of parts.store.readStream(stream)) {
      // Without a key: the fold needs the core only, and an erased run must still take its last events.
      const { core } = decodeEvent(stored, undefined);
      if (core.prev !== head.prev) {
        const what = 'it is not linked to the event before it';
        throw new LedgerError('CORRUPT_EVENT', { stream, sequence: core.seq, what });
      }
      ids.set(core.id, core.seq);
      const prev = Buffer.from(stored.hash).toString('base64');
      const sealed = head.sealed || core.payload !== undefined;
      head = { state: parts.fold(head.state, core), revision: stored.revision, prev, sealed, ids };
    }
  } catch (error) {
    if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
  }
  return head;
}

const randomness = createRandomness();

/** Decides, numbers, seals and links the batch onto the head. Every rule is asked before a key is made or a byte sent. */
async function chain<S>(
  parts: Parts<S>,
  request: WriteRequest<S>,
  head: Head<S>,
): Promise<{ next: Head<S>; ready: readonly ReadyEvent[] }> {
  const { stream, actor, tax, trace } = request;
  const now = timeOf(parts.clock());
  const placed: PlacedItem[] = [];
  let { state } = head;
  let seq = head.revision + 1;
  for (const [index, { draft, id = parts.newId(), time }] of request.items.entries()) {
    request.decide(state, draft, index);
    seq += 1;
    const item = placeItem(draft, {
      id,
      stream,
      seq,
      tax,
      time: time ?? now,
      recorded: time === undefined ? undefined : now,
      actor,
      subject: seq === 1 ? request.subject : undefined,
      request: seq === 1 ? request.requestKey : undefined,
      trace,
    });
    state = parts.fold(state, item.core);
    placed.push(item);
  }
  const sealing = placed.some((item) => item.payload !== null);
  const key = sealing ? await keyFor(parts, stream, head) : noKey;
  const ready: ReadyEvent[] = [];
  let { prev } = head;
  for (const item of placed) {
    const event = sealItem(item, prev, { key, salt: randomness(saltBytes), nonce: randomness(nonceBytes) });
    prev = Buffer.from(event.hash).toString('base64');
    ready.push(event);
  }
  return { next: { state, revision: seq - 1, prev, sealed: head.sealed || sealing, ids: head.ids }, ready };
}

/** A new key for an erased stream would make what the old one sealed read as damaged instead of erased. */
async function keyFor<S>(parts: Parts<S>, stream: string, head: Head<S>): Promise<Uint8Array> {
  // Also for a key that is there: another node may have made it this moment, and only createKey says that it is durable.
  if (!head.sealed) return parts.keys.createKey(stream);
  const known = parts.keys.keyOf(stream);
  if (known !== undefined) return known;
  throw new LedgerError('RUN_ERASED', { execution_id: executionIdOf(stream) ?? stream });
}

/**
 * The sequence numbers of a batch that stands in the stream already, undefined for a new one. The same ids with other
 * content, or a batch of which only a part is known, is refused: storing the rest would tear it apart.
 */
async function knownNumbers<S>(
  parts: Parts<S>,
  request: WriteRequest<S>,
  head: Head<S>,
): Promise<readonly number[] | undefined> {
  if (!request.items.some(({ id }) => id !== undefined && head.ids.has(id))) return undefined;
  const known = request.items.map(({ id }) => (id === undefined ? undefined : head.ids.get(id)));
  const numbers: number[] = [];
  for (const [index, seq] of known.entries()) {
    const item = request.items[index];
    if (seq === undefined || item === undefined) throw otherContent(request.stream, 'a part of this batch');
    if (!(await standsThere(parts, request.stream, seq, item))) {
      throw otherContent(request.stream, `the id of item ${index + 1}`);
    }
    numbers.push(seq);
  }
  return numbers;
}

async function standsThere<S>(parts: Parts<S>, stream: string, seq: number, item: NewItem): Promise<boolean> {
  if (item.idIsContent === true) return true;
  for await (const stored of parts.store.readStream(stream, { from: seq - 1, limit: 1 })) {
    const { core, payload, erased } = decodeEvent(stored, parts.keys.keyOf(stream));
    const wanted = splitItem(item.draft);
    // Of an erased payload only its size is left to compare: the commitment is salted.
    const samePayload = erased
      ? core.payload?.bytes === sizeOf(wanted.payload)
      : canonicalText(payload) === canonicalText(wanted.payload);
    return (
      samePayload &&
      core.type === item.draft.item_type &&
      canonicalText(keptOf(core)) === canonicalText(wanted.kept) &&
      (item.time === undefined || item.time === core.time)
    );
  }
  return false;
}

const sizeOf = (payload: Payload | null): number | undefined =>
  payload === null ? undefined : canonicalBytes(payload).byteLength;

const otherContent = (stream: string, what: string): LedgerError =>
  new LedgerError('OTHER_CONTENT', { execution_id: executionIdOf(stream) ?? stream, what });

/** Stands where nothing is sealed. */
const noKey = new Uint8Array(runKeyBytes);
