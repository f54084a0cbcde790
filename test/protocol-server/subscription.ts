import { randomUUID } from 'node:crypto';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Call } from './call.ts';
import type { Outlet } from './outlet.ts';
import { ordinalAfter, positionOf } from './position.ts';
import { refusals } from './refusal.ts';
import type { Recorded, Store } from './store.ts';

const pieceEvents = 128;
const defaultWindow = 32;

type Filter = {
  readonly matches: (event: Recorded) => boolean;
  /** Events that are looked at between two checkpoints. */
  readonly checkpointInterval: number;
};

/** A subscription to $all: confirmation, history, caught up, live events; checkpoints where it is filtered. */
export async function subscribe(
  options: ReadReq.Options,
  store: Store,
  outlet: Outlet,
  call: Call,
  sendsCaughtUp: boolean,
): Promise<void> {
  if (!options.hasAll()) throw refusals.beyond('subscriptions to one stream');
  const filter = filterOf(options.getFilter());
  let next = startOf(options, store.last());
  const confirmation = new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(randomUUID());
  await outlet.send(new streams.ReadResp().setConfirmation(confirmation));
  await outlet.begin();
  let considered = 0;
  let isLive = false;
  while (!call.signal.aborted) {
    const events = store.piece(next, pieceEvents);
    for (const event of events) {
      next += 1;
      considered += 1;
      if (filter === null || filter.matches(event)) await outlet.sendEvent(event);
      if (filter !== null && considered % filter.checkpointInterval === 0) {
        await outlet.send(checkpointAt(event.ordinal));
      }
    }
    if (events.length > 0) continue;
    if (isLive) {
      // No await between looking and waiting: a commit cannot slip through.
      await store.bell.wait(call.signal);
    } else {
      isLive = true;
      if (sendsCaughtUp) {
        await outlet.send(new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp()));
      }
    }
  }
  call.signal.throwIfAborted();
}

function startOf(options: ReadReq.Options, last: number): number {
  const all = options.getAll();
  const position = all?.getPosition();
  if (position !== undefined) return ordinalAfter(Number(position.getCommitPosition()));
  return all?.hasEnd() === true ? last + 1 : 1;
}

function checkpointAt(ordinal: number) {
  const at = String(positionOf(ordinal));
  const checkpoint = new streams.ReadResp.Checkpoint().setCommitPosition(at).setPreparePosition(at);
  return new streams.ReadResp().setCheckpoint(checkpoint);
}

function filterOf(filter: ReadReq.Options.FilterOptions | undefined): Filter | null {
  if (filter === undefined) return null;
  const byStream = filter.getStreamIdentifier();
  const expression = byStream ?? filter.getEventType();
  if (expression === undefined) throw refusals.invalid('A filter of nothing');
  const prefixes = expression.getPrefixList();
  // .NET's expressions are close enough to ours for names of streams and types.
  const regex = expression.getRegex() === '' ? null : new RegExp(expression.getRegex());
  const accepts = (name: string) =>
    regex === null ? prefixes.some((prefix) => name.startsWith(prefix)) : regex.test(name);
  const window = filter.hasMax() ? filter.getMax() : defaultWindow;
  return {
    matches: (event) => accepts(byStream === undefined ? event.type : event.stream),
    checkpointInterval: window * filter.getCheckpointintervalmultiplier(),
  };
}
