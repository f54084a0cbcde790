import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogued } from '../../src/events/catalogue.ts';
import type { ExecutionItem } from '../../src/events/item.ts';
import { type House, openHouse } from '../house.ts';
import { built, type ServiceProcess, startServiceProcess } from './service-process.ts';

export type PipelineCrashResult = {
  /** The places where a process can die: appends of an undisturbed run, and calls of backends. */
  readonly appends: number;
  readonly calls: number;
  readonly kills: number;
  /** Kills after which another process had to take a claimed run up. */
  readonly recovered: number;
};

type Options = {
  readonly workflow: string;
  /** How often the process is killed at each place. */
  readonly times: number;
  /** Only every n-th append; 1 is all of them. */
  readonly every?: number;
};

const input = 'Eine Blume auf der Wiese';

/**
 * Executes a run against servers that speak the real protocols, and ends its process with SIGKILL at every append, just
 * before and just after it is durable, and in the middle of every call of a backend. Throws where, after a restart, a run
 * has not ended as an undisturbed one does, a recorded step is repeated or missing, or an output lacks its decision.
 */
export async function crashPipeline({ workflow, times, every = 1 }: Options): Promise<PipelineCrashResult> {
  const opened = await openHouse();
  // On a shared log a dead process is waited for so long.
  const house = { ...opened, settings: { ...opened.settings, RUNLEDGER_LEASE_SECONDS: '1' } };
  const place = { house, workflow };
  const sum = { appends: 0, calls: 0, kills: 0, recovered: 0 };
  const count = (recoveries: number): void => {
    sum.kills += 1;
    sum.recovered += recoveries;
  };
  try {
    const expected = await undisturbed(place);
    sum.calls = expected.calls;
    for (let time = 0; time < times; time += 1) {
      for (let append = 1; ; append += every) {
        const before = await killAtAppend(place, 'before', append, expected.journey);
        if (before === 'survived') break;
        count(before);
        const after = await killAtAppend(place, 'after', append, expected.journey);
        if (after === 'survived') throw new Error(`Append ${append} was not made again`);
        count(after);
        sum.appends = append;
      }
      for (let call = 1; call <= expected.calls; call += 1) count(await killInCall(place, call, expected));
    }
    return sum;
  } finally {
    await house.close();
  }
}

type Place = { readonly house: House; readonly workflow: string };
type Expected = {
  readonly journey: readonly string[];
  readonly calls: number;
  readonly chats: number;
  readonly jobs: number;
};

async function undisturbed(place: Place): Promise<Expected> {
  const before = callsOf(place.house);
  const record = await inDirectory(async (directory) => {
    const service = await startServiceProcess(directory, place.house.settings);
    await start(service, place.workflow);
    return stopped(service, await settled(service));
  });
  const { chats, jobs, completions } = callsOf(place.house);
  const made = {
    chats: chats - before.chats,
    jobs: jobs - before.jobs,
    completions: completions - before.completions,
  };
  if (record === undefined) throw new Error('The undisturbed run is not there');
  const calls = made.chats + made.jobs + made.completions;
  return { journey: journeyOf(record.items), calls, chats: made.chats, jobs: made.jobs };
}

/** How often another process had to take the run up; `survived` where there is no such append. */
function killAtAppend(
  place: Place,
  when: 'before' | 'after',
  append: number,
  journey: Expected['journey'],
): Promise<number | 'survived'> {
  const program = [built('test/crash/pipeline-child.js'), when, String(append)] as const;
  return inDirectory(async (directory) => {
    const dying = await startServiceProcess(directory, place.house.settings, ':', program);
    const done = start(dying, place.workflow).then(() => settled(dying));
    const ended = await Promise.race([dying.exited, done.catch(() => dying.exited)]);
    if (ended !== 'SIGKILL') {
      await stopped(dying, undefined);
      return 'survived';
    }
    return inspect(place, directory, journey, `${when} append ${append}`);
  });
}

async function killInCall(place: Place, call: number, expected: Expected): Promise<number> {
  const { held, release } = holdCall(place.house, call, expected);
  return inDirectory(async (directory) => {
    const service = await startServiceProcess(directory, place.house.settings);
    await start(service, place.workflow);
    await held;
    service.process.kill('SIGKILL');
    await service.exited;
    release();
    const recovered = await inspect(place, directory, expected.journey, `in call ${call}`);
    if (recovered !== 1) throw new Error(`In call ${call}: the run was taken up ${recovered} times`);
    return recovered;
  });
}

