import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type ProtocolServer, startProtocolServer } from '../protocol-server/server.ts';
import { describeEventStore } from './conformance.ts';
import { openFreshLedger } from './eventstoredb-ledger.ts';

let directory: string;
let server: ProtocolServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runledger-server-'));
  server = await startProtocolServer({ directory });
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

describeEventStore('eventstoredb', () => openFreshLedger(server.url));
