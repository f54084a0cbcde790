import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { Reception } from './call.ts';
import { cleanEnd, createOutlet, type Outlet, type ReadCall } from './outlet.ts';
import { ordinalFrom } from './position.ts';
import { Refusal, refusals } from './refusal.ts';
import type { Recorded, Store } from './store.ts';
import { subscribe } from './subscription.ts';

type Options = {
  readonly reception: Reception;
  readonly store: () => Store;
  readonly sendsCaughtUp: boolean;
  /** Told of each event that is sent. */
  readonly onEvent: () => void;
};

/** Streams.Read: pages of a stream or of $all, and subscriptions to $all, which are the same method on the wire. */
export function createRead({ reception, store, sendsCaughtUp, onEvent }: Options): (wire: ReadCall) => void {
  return (wire) => {
    const options = wire.request.getOptions();
    const subscribes = options?.hasSubscription() === true;
    void reception
      .serve(subscribes ? 'subscribe' : 'read', wire, async (call) => {
        if (options === undefined) throw refusals.invalid('No options');
        await untilCleanEnd(() => {
          const outlet = createOutlet(wire, call, onEvent);
          if (subscribes) return subscribe(options, store(), outlet, call, sendsCaughtUp);
          return options.hasAll() ? readAll(options, store(), outlet) : readStream(options, store(), outlet);
        });
        wire.end();
      })
      .catch((error: Error) => new Refusal(2, error.message))
      .then((refusal) => refusal !== null && wire.emit('error', refusal));
  };
}

async function untilCleanEnd(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error !== cleanEnd) throw error;
  }
}

async function readStream(options: ReadReq.Options, store: Store, outlet: Outlet): Promise<void> {
  const of = options.getStream();
  const identifier = of?.getStreamIdentifier();
  if (of === undefined || identifier === undefined) throw refusals.invalid('Neither a stream nor $all');
  const stream = Buffer.from(identifier.getStreamName_asU8()).toString();
  const { RevisionOptionCase: which } = streams.ReadReq.Options.StreamOptions;
  const backwards = isBackwards(options);
  const at = of.getRevisionOptionCase();
  const atTheEnd = at === which.END;
  const from = at === which.REVISION ? Number(of.getRevision()) : backwards && !atTheEnd ? 0 : null;
  // Forwards from the end there is nothing, but the stream must exist.
  const count = atTheEnd && !backwards ? 0 : Number(options.getCount());
  const events = await store.readStream({ stream, backwards, from, count });
  if (events === null) {
    const notFound = new streams.ReadResp.StreamNotFound().setStreamIdentifier(
      new shared.StreamIdentifier().setStreamName(identifier.getStreamName_asU8()),
    );
    return outlet.send(new streams.ReadResp().setStreamNotFound(notFound));
  }
  await outlet.begin();
  for await (const event of events) await outlet.sendEvent(event);
}

const pieceEvents = 128;

async function readAll(options: ReadReq.Options, store: Store, outlet: Outlet): Promise<void> {
  if (options.hasFilter()) throw refusals.beyond('filtered reads');
  const backwards = isBackwards(options);
  const last = store.last();
  const next = startOf(options, last, backwards);
  let left = Math.min(Number(options.getCount()), backwards ? next : last - next + 1);
  let ordinal = next;
  await outlet.begin();
  while (left > 0) {
    const limit = Math.min(left, pieceEvents);
    const events = backwards ? pieceUpTo(store, ordinal, limit) : store.piece(ordinal, limit);
    for (const event of events) await outlet.sendEvent(event);
    ordinal += backwards ? -events.length : events.length;
    left -= events.length;
  }
}

/** The last events of the log up to an ordinal, newest first. */
function pieceUpTo(store: Store, ordinal: number, limit: number): readonly Recorded[] {
  const events: Recorded[] = [];
  let next = Math.max(1, ordinal - limit + 1);
  // A piece of large events ends early, and it is the newest that must not be missing.
  while (next <= ordinal) {
    const piece = store.piece(next, ordinal - next + 1);
    events.push(...piece);
    next += piece.length;
  }
  return events.toReversed();
}

/** The ordinal of the first event in the direction of the read. */
function startOf(options: ReadReq.Options, last: number, backwards: boolean): number {
  const all = options.getAll();
  const position = all?.getPosition();
  if (position !== undefined) {
    const from = ordinalFrom(Number(position.getCommitPosition()));
    // Backwards, a real server takes the position for the end of an event: the one that begins there is not read.
    return backwards ? Math.min(from - 1, last) : from;
  }
  if (all?.hasStart() === true) return backwards ? 0 : 1;
  return backwards ? last : last + 1;
}

function isBackwards(options: ReadReq.Options): boolean {
  return options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;
}