type Hold = { readonly held: Promise<unknown>; readonly release: () => void };

/** The chats with the local model come first, then the jobs of ComfyUI, then the cloud. */
function holdCall({ ollama, comfyui, openrouter }: House, call: number, { chats, jobs }: Expected): Hold {
  const nothing = (count: number): 'none'[] => Array.from({ length: count }, () => 'none');
  if (call <= chats) {
    ollama.script(...nothing(call - 1), 'held');
    return { held: ollama.held(), release: ollama.release };
  }
  if (call <= chats + jobs) return comfyui.hold();
  openrouter.script(...nothing(call - chats - jobs - 1), 'held');
  return { held: openrouter.held(), release: openrouter.release };
}

/** Starts the service on what the dead one left, and looks at the runs once all have ended. */
async function inspect(
  { house }: Place,
  directory: string,
  journey: Expected['journey'],
  where: string,
): Promise<number> {
  const service = await startServiceProcess(directory, house.settings);
  const record = await stopped(service, await settled(service));
  // The start itself was never durable: then there is no run, and nobody was told of one.
  if (record === undefined) return 0;
  const fail = (what: string): never => {
    throw new Error(
      `Killed ${where}: ${what}\n${JSON.stringify(record.items.map(({ item_type }) => item_type))}`,
    );
  };
  if (record.status !== 'completed') fail(`the run is ${record.status}`);
  if (record.findings.length > 0) fail(`findings ${JSON.stringify(record.findings)}`);
  if (JSON.stringify(journeyOf(record.items)) !== JSON.stringify(journey)) fail('another journey');
  for (const item of record.items) {
    if (catalogued(item.item_type)?.effect !== 'deliver_output') continue;
    const decided = record.items.some(
      (other) =>
        catalogued(other.item_type)?.effect === 'decide_output' &&
        other.loop_iteration === item.loop_iteration &&
        other.sequence_number < item.sequence_number,
    );
    if (!decided) fail(`output ${item.loop_iteration} has no decision`);
  }
  return record.items.filter(({ item_type }) => item_type === 'run_recovered').length;
}

type Shown = {
  readonly status: string;
  readonly findings: readonly unknown[];
  readonly items: readonly ExecutionItem[];
};

/** What a reader sees of a run: every step, its place, and its text. */
export const journeyOf = (items: readonly ExecutionItem[]): string[] =>
  items
    .filter((item) => ['journey', 'decision'].includes(catalogued(item.item_type)?.kind ?? ''))
    .map((item) => [item.item_type, item.stage_iteration, item.loop_iteration, item.content].join(' '));

async function start({ url }: ServiceProcess, workflow: string): Promise<void> {
  const answer = await fetch(`${url}/api/workflows/${workflow}/execute`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input_text: input, seed: 7 }),
  });
  if (answer.status !== 202) throw new Error(`The start was answered with ${answer.status}`);
}

/** The only run of a service once nothing is active any more; undefined where there is none. */
async function settled({ url }: ServiceProcess): Promise<Shown | undefined> {
  const read = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json();
  for (;;) {
    const { total } = (await read('/api/runs?status=active')) as { total: number };
    if (total === 0) break;
  }
  const { executions } = (await read('/api/runs')) as { executions: { execution_id: string }[] };
  const [run, ...more] = executions;
  if (more.length > 0) throw new Error(`There are ${more.length + 1} runs where one was started`);
  return run === undefined ? undefined : ((await read(`/api/runs/${run.execution_id}`)) as Shown);
}

async function stopped<T>(service: ServiceProcess, result: T): Promise<T> {
  service.process.kill('SIGTERM');
  const how = await service.exited;
  if (how !== 0) throw new Error(`The service ended with ${how}`);
  return result;
}

const callsOf = ({ ollama, comfyui, openrouter }: House) => ({
  chats: ollama.requests.filter(({ path }) => path === '/api/chat').length,
  jobs: comfyui.requests.filter(({ path }) => path === '/prompt').length,
  completions: openrouter.requests.length,
});

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-pipeline-crash-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
