import type { AddressInfo } from 'node:net';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { type Config, readConfig } from './config.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import { createApp } from './http/app.ts';
import { removeServiceAddress, writeServiceAddress } from './service/address.ts';
import { openLedger } from './service/open.ts';

/** From SIGTERM to the end of the process, whatever hangs. */
const endWithinMs = 5_000;
/** Of these, for what is in flight; the rest is for closing the stores. */
const finishWithinMs = 4_000;

/** What sysexits.h calls a configuration error. */
const exitConfig = 78;

await main();

async function main(): Promise<void> {
  let config: Config;
  try {
    config = readConfig(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof LedgerError ? error.message : String(error)}\n`);
    process.exitCode = exitConfig;
    return;
  }
  const log = pino({ level: config.logLevel });
  try {
    await serve(config, log);
  } catch (error) {
    const known = error instanceof LedgerError;
    log.fatal(
      { err: error, ...(known ? { code: error.code } : {}) },
      known ? error.message : 'could not start',
    );
    // Nothing that starting it again could mend.
    process.exitCode = isLedgerError(error, 'LOG_FORK_DETECTED') ? exitConfig : 1;
  }
}

async function serve(config: Config, log: pino.Logger): Promise<void> {
  const ledger = await openLedger(config, log);
  const app = await createApp(ledger.service, log);
  // Before anybody can know of us: whoever reads our address may end us at once.
  const ending = closeWithGrace({ delay: false, logger: log }, async ({ signal, err }) => {
    // process.exit() can hang while LMDB commits; a signal to ourselves cannot.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), endWithinMs).unref();
    log.info({ signal, err }, 'stopping');
    await removeServiceAddress(config.dataDirectory);
    // A client that does not read its answer must not keep the stores from being closed.
    const late = setTimeout(() => app.server.closeAllConnections(), finishWithinMs);
    const inFlight = app.close();
    await ledger.close(finishWithinMs, inFlight);
    clearTimeout(late);
    log.info('stopped');
  });
  try {
    await app.listen({ host: config.host, port: config.port });
    const url = addressOf(app.server.address());
    await writeServiceAddress(config.dataDirectory, { url, pid: process.pid });
    log.info({ url, store: ledger.service.storeId }, 'runledger is ready');
  } catch (error) {
    ending.uninstall();
    await app.close();
    await ledger.close(0);
    throw isTaken(error) ? new LedgerError('ADDRESS_IN_USE', config, { cause: error }) : error;
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function addressOf(listening: AddressInfo | string | null): string {
  if (listening === null || typeof listening === 'string')
    throw new TypeError('the server listens on no port');
  const host = listening.address.includes(':') ? `[${listening.address}]` : listening.address;
  return `http://${host}:${listening.port}`;
}
