import { setTimeout as delay } from 'node:timers/promises';
import { type AllStreamResolvedEvent, START, streamNameFilter } from '@eventstore/db-client';
import type { Delivery, SubscribeOptions } from '../port.ts';
import { CallTimedOut, finalFailure } from './client-failure.ts';
import type { Connection } from './connection.ts';
import { givenUp, type Patience } from './patience.ts';
import type { Names } from './names.ts';
import { comparePlaces, type Place, type Positions } from './position.ts';
import type { Reader } from './reader.ts';
import { fromServer, placeOf } from './record.ts';

/** Events that the client holds for a consumer; beyond them the server waits. */
const bufferedEvents = 64;
/** A consumer of a rare prefix learns at least so often how far its subscription has come. */
const checkpointEvery = 500;
const firstPauseMs = 50;
const lastPauseMs = 1_000;

type Source = {
  readonly connection: Connection;
  readonly reader: Pick<Reader, 'head'>;
  readonly names: Names;
  readonly positions: Positions;
  /** Nothing of ours stands before it. */
  readonly birth: Place | undefined;
  readonly limits: Patience & { readonly idleMs: number };
  /** Aborts when the store is closed. */
  readonly closing: AbortSignal;
};

/**
 * One subscription, kept up over drops, clean ends and silences of the server; `beginning` is the head of the log when it was
 * asked for. Throws UNAVAILABLE where no server was to be had for as long as patience lasts.
 */
export async function* follow(
  { connection, reader, names, positions, birth, limits, closing }: Source,
  beginning: Promise<Place | undefined>,
  { from = 'start', streamPrefixes, signal }: SubscribeOptions,
): AsyncGenerator<Delivery> {
  const ending = signal === undefined ? closing : AbortSignal.any([closing, signal]);
  const isOver = (): boolean => {
    if (signal?.aborted === true) return true;
    if (closing.aborted) throw closing.reason as Error;
    return false;
  };
  const matches = (stream: string): boolean =>
    streamPrefixes === undefined || streamPrefixes.some((prefix) => stream.startsWith(prefix));
  let seen = from === 'start' || from === 'end' ? undefined : positions.parse(from);
  if (isOver()) return;
  const head = await beginning;
  if (isOver()) return;
  if (from === 'end') seen = head;
  let caughtUp = false;
  let passedOver = 0;
  let failingSince: number | undefined;
  let pauseMs = firstPauseMs;

  for (;;) {
    let failure: unknown = new Error('the server ended the subscription');
    const feed = openFeed(connection, names.filter, seen ?? birth);
    try {
      for (;;) {
        const hasAll = head === undefined || (seen !== undefined && comparePlaces(seen, head) >= 0);
        if (!caughtUp && hasAll) {
          if (passedOver > 0 && seen !== undefined) {
            passedOver = 0;
            yield { kind: 'checkpoint', position: positions.format(seen) };
            if (isOver()) return;
          }
          caughtUp = true;
          yield { kind: 'caughtUp' };
          if (isOver()) return;
        }
        const isQuiet = feed.isQuiet();
        if (passedOver >= checkpointEvery || (passedOver > 0 && isQuiet && seen !== undefined)) {
          passedOver = 0;
          if (seen !== undefined) yield { kind: 'checkpoint', position: positions.format(seen) };
          if (isOver()) return;
        }
        const resolved = await feed.next(() => isSilent(reader, seen), limits, ending);
        if (isOver()) return;
        if (resolved === undefined) break;
        failingSince = undefined;
        pauseMs = firstPauseMs;
        const { event } = resolved;
        const place = event === undefined ? undefined : placeOf(event);
        if (event === undefined || place === undefined) continue;
        // A server that goes back a little after a drop must not make anybody see an event twice.
        if (seen !== undefined && comparePlaces(place, seen) <= 0) continue;
        seen = place;
        const stream = names.ofServer(event.streamId);
        if (stream === undefined || !matches(stream)) {
          passedOver += 1;
          continue;
        }
        passedOver = 0;
        yield { kind: 'event', event: fromServer(event, stream, positions) };
        if (isOver()) return;
      }
    } catch (error) {
      if (isOver()) return;
      const final = finalFailure(error, 'the log');
      if (final !== undefined) throw final;
      failure = error;
    } finally {
      feed.close(failure);
    }
    failingSince = feed.wasConfirmed() ? undefined : (failingSince ?? performance.now());
    if (failingSince !== undefined && performance.now() - failingSince > limits.patienceMs)
      throw givenUp('Following the log', failure, limits);
    await delay(pauseMs, undefined, { signal: ending }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, lastPauseMs);
    if (isOver()) return;
  }
}

/** Has the log grown behind a feed that has nothing to tell? */
async function isSilent(reader: Pick<Reader, 'head'>, seen: Place | undefined): Promise<boolean> {
  const head = await reader.head();
  return head !== undefined && (seen === undefined || comparePlaces(seen, head) < 0);
}

type Feed = {
  /** The next event; undefined where the server has ended the call. Throws what broke it, or the signal's reason. */
  readonly next: (
    isSilent: () => Promise<boolean>,
    limits: Source['limits'],
    signal: AbortSignal,
  ) => Promise<AllStreamResolvedEvent | undefined>;
  /** Is there nothing that has already come? */
  readonly isQuiet: () => boolean;
  readonly wasConfirmed: () => boolean;
  readonly close: (failure: unknown) => void;
};

/** One call to the server. Everything of ours comes over it, in the order of the log. */
function openFeed(connection: Connection, filter: string, after: Place | undefined): Feed {
  const use = connection.open();
  let isConfirmed = false;
  let isClosed = false;
  const subscription = use.client.subscribeToAll(
    { fromPosition: after ?? START, filter: streamNameFilter({ regex: filter, checkpointInterval: 1_000 }) },
    { highWaterMark: bufferedEvents },
  );
  // Also when nobody waits for the next event any more.
  subscription.on('error', () => undefined);
  subscription.on('confirmation', () => {
    isConfirmed = true;
  });
  const iterator = subscription[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<AllStreamResolvedEvent>> | undefined;
  return {
    next: async (isSilent, { callMs, idleMs }, signal) => {
      pending ??= iterator.next();
      let hadGrown = false;
      for (;;) {
        const step = await within(pending, isConfirmed && !hadGrown ? idleMs : callMs, signal);
        if (step !== undefined) {
          pending = undefined;
          return step.done === true ? undefined : step.value;
        }
        if (hadGrown || !isConfirmed) throw new CallTimedOut('The subscription', callMs);
        hadGrown = await isSilent();
      }
    },
    isQuiet: () => subscription.readableLength === 0,
    wasConfirmed: () => isConfirmed,
    close: (failure) => {
      if (isClosed) return;
      isClosed = true;
      pending?.catch(() => undefined);
      subscription
        .unsubscribe()
        .catch(() => undefined)
        .finally(() => {
          subscription.destroy();
          use.release(failure);
        });
    },
  };
}

/** The result, or undefined when the time is over first. Rejects with the signal's reason. */
async function within<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  signal.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => undefined;
  const late = new Promise<undefined>((resolve, reject) => {
    timer = setTimeout(() => resolve(undefined), ms).unref();
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
