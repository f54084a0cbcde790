import { isLedgerError, LedgerError } from '../errors.ts';
import type { Lease } from '../run/lease.ts';
import type { LeaseClock } from './lease-clock.ts';
import { createLeaseObserver, type LeaseObserver } from './lease-observer.ts';
import { createLeaseStreams, type LeaseEnd, type LeaseStreamParts } from './lease-stream.ts';
import { type HeldLease, keepLease } from './held-lease.ts';

export type LeaseParts = LeaseStreamParts & {
  readonly steady: LeaseClock;
  /** Names this process; no two processes ever share it. */
  readonly holder: string;
  /** The term: so long nobody else works at something after its holder was last heard of. */
  readonly seconds: number;
};

/** Who may work at what, where several processes share a log (ADR 0021). */
export type Leases = {
  readonly seconds: number;
  readonly observer: Pick<LeaseObserver, 'restart' | 'forget'>;
  /**
   * Takes a lease that nobody holds: a missing one, one that was given back, one of ours that we do not hold, and one that
   * has stood for its term while we observed it. Undefined where somebody else holds it or came first. Throws what the
   * store throws; it is then open whether the lease is ours, and the next try finds out.
   */
  readonly take: (what: string, signal?: AbortSignal) => Promise<HeldLease | undefined>;
  /** By what a read model or the stream says of it: may it be tried? A missing one is given a term first. */
  readonly isFree: (what: string, lease: Lease | null) => boolean;
  /** Does another process hold it, as far as we know? Reads the stream. */
  readonly isElsewhere: (what: string) => Promise<boolean>;
};

export function createLeases(parts: LeaseParts): Leases {
  const { holder, seconds, steady } = parts;
  const streams = createLeaseStreams(parts);
  const observer = createLeaseObserver(steady, seconds);
  /** What this process holds, or is about to. */
  const ours = new Set<string>();

  const isOpen = (what: string, lease: Lease): boolean =>
    lease.holder === null || lease.holder === holder || observer.isOver(what, lease);

  const read = async (what: string, signal?: AbortSignal): Promise<LeaseEnd> => {
    try {
      return await streams.read(what, signal);
    } catch (error) {
      if (isTrouble(error)) observer.restart();
      throw error;
    }
  };

  const tryToTake = async (what: string, signal?: AbortSignal): Promise<HeldLease | undefined> => {
    const before = await read(what, signal);
    if (before.lease !== null && !isOpen(what, before.lease)) return undefined;
    const send = streams.next(what, { type: 'lease_taken', holder, seconds }, before);
    const since = steady.now();
    try {
      const end = await send(signal);
      return keepLease({ ...parts, streams, what, onEnd: () => ours.delete(what) }, end, since);
    } catch (error) {
      if (isLedgerError(error, 'CONFLICT')) return undefined;
      if (isTrouble(error)) observer.restart();
      throw error;
    }
  };

  return {
    seconds,
    observer,
    take: async (what, signal) => {
      if (ours.has(what)) return undefined;
      ours.add(what);
      let held: HeldLease | undefined;
      try {
        held = await tryToTake(what, signal);
        return held;
      } finally {
        if (held === undefined) ours.delete(what);
      }
    },
    isFree: (what, lease) => {
      if (ours.has(what)) return false;
      return lease === null ? observer.isOver(what, lease) : isOpen(what, lease);
    },
    isElsewhere: async (what) => {
      if (ours.has(what)) return false;
      const { lease } = await read(what);
      return lease !== null && !isOpen(what, lease);
    },
  };
}

const isTrouble = (error: unknown): boolean => error instanceof LedgerError && error.retryable;
