import type { FastifyBaseLogger } from 'fastify';
import { isLedgerError } from '../errors.ts';
import type { Projector } from '../projector/projector.ts';
import {
  type ActiveRunEntry,
  followsActiveRuns,
  readActiveRuns,
  watchActiveRuns,
} from '../queries/active-runs.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { Leases } from './leases.ts';
import type { RunControl } from './run-control.ts';

/** How often it is looked for runs that nobody holds, as a part of the term. */
const lookEvery = 1 / 3;
/** A look that comes so many times later than it should: this process stood still, and what it heard before is old. */
const isLate = 2;
/** Runs that wait here for a place though they were begun elsewhere, for each that can be executed at once. */
const waitingPerPlace = 4;

export type TakeoverParts = {
  readonly projector: Projector;
  readonly control: Pick<RunControl, 'add' | 'has' | 'saw' | 'lookForEnds'>;
  readonly leases: Pick<Leases, 'isFree' | 'observer' | 'seconds'>;
  readonly steady: LeaseClock;
  readonly concurrency: number;
  readonly log: FastifyBaseLogger;
};

/**
 * Watches the runs of all processes: tells the control what others made of them, and takes those that nobody holds any
 * more. The read model must have caught up with the log.
 */
export function watchOtherRuns(parts: TakeoverParts): { readonly close: () => Promise<void> } {
  const { projector, control, leases, steady, log } = parts;
  const interval = leases.seconds * lookEvery;
  /** Runs begun elsewhere that wait here. */
  const taken = new Set<string>();
  let looking: Promise<void> = Promise.resolve();
  let lastLook = steady.now();
  let unwake = (): void => {};

  const consider = ({ executionId, status, lease }: ActiveRunEntry): void => {
    if (status === 'paused' || control.has(executionId)) return;
    if (!leases.isFree(executionId, lease) || taken.size >= parts.concurrency * waitingPerPlace) return;
    taken.add(executionId);
    log.info({ execution_id: executionId }, 'a run that nobody holds is taken');
    control.add(executionId, 'recovered');
  };
  const look = (): void => {
    const isSound = followsActiveRuns(projector) && steady.now() - lastLook <= interval * isLate;
    lastLook = steady.now();
    // A feed that was cut off without knowing is no danger: a lease that was renewed is at another revision.
    if (!isSound) leases.observer.restart();
    try {
      for (const executionId of taken) if (!control.has(executionId)) taken.delete(executionId);
      readActiveRuns(projector).forEach(consider);
    } catch (error) {
      leases.observer.restart();
      // Nobody waits for this; the projection's status says why runs of others are not taken.
      if (!isLedgerError(error, 'PROJECTION_STOPPED')) log.error({ err: error }, 'runs cannot be looked for');
    }
    unwake = steady.wake(interval, look);
  };
  const saw = (executionId: string, run: ActiveRunEntry | undefined): void => {
    control.saw(executionId, run);
    if (run === undefined) leases.observer.forget(executionId);
    // One that was given back is not waited for until the next look.
    if (run?.lease?.holder === null) consider(run);
  };
  const stopWatching = watchActiveRuns(projector, saw, () => {
    looking = looking.then(control.lookForEnds).catch((error: unknown) => {
      log.warn({ err: error }, 'whether runs have ended elsewhere could not be read');
    });
  });
  look();
  return {
    close: async () => {
      unwake();
      stopWatching();
      await looking;
    },
  };
}
