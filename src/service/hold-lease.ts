import { type HeldLease, LeaseLost } from './held-lease.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { Leases } from './leases.ts';

/** How often a lease that another holds is looked at, as a part of the term. */
const lookEvery = 1 / 3;

/** What work under a lease knows of it. */
export type Fence = Pick<HeldLease, 'fence' | 'assertHeld'>;

/**
 * Works at something while its lease is held, for what has one worker among all processes: waits for the lease, works, and
 * waits for it again where it was lost. Resolves with what the work comes to, the lease given back. Rejects with what the
 * work or the store throws, and with the signal's reason.
 *
 * `work` must stop when its signal aborts, and ask `assertHeld` before each write; what it writes to must still refuse
 * whoever is late, by its revision or by the fence.
 */
export async function holdLease<T>(
  { leases, steady }: { readonly leases: Pick<Leases, 'take' | 'seconds'>; readonly steady: LeaseClock },
  what: string,
  work: (signal: AbortSignal, fence: Fence) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const held = await leases.take(what, signal);
    if (held === undefined) {
      await pause(steady, leases.seconds * lookEvery, signal);
      continue;
    }
    try {
      return await work(AbortSignal.any([signal, held.signal]), held);
    } catch (error) {
      signal.throwIfAborted();
      if (!held.signal.aborted || !(error instanceof LeaseLost)) throw error;
    } finally {
      await held.release();
    }
  }
}

async function pause(steady: LeaseClock, seconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const unwake = steady.wake(seconds, () => done());
    const done = (): void => {
      unwake();
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
  });
}
