import { randomBytes } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import type { ReplayDesk } from '../http/replay-contract.ts';
import { readOpenReplays, readReplays } from '../queries/replays.ts';
import type { RunLists } from '../queries/run-list.ts';
import type { PolicyOf } from './decisions-of-run.ts';
import { newReplayId } from './execution-id.ts';
import { exportFiles } from './export-files.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { Leases } from './leases.ts';
import type { LedgerParts } from './parts.ts';
import { publishedVersion } from './policies.ts';
import { createReplayJobs } from './replay-jobs.ts';
import { createReplayStreams } from './replay-stream.ts';

type Parts = Pick<LedgerParts, 'store' | 'keys' | 'projector'> & {
  /** The folder of all replays. */
  readonly directory: string;
  readonly select: RunLists['select'];
  readonly policyOf: PolicyOf;
  readonly newId: () => string;
  readonly log: FastifyBaseLogger;
  /** False: replays that were not finished are left to a service. */
  readonly executes: boolean;
  /** Where several processes share the log. */
  readonly others:
    | { readonly leases: Leases; readonly steady: LeaseClock; readonly name: string }
    | undefined;
};

export type Replays = {
  readonly desk: ReplayDesk;
  /** Goes on with what was not finished; of several processes each looks again and again for what nobody works at. */
  readonly begin: () => void;
  readonly close: () => Promise<void>;
};

/** How often it is looked, as a part of the term of a lease. */
const lookEvery = 1 / 3;

/** The replays of decisions over the opened parts of a ledger; the read models must have caught up with the log. */
export function openReplays({ executes, others, log, ...parts }: Parts): Replays {
  const { store, keys, projector, policyOf } = parts;
  const jobs = createReplayJobs({
    ...parts,
    source: { store, keyOf: keys.keyOf },
    files: exportFiles,
    streams: createReplayStreams({ ...parts, clock: Date.now }),
    published: async (id, version) => {
      const reference = await publishedVersion(store, id, version);
      return reference === undefined ? undefined : policyOf(reference);
    },
    listed: (page) => readReplays(projector, page),
    open: () => readOpenReplays(projector),
    newReplayId: () => newReplayId(Date.now(), randomBytes(4)),
    leases: others?.leases,
    draft: others && `${others.name}.part`,
    log,
  });
  let isClosed = false;
  let unwake = (): void => {};
  let looking: Promise<void> = Promise.resolve();
  const look = (): void => {
    looking = jobs
      .goOn()
      .catch((error: unknown) =>
        log.warn({ err: error }, 'replays that nobody works at cannot be looked for'),
      )
      .finally(() => {
        if (others !== undefined && !isClosed)
          unwake = others.steady.wake(others.leases.seconds * lookEvery, look);
      });
  };
  return {
    desk: jobs.desk,
    begin: () => {
      if (executes) look();
    },
    close: async () => {
      isClosed = true;
      unwake();
      await looking;
      await jobs.close();
    },
  };
}
