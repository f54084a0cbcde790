import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** The server that a run of the tests has for its ledgers (start-store.ts); undefined: each has a log of its own, embedded. */
const server = process.env['STORE_UNDER_TEST_URL'];

/**
 * The settings of a service or command on a data directory, whose log is its own ledger on the store under test; one that
 * holds an embedded log, such as a backup, keeps it.
 */
export function settingsOf(
  directory: string,
  settings: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const data = settings['RUNLEDGER_DATA'] ?? directory;
  const ledger = createHash('sha256').update(data).digest('hex').slice(0, 32);
  const hasLog = existsSync(join(data, 'log'));
  const store = server === undefined || hasLog ? {} : { RUNLEDGER_STORE: `${server}&ledger=${ledger}` };
  return { RUNLEDGER_DATA: data, ...store, ...settings };
}

/**
 * Makes a data directory one that keeps an embedded log, whatever the store under test: for tests of that log's files, and
 * of copied directories.
 */
export function keepEmbedded(directory: string): void {
  mkdirSync(join(directory, 'log'), { recursive: true });
}
