import { performance } from 'node:perf_hooks';

/** A clock of this machine that only goes forward, in seconds, and that wakes. No two of them are ever compared. */
export type LeaseClock = {
  readonly now: () => number;
  /** Calls once, in so many seconds; the answer takes that back. */
  readonly wake: (inSeconds: number, call: () => void) => () => void;
};

export const leaseClock: LeaseClock = {
  now: () => performance.now() / 1_000,
  wake: (inSeconds, call) => {
    const timer = setTimeout(call, inSeconds * 1_000).unref();
    return () => clearTimeout(timer);
  },
};
