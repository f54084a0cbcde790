import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type ProtocolServer, startProtocolServer } from '../protocol-server/server.ts';
import type { Harness } from './conformance.ts';
import { openFreshLedger } from './eventstoredb-ledger.ts';

let starting: Promise<{ readonly server: ProtocolServer; readonly directory: string }> | undefined;

async function start() {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-server-'));
  return { directory, server: await startProtocolServer({ directory }) };
}

afterAll(async () => {
  if (starting === undefined) return;
  const { server, directory } = await starting;
  await server.stop();
  await rm(directory, { recursive: true });
});

/** A ledger of its own on a protocol server that the tests of one file share. */
export async function openFreshOnServer(): Promise<Harness> {
  starting ??= start();
  const { server } = await starting;
  return openFreshLedger(server.url);
}
