/**
 * Tries to open a log. Prints `held`, keeps it until its input ends and closes it; or prints `refused CODE PID`.
 * Argument: directory.
 */
import { once } from 'node:events';
import { LedgerError } from '../../src/errors.ts';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';

const [directory = ''] = process.argv.slice(2);
// Both starters of a race wait for the same word, so that neither has the advantage of the earlier start.
process.stdout.write('ready\n');
await once(process.stdin, 'data');
try {
  const store = await openLmdbLog({ directory });
  process.stdout.write('held\n');
  await once(process.stdin, 'end');
  await store.close();
} catch (error) {
  if (!(error instanceof LedgerError)) throw error;
  process.stdout.write(`refused ${error.code} ${(error.params as { pid: number }).pid}\n`);
}
process.exit(0);
