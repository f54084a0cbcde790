import { join } from 'node:path';
import ledger from '../../projections/ledger.ts';
import type { Delivery } from '../event-store/port.ts';
import { compareWithRebuild, type Difference } from '../projector/comparison.ts';
import { withCommittedRows } from '../projector/committed-rows.ts';
import { copyProjections } from '../projector/copy.ts';
import { loadProjections } from '../projector/loader.ts';
import type { Fault } from './fsck.ts';
import type { LogSnapshot } from './log-snapshot.ts';
import { differingEvents } from './signed-events.ts';

/** Differing rows that are looked for; more would not tell more. */
const maxDifferences = 100;

/** The read models as they were at one moment. */
export type TakenProjections = {
  /** Compares them with a fresh rebuild out of a snapshot of the log. */
  readonly compare: (
    log: LogSnapshot,
    keyOf: (stream: string) => Uint8Array | undefined,
    timeZone: string,
  ) => Promise<readonly Difference[]>;
  /** What was signed of the log and is not in it, by the leaves that the read model of the ledger has. */
  readonly differingEvents: (log: LogSnapshot) => Promise<readonly Fault[]>;
};

/**
 * Takes the read models as they are now: a snapshot of the log that is opened afterwards has all that they have. Undefined
 * where there are none.
 */
export async function takeProjections(
  directory: string,
  scratch: string,
): Promise<TakenProjections | undefined> {
  const copied = join(scratch, 'copied');
  if (!(await copyProjections(directory, copied))) return undefined;
  return {
    compare: async (log, keyOf, timeZone) =>
      compareWithRebuild({
        directory: copied,
        scratchDirectory: join(scratch, 'rebuilt'),
        store: { storeId: log.storeId, compare: log.compare, subscribeAll: () => history(log) },
        projections: await loadProjections({ timeZone }),
        keyOf,
        maxDifferences,
      }),
    differingEvents: async (log) =>
      (await withCommittedRows(copied, ledger(), (rows) => differingEvents(log, rows))) ?? [],
  };
}

/** A snapshot does not grow: a subscription to it is its history, and then it is caught up. */
async function* history(log: LogSnapshot): AsyncGenerator<Delivery> {
  for await (const event of log.readAll()) yield { kind: 'event', event };
  yield { kind: 'caughtUp' };
}
