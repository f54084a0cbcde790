import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startServiceProcess } from '../crash/service-process.ts';
import { postedItems } from './items.ts';
import { interleaved, optionsOf, perSecond, printTable, type Row, times } from './measure.ts';
import { loadPeer } from './peers.ts';

const connections = 64;
const listedRuns = 200;

type Client = { readonly setRequests: (requests: readonly object[]) => void };
type Result = {
  readonly requests: { readonly average: number };
  readonly non2xx: number;
  readonly errors: number;
};
type Autocannon = (options: object) => Promise<Result>;

/** The rows that go over HTTP; servers run in processes of their own, the client in this one. */
export async function http(args: readonly string[]): Promise<void> {
  const { repetitions, scale } = optionsOf(args);
  const peer = await loadPeer<{ default: Autocannon }>('autocannon');
  if (peer === null) return;
  const seconds = Math.max(1, Math.round(3 * scale));
  const directory = mkdtempSync(join(tmpdir(), 'runledger-bench-'));
  const service = await startServiceProcess(directory);
  const plain = await startPlainServer();
  const measure = async (url: string, options: object): Promise<number> => {
    const result = await peer.default({ url, connections, duration: seconds, ...options });
    if (result.non2xx + result.errors > 0)
      throw new Error(`${url}: ${result.non2xx} refusals, ${result.errors} errors`);
    return result.requests.average;
  };
  try {
    for (let run = 0; run < listedRuns; run += 1) await begin(service.url, `listed-${run}`);
    const rows: Row[] = [];
    const [hello = 0, list = 0] = await interleaved(repetitions, [
      () => measure(`${plain.url}/hello`, {}),
      () => measure(`${service.url}/api/runs`, {}),
    ]);
    rows.push([
      'GET /api/runs (20 of 200), baseline hello world',
      perSecond(hello),
      perSecond(list),
      times(list / hello),
      times(0.2),
    ]);

    const bodies = postedItems(256).map((item) => JSON.stringify(item));
    let round = 0;
    const posts = async (url: string, pathOf: (connection: number) => string): Promise<number> => {
      let connection = 0;
      return measure(url, {
        setupClient: (client: Client) => {
          const path = pathOf(connection++);
          client.setRequests(
            bodies.map((body) => ({
              method: 'POST',
              path,
              body,
              headers: { 'content-type': 'application/json' },
            })),
          );
        },
      });
    };
    const [bare = 0, durable = 0] = await interleaved(repetitions, [
      () => posts(plain.url, () => '/items'),
      async () => {
        round += 1;
        const ids = Array.from({ length: connections }, (_, index) => `post-${round}-${index}`);
        for (const id of ids) await begin(service.url, id);
        return posts(service.url, (connection) => `/api/runs/${ids[connection % connections] ?? ''}/items`);
      },
    ]);
    rows.push([
      'durable POST of one item, 64 connections, projections included',
      perSecond(bare),
      perSecond(durable),
      times(durable / bare),
      times(0.2),
    ]);
    printTable(`over HTTP; ${seconds} s each; median of ${repetitions}`, rows);
  } finally {
    service.process.kill('SIGTERM');
    plain.stop();
    await service.exited;
    rmSync(directory, { recursive: true });
  }
}

async function begin(url: string, executionId: string): Promise<void> {
  const answer = await fetch(`${url}/api/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ config_name: 'stillepost', execution_id: executionId }),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
}

async function startPlainServer(): Promise<{ readonly url: string; readonly stop: () => void }> {
  const path = fileURLToPath(new URL('./plain-server.js', import.meta.url));
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { url: line, stop: () => void child.kill('SIGTERM') };
}
