import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionItem } from '../../src/events/item.ts';
import { startProtocolServer } from '../protocol-server/server.ts';
import { journeyOf } from './pipeline-crash.ts';
import { randomFrom } from './random.ts';
import { type ServiceProcess, startServiceProcess } from './service-process.ts';

export type NodesCrashResult = {
  readonly runs: number;
  readonly kills: number;
  /** Runs whose last worker was that of the node that lives on, and those of the one that dies. */
  readonly byNode: readonly number[];
  /** Times that a run was taken over from a dead worker. */
  readonly takenOver: number;
};

type Options = {
  readonly runs: number;
  /** The second node is killed so often at least, and until every run has ended. */
  readonly kills: number;
  readonly seed: number;
  /** Each of the clients waits at most so long before it begins the next run, milliseconds. */
  readonly maxPauseMs: number;
  /** A real server to keep the log on; a protocol server without it. */
  readonly on?: string | undefined;
};

const leaseSeconds = 2;
const workflows = ['dada', 'stillepost', 'image_comparison'] as const;
const input = { input_text: 'Eine Blume auf der Wiese', seed: 7 };
/** Runs that are begun at once. */
const clients = 8;
/** The node lives for at most so long before it is hit: shorter than a term, and long enough to take over from its own past. */
const maxLifeMs = 5_000;

/**
 * Two service processes on one log execute runs that are begun at both, by one Idempotency-Key each; one of them is killed
 * with SIGKILL again and again and started anew. Throws where a run was begun twice, has not ended as an undisturbed one
 * does, repeats or lacks a step, or went from one worker to another without either being known.
 */
export async function crashNodes({ runs, kills, seed, maxPauseMs, on }: Options): Promise<NodesCrashResult> {
  const root = await mkdtemp(join(tmpdir(), 'runledger-nodes-crash-'));
  for (const name of ['server', 'one', 'two', 'shared']) await mkdir(join(root, name));
  const server =
    on === undefined ? await startProtocolServer({ directory: join(root, 'server') }) : undefined;
  const base = server?.url ?? on ?? '';
  const settings = {
    RUNLEDGER_STORE: `${base}${base.includes('?') ? '&' : '?'}ledger=${randomUUID()}`,
    RUNLEDGER_SHARED: join(root, 'shared'),
    RUNLEDGER_LEASE_SECONDS: String(leaseSeconds),
    // So that runs wait: what waits at a node that dies is to be executed, too.
    RUNLEDGER_CONCURRENCY: '2',
  };
  const startNode = (name: string): Promise<ServiceProcess> =>
    startServiceProcess(join(root, name), { RUNLEDGER_DATA: join(root, name), ...settings });
  try {
    const steady = await startNode('one');
    const random = randomFrom(seed);
    const dying = dyingNode(() => startNode('two'), random);
    try {
      const expected = await undisturbed(steady.url);
      await dying.live();
      const pause = (): Promise<void> => delay(random() * maxPauseMs);
      const begun = beginRuns(runs, pause, () => [steady.url, dying.url()]);
      const ended = begun.then(() => allEnded(steady.url, runs + workflows.length));
      const killed = await dying.dieUntil(ended, kills);
      const counted = await inspect(steady.url, await begun, expected);
      steady.process.kill('SIGTERM');
      const how = await steady.exited;
      if (how !== 0) throw new Error(`The node that was not killed ended with ${how}`);
      return { runs, kills: killed, ...counted };
    } finally {
      await dying.die();
      steady.process.kill('SIGKILL');
      await steady.exited;
    }
  } finally {
    await server?.kill();
    await rm(root, { recursive: true });
  }
}

function dyingNode(start: () => Promise<ServiceProcess>, random: () => number) {
  let service: ServiceProcess | undefined;
  const live = async (): Promise<void> => {
    service = await start();
  };
  const die = async (): Promise<void> => {
    service?.process.kill('SIGKILL');
    await service?.exited;
    service = undefined;
  };
  return {
    /** Where it listens; the port of the last one while it is dead. */
    url: () => service?.url,
    live,
    die,
    dieUntil: async (ended: Promise<void>, atLeast: number): Promise<number> => {
      const over = new AbortController();
      const last = ended.finally(() => over.abort());
      const settled = last.catch(() => undefined);
      let kills = 0;
      while (!over.signal.aborted || kills < atLeast) {
        await Promise.race([delay(random() * maxLifeMs), ...(kills < atLeast ? [] : [settled])]);
        await die();
        kills += 1;
        await live();
      }
      await last;
      return kills;
    },
  };
}

