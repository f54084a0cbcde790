import { join } from 'node:path';
import type { Delivery } from '../event-store/port.ts';
import { compareWithRebuild, type Difference } from '../projector/comparison.ts';
import { copyProjections } from '../projector/copy.ts';
import { loadProjections } from '../projector/loader.ts';
import type { LogSnapshot } from './log-snapshot.ts';

/** Differing rows that are looked for; more would not tell more. */
const maxDifferences = 100;

/**
 * Takes the read models as they are now; the result compares them with a fresh rebuild out of a snapshot of the log that
 * was opened afterwards, and so has all that they have. Undefined where there are none.
 */
export async function takeProjections(
  directory: string,
  scratch: string,
): Promise<
  | ((
      log: LogSnapshot,
      keyOf: (stream: string) => Uint8Array | undefined,
      timeZone: string,
    ) => Promise<readonly Difference[]>)
  | undefined
> {
  const copied = join(scratch, 'copied');
  if (!(await copyProjections(directory, copied))) return undefined;
  return async (log, keyOf, timeZone) =>
    compareWithRebuild({
      directory: copied,
      scratchDirectory: join(scratch, 'rebuilt'),
      store: { storeId: log.storeId, compare: log.compare, subscribeAll: () => history(log) },
      projections: await loadProjections({ timeZone }),
      keyOf,
      maxDifferences,
    });
}

/** A snapshot does not grow: a subscription to it is its history, and then it is caught up. */
async function* history(log: LogSnapshot): AsyncGenerator<Delivery> {
  for await (const event of log.readAll()) yield { kind: 'event', event };
  yield { kind: 'caughtUp' };
}
