import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { openEventReader } from '../event-store/open.ts';
import { openKeyring } from '../keyring/keyring.ts';
import { takeProjections } from '../service/check-projections.ts';
import type { Difference } from '../projector/comparison.ts';
import { directoriesOf } from '../service/directories.ts';
import { checkLog } from '../service/fsck.ts';
import { snapshotOf } from '../service/log-snapshot.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, print } from './output.ts';

/** How often a person at a terminal sees that it goes on, in events. */
const progressEvery = 10_000;

/**
 * `runledger fsck`: reads the log as it is now, also beside a running service, and compares the read models of this data
 * directory with it; changes nothing. `openReader` is the door to logs.
 */
export async function checkLedger(
  config: Config,
  json: boolean,
  openReader: typeof openEventReader = openEventReader,
): Promise<number> {
  const directories = directoriesOf(config);
  const open = (): ReturnType<typeof openReader> =>
    openReader({ store: config.store, directory: directories.data });
  // Refuses a directory without a log before anything is written beside it.
  await (await open()).close();
  const scratch = existsSync(directories.projections)
    ? await mkdtemp(join(directories.data, 'fsck-'))
    : undefined;
  try {
    // The read models first: whatever they have is then in the snapshot of the log, which is taken after them.
    const taken = scratch === undefined ? undefined : await takeProjections(directories.projections, scratch);
    const log = await open();
    try {
      const keys = await openKeyring(directories.keys, { readOnly: true, isShared: log.isShared });
      try {
        const snapshot = await snapshotOf(log);
        const onProgress = (events: number): void => {
          if (process.stderr.isTTY && events % progressEvery === 0) complain(`${events} events checked`);
        };
        const report = await checkLog(snapshot, keys.keyOf, onProgress, async () =>
          taken === undefined ? [] : taken.differingEvents(snapshot),
        );
        const differences =
          report.faults.length > 0 || taken === undefined
            ? []
            : await taken.compare(snapshot, keys.keyOf, config.timeZone);
        tell({ ...report, differences }, json);
        return report.faults.length + differences.length === 0 ? exitCodes.done : exitCodes.faults;
      } finally {
        await keys.close();
      }
    } finally {
      await log.close();
    }
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

type Told = Awaited<ReturnType<typeof checkLog>> & {
  readonly differences: readonly Difference[];
};

function tell(report: Told, json: boolean): void {
  if (json) {
    print(JSON.stringify(report));
    return;
  }
  for (const { stream, sequence, kind, what } of report.faults)
    complain(`${kind}: ${stream} item ${sequence ?? '–'}: ${what}`);
  for (const { projection, table, key, live, rebuilt } of report.differences) {
    complain(
      `differs: ${projection}/${table} ${JSON.stringify(key)}: is ${live ?? 'missing'}, the log says ${rebuilt ?? 'nothing'}`,
    );
  }
  const { streams, events, erased, findings, faults, differences } = report;
  print(
    `${events} events in ${streams} streams: ${faults.length} faults, ${differences.length} differing rows, ${erased} erased payloads, ${findings} findings in kept history`,
  );
  if (faults.length > 0) print('read models were not compared: mend the log from a backup first');
}
