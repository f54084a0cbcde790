import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { ExportDesk } from '../http/service.ts';
import { readJobs, readStandingJobs } from '../queries/exports.ts';
import type { RunLists } from '../queries/run-list.ts';
import { newExportId } from './execution-id.ts';
import { watchExpiry } from './export-expiry.ts';
import { exportFiles } from './export-files.ts';
import { createExportJobs } from './export-jobs.ts';
import { createExportStreams } from './export-stream.ts';
import type { ExportRun } from '../http/service.ts';
import { watchOtherExports } from './export-takeover.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { Leases } from './leases.ts';
import type { LedgerParts } from './parts.ts';
import type { RequestKeys } from './request-keys.ts';

type Parts = Pick<LedgerParts, 'store' | 'keys' | 'projector'> & {
  /** The folder of all exports. */
  readonly directory: string;
  /** So long files are kept after an export has ended. */
  readonly keepHours: number;
  readonly select: RunLists['select'];
  readonly exportRun: ExportRun;
  readonly requestKeys: RequestKeys;
  readonly newId: () => string;
  readonly log: FastifyBaseLogger;
  /** False: exports that were not finished are left to a service. */
  readonly executes: boolean;
  /** Where several processes share the log and the folder of exports. */
  readonly others:
    | { readonly leases: Leases; readonly steady: LeaseClock; readonly name: string }
    | undefined;
};

export type Exports = {
  readonly desk: ExportDesk;
  /** Goes on with what was not finished, and looks from now on for what is to go. */
  readonly begin: () => void;
  /** Stops what is worked at; the next process goes on with it. */
  readonly close: () => Promise<void>;
};

/** The exports of many runs over the opened parts of a ledger; the read models must have caught up with the log. */
export async function openExports({ executes, requestKeys, log, others, ...parts }: Parts): Promise<Exports> {
  const { projector } = parts;
  const jobs = createExportJobs({
    ...parts,
    files: exportFiles,
    streams: createExportStreams({ ...parts, clock: Date.now }),
    keys: requestKeys,
    listed: (page) => readJobs(projector, page),
    standing: () => readStandingJobs(projector),
    pause: (signal) => setTimeout(1_000, undefined, { signal }),
    clock: Date.now,
    newExportId: () => newExportId(Date.now(), randomBytes(4)),
    leases: others?.leases,
    draft: others && `${others.name}.part`,
    log,
  });
  if (executes) {
    await jobs.clearUp().catch((error: unknown) => {
      // A folder that cannot be cleared up costs room, and nothing else.
      log.warn({ err: error }, 'what earlier exports left behind could not be removed');
    });
  }
  let expiry: ReturnType<typeof watchExpiry> | undefined;
  let takeover: ReturnType<typeof watchOtherExports> | undefined;
  return {
    desk: jobs.desk,
    begin: () => {
      if (!executes) return;
      // What a dead process left behind is known for that only after a while.
      expiry = watchExpiry(others === undefined ? jobs.expireDue : jobs.clearUp, log);
      if (others === undefined) jobs.goOn();
      else takeover = watchOtherExports({ projector, jobs, log, ...others });
    },
    close: async () => {
      await Promise.all([expiry?.close(), takeover?.close()]);
      await jobs.close();
    },
  };
}
