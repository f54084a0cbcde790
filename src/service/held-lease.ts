import { isLedgerError } from '../errors.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { LeaseEnd, LeaseStreams } from './lease-stream.ts';

/** A lease is renewed each time this part of its term has passed; a renewal that failed is sent again this part later. */
const renewAfter = 1 / 3;
const resendAfter = 1 / 15;
/** Giving a lease back is a courtesy, and not waited for longer than this part of its term. */
const releaseWithin = 1 / 3;

/** Why work is aborted that was done under a lease. */
export class LeaseLost extends Error {
  constructor(what: string, why: string) {
    super(`the lease on ${what} is lost: ${why}`);
    this.name = 'LeaseLost';
  }
}

/** A lease in our hands. */
export type HeldLease = {
  readonly what: string;
  /** Whoever takes the lease later has a larger one: for whatever can compare them at the place that is written to. */
  readonly fence: number;
  /** Aborted with LeaseLost as soon as somebody else may hold it. */
  readonly signal: AbortSignal;
  /** Throws LeaseLost. By the clock, where the signal needs a timer that may come late: for the moment before a write. */
  readonly assertHeld: () => void;
  /** Gives it back, so that others need not wait for its end. Without effect where it is lost. */
  readonly release: () => Promise<void>;
  /** Lets it end by itself: for what nobody will ever work at again, and for what only we are to go on with. */
  readonly leave: () => void;
};

type Parts = {
  readonly streams: LeaseStreams;
  readonly what: string;
  readonly holder: string;
  readonly seconds: number;
  readonly steady: LeaseClock;
  /** Called once, when it is not in our hands any more. */
  readonly onEnd: () => void;
};

/**
 * Keeps a lease that was taken by an append that began at `since`, until it is released, left or lost. The term counts
 * from the *beginning* of the last append that succeeded: whoever observes it saw that event later.
 */
export function keepLease(parts: Parts, taken: LeaseEnd, since: number): HeldLease {
  const { streams, what, holder, seconds, steady, onEnd } = parts;
  const lost = new AbortController();
  /** Ends the append that is under way. */
  const over = new AbortController();
  let end = taken;
  let until = since + seconds;
  let isOver = false;
  let renewal: Promise<void> = Promise.resolve();
  let unwake = (): void => {};
  let unwakeEnd = (): void => {};

  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    unwake();
    unwakeEnd();
    onEnd();
  };
  const lose = (why: string): void => {
    if (isOver) return;
    finish();
    const reason = new LeaseLost(what, why);
    over.abort(reason);
    lost.abort(reason);
  };
  const late = 'it could not be renewed in time';
  const watchEnd = (): void => {
    unwakeEnd();
    unwakeEnd = steady.wake(Math.max(0, until - steady.now()), () => lose(late));
  };
  const renew = async (send: ReturnType<LeaseStreams['next']>): Promise<void> => {
    const began = steady.now();
    try {
      const next = await send(over.signal);
      end = next;
      // Too late is too late, though it was stored: our work is aborted, and the next try takes what is ours.
      if (isOver) return;
      until = began + seconds;
      watchEnd();
      wakeToRenew(Math.max(0, began + seconds * renewAfter - steady.now()));
    } catch (error) {
      if (isOver) return;
      if (isLedgerError(error, 'CONFLICT')) return lose('another has taken it');
      unwake = steady.wake(seconds * resendAfter, () => {
        renewal = renew(send);
      });
    }
  };
  const wakeToRenew = (inSeconds: number): void => {
    unwake = steady.wake(inSeconds, () => {
      renewal = renew(streams.next(what, { type: 'lease_renewed', holder, seconds }, end));
    });
  };

  watchEnd();
  wakeToRenew(Math.max(0, since + seconds * renewAfter - steady.now()));

  const giveBack = async (): Promise<void> => {
    unwake();
    const unbound = steady.wake(seconds * releaseWithin, () => over.abort(new LeaseLost(what, late)));
    try {
      await Promise.race([renewal, aborted(over.signal)]);
      if (isOver || over.signal.aborted) return;
      // Also the resend of a renewal that failed meanwhile.
      finish();
      const released = streams.next(what, { type: 'lease_released', holder }, end)(over.signal);
      await Promise.race([released, aborted(over.signal)]);
    } catch {
      // It ends by itself; or another has it, who took it when it had.
    } finally {
      unbound();
      finish();
    }
  };

  return {
    what,
    fence: taken.lease?.revision ?? 0,
    signal: lost.signal,
    assertHeld: () => {
      if (!isOver && steady.now() >= until) lose(late);
      if (isOver) throw lost.signal.reason ?? new LeaseLost(what, 'it was given back');
    },
    release: async () => {
      if (!isOver) await giveBack();
    },
    leave: finish,
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
