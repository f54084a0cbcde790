import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { connect } from './a-client.ts';
import { type ClusterOptions, startProtocolCluster } from './cluster.ts';
import { type ServerOptions, startProtocolServer } from './server.ts';

/** A server on a directory of its own and a bare client of it, both gone when the test is. */
export async function runningServer(options: Omit<ServerOptions, 'directory'> = {}) {
  const directory = await freshDirectory();
  const server = await startProtocolServer({ ...options, directory });
  onTestFinished(server.kill);
  return { server, client: clientOf(server.url), directory };
}

export async function runningCluster(options: Omit<ClusterOptions, 'directory'> = {}) {
  const cluster = await startProtocolCluster({ ...options, directory: await freshDirectory() });
  onTestFinished(cluster.stop);
  return { cluster, client: clientOf(cluster.url) };
}

export function clientOf(url: string) {
  const client = connect(url);
  onTestFinished(() => client.dispose());
  return client;
}

export async function freshDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-protocol-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}
