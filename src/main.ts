import { rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { serviceFile } from './cli/client.ts';
import { type Config, readConfig } from './config.ts';
import { LedgerError } from './errors.ts';
import { createApp } from './http/app.ts';
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
    log.fatal({ err: error }, error instanceof LedgerError ? error.message : 'could not start');
    process.exitCode = 1;
  }
}

async function serve(config: Config, log: pino.Logger): Promise<void> {
  const ledger = await openLedger(config, log);
  const app = await createApp(ledger.service, log);
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await ledger.close(0);
    throw error;
  }
  const url = addressOf(app.server.address());
  const addressFile = join(config.dataDirectory, serviceFile);
  await writeFile(addressFile, JSON.stringify({ url, pid: process.pid }), { mode: 0o600 });
  log.info({ url, store: ledger.service.storeId }, 'runledger is ready');

  closeWithGrace({ delay: false, logger: log }, async ({ signal, err }) => {
    // process.exit() can hang while LMDB commits; a signal to ourselves cannot.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), endWithinMs).unref();
    log.info({ signal, err }, 'stopping');
    await rm(addressFile, { force: true });
    const inFlight = app.close();
    await ledger.close(finishWithinMs, inFlight);
    log.info('stopped');
  });
}

function addressOf(listening: AddressInfo | string | null): string {
  if (listening === null || typeof listening === 'string')
    throw new TypeError('the server listens on no port');
  const host = listening.address.includes(':') ? `[${listening.address}]` : listening.address;
  return `http://${host}:${listening.port}`;
}