type Expected = {
  /** What a run of each workflow comes to. */
  readonly journeys: ReadonlyMap<string, readonly string[]>;
  /** The name of the worker of the node that is not killed. */
  readonly worker: string;
};
type Shown = { readonly status: string; readonly findings: unknown[]; readonly items: ExecutionItem[] };

const workersOf = ({ items }: Shown): readonly string[] =>
  items
    .filter(({ item_type }) => item_type === 'run_claimed' || item_type === 'run_recovered')
    .map(({ metadata }) => String(metadata['worker']));

async function undisturbed(url: string): Promise<Expected> {
  const journeys = new Map<string, readonly string[]>();
  let worker = '';
  for (const workflow of workflows) {
    const { json } = await ask(url, '/api/schema/pipeline/execute', { schema: workflow, ...input });
    const record = await recordOf(url, String(json['execution_id']));
    journeys.set(workflow, journeyOf(record.items));
    worker = workersOf(record)[0] ?? '';
  }
  return { journeys, worker };
}

/** Ids by the workflow; the same key goes to the nodes in turn until one of them takes it. */
async function beginRuns(
  runs: number,
  pause: () => Promise<void>,
  urls: () => readonly (string | undefined)[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  let next = 0;
  const beginSome = async (): Promise<void> => {
    while (next < runs) {
      const run = next;
      next += 1;
      const workflow = workflows[run % workflows.length] ?? 'dada';
      ids.set(await begin(run, workflow, urls), workflow);
      await pause();
    }
  };
  await Promise.all(Array.from({ length: clients }, beginSome));
  if (ids.size !== runs) throw new Error(`${runs} keys began ${ids.size} runs`);
  return ids;
}

async function begin(
  run: number,
  workflow: string,
  urls: () => readonly (string | undefined)[],
): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const all = urls();
    const url = all[(run + tries) % all.length];
    const body = { ...input, session_id: `session-${run % 5}` };
    const answer =
      url === undefined
        ? undefined
        : await ask(url, `/api/workflows/${workflow}/execute`, body, `run-${run}`).catch(() => undefined);
    if (answer?.status === 202) return String(answer.json['execution_id']);
    // 409: the key is under way at the other node; 503: the node is stopping, or cannot reach the log.
    if (answer !== undefined && answer.status !== 409 && answer.status !== 503)
      throw new Error(`Run ${run} was answered with ${answer.status}: ${JSON.stringify(answer.json)}`);
    await delay(20);
  }
}

async function allEnded(url: string, runs: number): Promise<void> {
  for (;;) {
    const active = (await ask(url, '/api/runs?status=active')).json['total'];
    const all = (await ask(url, '/api/runs')).json['total'];
    if (active === 0 && all === runs) return;
    if (Number(all) > runs) throw new Error(`There are ${String(all)} runs where ${runs} were begun`);
    await delay(100);
  }
}

async function inspect(
  url: string,
  begun: ReadonlyMap<string, string>,
  expected: Expected,
): Promise<Omit<NodesCrashResult, 'runs' | 'kills'>> {
  const sum = { steady: 0, takenOver: 0 };
  for (const [id, workflow] of begun) {
    const record = await recordOf(url, id);
    const fail = (what: string): never => {
      const types = record.items.map(({ item_type }) => item_type).join(' ');
      throw new Error(`${id} (${workflow}): ${what}\n${types}`);
    };
    if (record.status !== 'completed') fail(`it is ${record.status}`);
    if (record.findings.length > 0) fail(JSON.stringify(record.findings));
    const journey = journeyOf(record.items);
    if (JSON.stringify(journey) !== JSON.stringify(expected.journeys.get(workflow)))
      fail(`its journey is ${journey.join(', ')}`);
    const workers = workersOf(record);
    const before = record.items
      .filter(({ item_type }) => item_type === 'run_recovered')
      .map(({ metadata }) => String(metadata['previous_worker']));
    if (JSON.stringify(before) !== JSON.stringify(workers.slice(0, -1)))
      fail(`its workers were ${workers.join()}, taken over from ${before.join()}`);
    sum.takenOver += before.length;
    if (workers.at(-1) === expected.worker) sum.steady += 1;
  }
  return { byNode: [sum.steady, begun.size - sum.steady], takenOver: sum.takenOver };
}

const recordOf = async (url: string, id: string): Promise<Shown> => {
  const { status, json } = await ask(url, `/api/runs/${id}`);
  if (status !== 200) throw new Error(`${id} was answered with ${status}`);
  return json as unknown as Shown;
};

async function ask(
  url: string,
  path: string,
  body?: object,
  key?: string,
): Promise<{ readonly status: number; readonly json: Readonly<Record<string, unknown>> }> {
  const answer = await fetch(`${url}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
  });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}
