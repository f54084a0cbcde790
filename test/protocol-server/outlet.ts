import { once } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { type Call, never, sufferDelay } from './call.ts';
import { encodeEvent } from './recorded-event.ts';
import { refusals } from './refusal.ts';
import type { Recorded } from './store.ts';

/** A call that is answered with the bytes of ReadResp messages. */
export type ReadCall = ServerWritableStream<ReadReq, Buffer>;

/** What a read or a subscription sends, at the pace of its consumer and with the faults of its call. */
export type Outlet = {
  readonly send: (message: ReadResp) => Promise<void>;
  readonly sendEvent: (event: Recorded) => Promise<void>;
  /** What goes wrong after no event at all; call it where the first event could come. */
  readonly begin: () => Promise<void>;
};

/** Thrown by a fault to end a call as if that were all. */
export const cleanEnd = Symbol('clean end');

/** `onEvent` is told of each event that was given to the wire. */
export function createOutlet(wire: ReadCall, call: Call, onEvent: () => void): Outlet {
  let sentEvents = 0;
  const gone = call.fault === null ? null : never(call.signal);
  // Every write that waits for it learns of it; between two writes nobody needs to.
  gone?.catch(() => {});
  const write = async (bytes: Buffer) => {
    call.signal.throwIfAborted();
    if (call.fault === null) {
      if (!wire.write(bytes)) await once(wire, 'drain', { signal: call.signal });
      return;
    }
    await sufferDelay(call);
    // What was sent must be on its way before anything happens to the call.
    const written = new Promise<void>((resolve) => {
      wire.write(bytes, () => resolve());
    });
    await Promise.race([written, gone]);
  };
  const suffer = async () => {
    const fault = call.fault?.fault;
    if (fault === undefined || !('events' in fault) || sentEvents < fault.events) return;
    call.fault?.strike();
    switch (fault.kind) {
      case 'endAfter':
        throw cleanEnd;
      case 'errorAfter':
        throw refusals.notReady();
      case 'cutAfter':
        call.cut();
        return never(call.signal);
      case 'silentAfter':
        return never(call.signal);
      default:
    }
  };
  return {
    send: (message) => write(Buffer.from(message.serializeBinary())),
    sendEvent: async (event) => {
      await write(encodeEvent(event));
      sentEvents += 1;
      onEvent();
      if (call.fault !== null) await suffer();
    },
    begin: suffer,
  };
}
