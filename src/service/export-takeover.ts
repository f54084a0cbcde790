import type { FastifyBaseLogger } from 'fastify';
import type { Projector } from '../projector/projector.ts';
import { watchJobs } from '../queries/exports.ts';
import type { ExportJobs } from './export-jobs.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { Leases } from './leases.ts';

/** How often it is looked for jobs that nobody works at, as a part of the term. */
const lookEvery = 1 / 3;

type Parts = {
  readonly projector: Projector;
  readonly jobs: Pick<ExportJobs, 'saw' | 'lookForOpen'>;
  readonly leases: Pick<Leases, 'seconds'>;
  readonly steady: LeaseClock;
  readonly log: FastifyBaseLogger;
};

/** Watches the bulk exports of all processes: obeys what was asked of another one, and takes what nobody works at. */
export function watchOtherExports(parts: Parts): { readonly close: () => Promise<void> } {
  const { projector, jobs, leases, steady, log } = parts;
  let turn: Promise<void> = Promise.resolve();
  let isClosed = false;
  let unwake = (): void => {};

  const next = (what: string, work: () => Promise<void>): void => {
    turn = turn.then(work).catch((error: unknown) => {
      log.warn({ err: error }, what);
    });
  };
  const look = (): void => {
    next('exports that nobody works at cannot be looked for', async () => {
      try {
        await jobs.lookForOpen();
      } finally {
        if (!isClosed) unwake = steady.wake(leases.seconds * lookEvery, look);
      }
    });
  };
  const stopWatching = watchJobs(projector, (entry) => {
    if (entry.job.status === 'cancelled')
      next('the files of a cancelled export could not be removed', () => jobs.saw(entry));
  });
  look();
  return {
    close: async () => {
      isClosed = true;
      unwake();
      stopWatching();
      await turn;
    },
  };
}
