import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProtocolServer } from './protocol-server/server.ts';

/**
 * Vitest's global setup: with STORE_UNDER_TEST=eventstoredb the services of all tests keep their ledgers on one protocol
 * server, or on the real one that EVENTSTORE_URL names.
 */
export default async function startStore(): Promise<(() => Promise<void>) | undefined> {
  const { STORE_UNDER_TEST: kind = 'lmdb', EVENTSTORE_URL: real } = process.env;
  if (kind === 'lmdb') return undefined;
  if (kind !== 'eventstoredb') throw new Error(`STORE_UNDER_TEST is ${kind}: set lmdb or eventstoredb`);
  if (real !== undefined) {
    process.env['STORE_UNDER_TEST_URL'] = real;
    return undefined;
  }
  const directory = await mkdtemp(join(tmpdir(), 'runledger-server-'));
  const server = await startProtocolServer({ directory });
  process.env['STORE_UNDER_TEST_URL'] = server.url;
  return async () => {
    await server.kill();
    await rm(directory, { recursive: true });
  };
}
