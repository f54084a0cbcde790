import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { LedgerError } from '../errors.ts';
import { type OpenedReader, openEventReader, openEventStore } from '../event-store/open.ts';
import { parseStoreName, shownStoreName, type StoreName } from '../event-store/store-name.ts';
import { copyLog, type CopyReport } from '../service/copy-log.ts';
import { compareLogs } from '../service/log-comparison.ts';
import { type CopyBar, copyBarOf } from './copy-bar.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, print } from './output.ts';

type CopyOptions = {
  /** Names of stores; the configured one where it is left out. */
  readonly from?: string;
  readonly to?: string;
  readonly verifyOnly?: boolean;
};

/** `runledger copy --from STORE --to STORE`: brings one log into another store, goes on where it was broken off, compares. */
export async function copyLedger(
  config: Config,
  { from = config.store, to = config.store, verifyOnly = false }: CopyOptions,
  json: boolean,
  signal: AbortSignal,
): Promise<number> {
  const directory = config.dataDirectory;
  if (placeOf(parseStoreName(from, directory)) === placeOf(parseStoreName(to, directory))) {
    const what = `${shownStoreName(from)} and ${shownStoreName(to)} are the same log`;
    throw new LedgerError('INVALID_REQUEST', {
      what,
      cure: 'name two different stores with --from and --to',
    });
  }
  const began = performance.now();
  const source = await openEventReader({ store: from, directory });
  const bar = copyBarOf(source.count?.());
  try {
    const report = verifyOnly
      ? await verify(source, { store: to, directory }, bar, signal)
      : await copy(source, { store: to, directory }, bar, signal);
    bar.stop();
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    tell({ from: shownStoreName(from), to: shownStoreName(to), ...report, seconds }, verifyOnly, json);
    return exitCodes.done;
  } catch (error) {
    bar.stop();
    if (error !== signal.reason || !signal.aborted) throw error;
    complain(
      `runledger: interrupted; ${bar.told() || 'nothing copied'}: run the same command again to go on from there`,
    );
    return exitCodes.interrupted;
  } finally {
    await source.close();
  }
}

type Named = { readonly store: string; readonly directory: string };

async function copy(source: OpenedReader, to: Named, bar: CopyBar, signal: AbortSignal): Promise<CopyReport> {
  const target = await openEventStore(to);
  try {
    return await copyLog({ source, target, signal, onProgress: bar.show });
  } finally {
    await target.close();
  }
}

async function verify(
  source: OpenedReader,
  to: Named,
  bar: CopyBar,
  signal: AbortSignal,
): Promise<CopyReport> {
  const target = await openEventReader(to);
  try {
    const onProgress = (events: number): void => bar.show({ step: 'verified', events });
    return { ...(await compareLogs(source, target, { signal, onProgress })), added: 0 };
  } finally {
    await target.close();
  }
}

/** What tells one log from another before either is open. */
function placeOf(name: StoreName): string {
  if (name.kind === 'eventstoredb') return name.connectionString;
  return existsSync(name.directory) ? realpathSync(name.directory) : resolve(name.directory);
}

type Told = CopyReport & { readonly from: string; readonly to: string; readonly seconds: number };

function tell(told: Told, verifyOnly: boolean, json: boolean): void {
  if (json) {
    print(JSON.stringify(told));
    return;
  }
  const { from, to, events, streams, root, added, seconds } = told;
  const how = verifyOnly ? 'compared only' : `${added} added now`;
  print(`${events} events in ${streams} streams are the same in ${from} and in ${to} (${how}, ${seconds} s)`);
  print(`ledger root of both: ${root}`);
  if (verifyOnly) return;
  print(
    'events that the source took meanwhile are not in it: stop what writes there, then run this once more',
  );
  print(
    'not copied: keys/ and media/, which a service on the copy needs as they are, and read models, which it rebuilds',
  );
}
