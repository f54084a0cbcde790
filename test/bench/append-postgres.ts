import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { appendSingly, type Contender, openOurs, prepare } from './contender.ts';
import { interleaved, optionsOf, perSecond, printTable, times } from './measure.ts';
import { loadPeer } from './peers.ts';

type Client = {
  readonly connect: () => Promise<void>;
  readonly query: (
    query: { name: string; text: string; values: readonly unknown[] } | string,
  ) => Promise<unknown>;
  readonly end: () => Promise<void>;
};
type ClientClass = new (options: { host: string; user: string; database: string }) => Client;

const inFlight = 64;
const installations = '/usr/lib/postgresql';

/** One insert per commit over as many connections as there are appends in flight, as a plain service would do it. */
export async function appendPostgres(args: readonly string[]): Promise<void> {
  const { repetitions, scale } = optionsOf(args);
  const peer = await loadPeer<{ default: { Client: ClientClass } }>('pg');
  const version = existsSync(installations) ? readdirSync(installations).sort().at(-1) : undefined;
  if (version === undefined) console.log(`SKIPPED PostgreSQL: no server under ${installations}`);
  if (peer === null || version === undefined) return;
  const server = await startServer(join(installations, version, 'bin'));
  try {
    const postgres = await openPostgres(peer.default.Client, server.directory);
    const ours = await openOurs();
    const measure = (store: Contender, events: number) => async () =>
      appendSingly(store, prepare(Math.round(events * scale)), inFlight);
    const [baseline = 0, figure = 0] = await interleaved(repetitions, [
      measure(postgres, 5_000),
      measure(ours, 20_000),
    ]);
    await postgres.close();
    await ours.close();
    printTable(`append of ready events, durable; baseline PostgreSQL ${version}; median of ${repetitions}`, [
      [`${inFlight} in flight`, perSecond(baseline), perSecond(figure), times(figure / baseline), times(4)],
    ]);
  } finally {
    await server.stop();
  }
}

async function openPostgres(client: ClientClass, host: string): Promise<Contender> {
  const clients = Array.from(
    { length: inFlight },
    () => new client({ host, user: 'bench', database: 'postgres' }),
  );
  await Promise.all(clients.map((one) => one.connect()));
  const idle = [...clients];
  await idle[0]?.query(
    'create table events (position bigserial primary key, stream text not null, seq integer not null, data bytea not null, unique (stream, seq))',
  );
  return {
    // Never more appends than connections, so there is always an idle one.
    append: async (stream, events, first) => {
      const one = idle.pop();
      const text = 'insert into events (stream, seq, data) values ($1, $2, $3)';
      for (const [index, event] of events.entries()) {
        await one?.query({ name: 'insert', text, values: [stream, first + index, event.blob] });
      }
      if (one !== undefined) idle.push(one);
    },
    close: async () => {
      await Promise.all(clients.map((one) => one.end()));
    },
  };
}

/** A server of its own in a temporary directory, reached over a socket there. It refuses to run as root. */
async function startServer(bin: string) {
  const directory = mkdtempSync(join(tmpdir(), 'runledger-postgres-'));
  const root = process.getuid?.() === 0;
  const idOf = (flag: string) => Number(spawnSync('id', [flag, 'postgres']).stdout.toString()) || 65534;
  const user = root ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid);
  const data = join(directory, 'data');
  const made = spawnSync(join(bin, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust'], {
    ...user,
    cwd: directory,
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr.toString()}`);
  const server: ChildProcess = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-k', directory, '-c', 'listen_addresses=', '-c', 'max_connections=80'],
    { ...user, cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (server.stderr !== null) {
    for await (const line of createInterface({ input: server.stderr })) {
      if (line.includes('ready to accept connections')) break;
    }
  }
  return {
    directory,
    stop: async () => {
      server.kill('SIGINT');
      await once(server, 'exit');
      rmSync(directory, { recursive: true });
    },
  };
}
