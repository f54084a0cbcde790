import { setTimeout as delay } from 'node:timers/promises';
import type { Metadata } from '@grpc/grpc-js';
import type { Method, Strike } from './faults.ts';
import { Refusal, refusals } from './refusal.ts';

/** One call while it is served. */
export type Call = {
  readonly headers: Metadata;
  /** Aborts when the client cancels, its connection is gone or the server stops. */
  readonly signal: AbortSignal;
  /** Destroys the connection of this call. */
  readonly cut: () => void;
  readonly fault: Strike | null;
};

/** What every kind of call of grpc-js has. */
export type WireCall = {
  readonly metadata: Metadata;
  readonly getPeer: () => string;
  readonly once: (event: 'cancelled', listener: () => void) => unknown;
};

/** Counts, admits and watches over calls; the same for every method. */
export type Reception = {
  /**
   * Resolves when the call is served, to the refusal that is to be its answer, or null where it was answered or
   * nobody waits for an answer any more.
   */
  readonly serve: (
    method: Method,
    wire: WireCall,
    work: (call: Call) => Promise<void>,
  ) => Promise<Refusal | null>;
  readonly openCalls: () => number;
  /** Resolves when no call is open. */
  readonly whenIdle: () => Promise<void>;
  /** Every open call is answered UNAVAILABLE; resolves when none is open. */
  readonly dismiss: () => Promise<void>;
};

type Options = {
  /** Throws a Refusal for a call that this server does not take. */
  readonly admit: (method: Method, headers: Metadata) => void;
  readonly claim: (method: Method, headers: Metadata) => Strike | null;
  readonly cut: (peer: string) => void;
  /** A client has cancelled an open call. */
  readonly onCancelled: (peer: string) => void;
};

export function createReception({ admit, claim, cut, onCancelled }: Options): Reception {
  const open = new Map<AbortController, Promise<unknown>>();
  return {
    serve: async (method, wire, work) => {
      const controller = new AbortController();
      const { signal } = controller;
      // The peer's name is gone with the connection.
      const peer = wire.getPeer();
      wire.once('cancelled', () => {
        if (open.has(controller)) onCancelled(peer);
        controller.abort();
      });
      let close = () => {};
      const closed = new Promise<void>((resolve) => {
        close = resolve;
      });
      open.set(controller, closed);
      try {
        const call = {
          headers: wire.metadata,
          signal,
          cut: () => cut(peer),
          fault: claim(method, wire.metadata),
        };
        admit(method, wire.metadata);
        await sufferBefore(call);
        await work(call);
        return null;
      } catch (error) {
        if (signal.aborted) return signal.reason instanceof Refusal ? signal.reason : null;
        if (error instanceof Refusal) return error;
        throw error;
      } finally {
        open.delete(controller);
        close();
      }
    },
    openCalls: () => open.size,
    whenIdle: async () => {
      while (open.size > 0) await Promise.all(open.values());
    },
    dismiss: async () => {
      for (const controller of open.keys()) controller.abort(refusals.stopping());
      await Promise.all(open.values());
    },
  };
}

/** What goes wrong before a call has done anything. */
async function sufferBefore({ fault: claimed, signal, cut }: Call): Promise<void> {
  if (claimed === null) return;
  const { fault, strike } = claimed;
  switch (fault.kind) {
    case 'hang':
      strike();
      return never(signal);
    case 'drop':
      cut();
      strike();
      return never(signal);
    case 'unavailable':
      strike();
      throw refusals.notReady();
    case 'notLeader':
      strike();
      throw refusals.notLeader(fault.leader);
    case 'noLeaderInfo':
      strike();
      throw refusals.noLeaderInfo();
    case 'deny':
      strike();
      throw refusals.accessDenied();
    default:
  }
}

/** Settles only by the end of the call: rejects when the signal aborts. */
export function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** Waits where the call's fault is to be slow. */
export async function sufferDelay({ fault: claimed, signal }: Call): Promise<void> {
  if (claimed?.fault.kind !== 'slow') return;
  const milliseconds = claimed.fault.delayMs();
  await delay(milliseconds, undefined, { signal });
  claimed.strike();
}
