import type { Lease } from '../run/lease.ts';
import type { LeaseClock } from './lease-clock.ts';

/** Leases whose time is counted at once; beyond it the oldest is counted anew. */
const maxObserved = 50_000;
/** An observer waits so much longer than the term: the holder's timers may come late. */
const patience = 1.1;

/**
 * Counts how long the leases of others have stood as they stand. It starts at the moment at which their last event was
 * seen here, so it ends later than the holder's own count, whatever the two clocks say.
 */
export type LeaseObserver = {
  /** Has nothing been heard of the lease for its whole term? A missing one (null) is given a term of ours. */
  readonly isOver: (what: string, lease: Lease | null) => boolean;
  /** Counts everything anew: what was not heard while the store or the feed was in trouble says nothing of the others. */
  readonly restart: () => void;
  /** For what nobody will work at any more. */
  readonly forget: (what: string) => void;
};

/** `seconds` is our own term. */
export function createLeaseObserver(clock: LeaseClock, seconds: number): LeaseObserver {
  const seen = new Map<string, { readonly revision: number; readonly since: number }>();
  return {
    isOver: (what, lease) => {
      const revision = lease?.revision ?? -1;
      const before = seen.get(what);
      // A read model may be behind a read of the stream: what is older tells nothing.
      if (before !== undefined && revision <= before.revision)
        return (
          revision === before.revision && clock.now() - before.since > (lease?.seconds ?? seconds) * patience
        );
      seen.delete(what);
      if (seen.size >= maxObserved) seen.delete(seen.keys().next().value ?? '');
      seen.set(what, { revision, since: clock.now() });
      return false;
    },
    restart: () => seen.clear(),
    forget: (what) => void seen.delete(what),
  };
}
