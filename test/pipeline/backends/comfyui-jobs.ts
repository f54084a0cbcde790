import { Buffer } from 'node:buffer';
import { fileOf } from './comfyui-files.ts';
import type { Graph } from './comfyui-nodes.ts';

/** A place where a job waits until the test lets it go on. */
export type Hold = {
  /** Resolves with the job's id once it waits here. */
  readonly held: Promise<string>;
  readonly release: () => void;
};
type Gate = Hold & { readonly arrive: (id: string) => Promise<void> };

/** How a job goes, where it does not simply succeed. */
export type Behaviour = {
  /** Waits with its first node begun, or, where all comes out of the cache, instead of it. */
  readonly heldRunning?: Gate;
  /** Waits between the news of its success and its entry in the history. */
  readonly heldBeforeHistory?: Gate;
  readonly fails?: { readonly exception_type: string; readonly exception_message: string };
  /** Somebody else presses "stop". */
  readonly interrupted?: true;
  /** Nothing is told on the socket. */
  readonly silent?: true;
  /** Previews and progress texts between the news, and news that nobody understands. */
  readonly binaryFrames?: true;
  /** The answer to `/prompt` tells of an output node that cannot be run. */
  readonly partial?: true;
  /** `/view` does not have the files that the history lists. */
  readonly filesGone?: true;
  /** The history has neither times nor the graph, as in old releases. */
  readonly oldRelease?: true;
  /** The graph that is executed in place of the one handed in. */
  readonly replaced?: (graph: Graph) => Graph;
  /** Put beside the outputs in the history, by node. */
  readonly outputs?: Outputs;
  readonly withoutFiles?: true;
  /** What the history says it took; 2.5 where nothing is said. */
  readonly seconds?: number;
};

export type Job = {
  readonly id: string;
  readonly number: number;
  readonly graph: Graph;
  readonly clientId: string;
  readonly behaviour: Behaviour;
  /** Aborted by `/interrupt`. */
  readonly stop: AbortController;
};

/** By node, then by list. */
export type Outputs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
type News = readonly [type: string, data: Readonly<Record<string, unknown>>];

/** What jobs leave behind, and where their news go. */
export type Memory = {
  readonly history: Map<string, unknown>;
  /** Files by `type/subfolder/filename`; they outlive a restart. */
  readonly files: Map<string, Buffer>;
  /** Outputs by graph: the same job again is answered from here. */
  readonly cache: Map<string, Outputs>;
  readonly tell: (clientId: string, message: string | Buffer) => void;
};

export function createGate(): Gate {
  let arrived: (id: string) => void = () => undefined;
  let release: () => void = () => undefined;
  const held = new Promise<string>((resolve) => {
    arrived = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return {
    held,
    release: () => release(),
    arrive(id) {
      arrived(id);
      return released;
    },
  };
}

/** When jobs begin, in the server's time: milliseconds since 1970. */
const beginMs = 1_790_000_000_000;

/** Executes one job as ComfyUI does: news, files, an entry in the history, news of the end. */
export async function execute(job: Job, memory: Memory, isAlive: () => boolean): Promise<void> {
  const { id, behaviour } = job;
  const graph = behaviour.replaced?.(job.graph) ?? job.graph;
  const messages: News[] = [];
  const tell = (...news: News): void => {
    if (behaviour.silent !== true)
      memory.tell(job.clientId, JSON.stringify({ type: news[0], data: news[1] }));
  };
  const say = (type: string, data: Record<string, unknown>, afterMs = 0): void => {
    const news: News = [type, { prompt_id: id, ...data, timestamp: beginMs + afterMs }];
    messages.push(news);
    tell(...news);
  };
  say('execution_start', {});
  const key = JSON.stringify(graph);
  const cached = memory.cache.get(key);
  say('execution_cached', { nodes: cached === undefined ? [] : Object.keys(graph) });
  if (cached !== undefined) await behaviour.heldRunning?.arrive(id);
  const failure = cached === undefined ? await run(job, graph, memory, tell) : undefined;
  if (!isAlive()) return;
  if (failure !== undefined) say(...failure);
  const outputs = failure === undefined ? (cached ?? save(job, graph, memory.files)) : {};
  if (failure === undefined) {
    memory.cache.set(key, outputs);
    say('execution_success', {}, (behaviour.seconds ?? 2.5) * 1_000);
    await behaviour.heldBeforeHistory?.arrive(id);
    if (!isAlive()) return;
  }
  if (behaviour.filesGone === true) memory.files.clear();
  const extra = { client_id: job.clientId };
  memory.history.set(id, {
    ...(behaviour.oldRelease === true
      ? {}
      : { prompt: [job.number, id, graph, extra, Object.keys(outputs)] }),
    outputs: { ...outputs, ...behaviour.outputs },
    status:
      behaviour.oldRelease === true
        ? null
        : { status_str: failure ? 'error' : 'success', completed: failure === undefined, messages },
  });
  // A run out of the cache may end without this.
  if (cached === undefined) tell('executing', { node: null, prompt_id: id });
}

/** The nodes one after another; what went wrong, as the message that says it. */
async function run(
  { id, clientId, behaviour, stop }: Job,
  graph: Graph,
  memory: Memory,
  tell: (...news: News) => void,
): Promise<[string, Record<string, unknown>] | undefined> {
  for (const [node, { class_type: node_type }] of Object.entries(graph)) {
    tell('executing', { node, display_node: node, prompt_id: id });
    if (behaviour.binaryFrames === true) for (const frame of frames) memory.tell(clientId, frame);
    if (behaviour.heldRunning !== undefined) {
      const stopped = new Promise<void>((resolve) => {
        stop.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([behaviour.heldRunning.arrive(id), stopped]);
    }
    const about = { node_id: node, node_type, executed: [] };
    if (stop.signal.aborted || behaviour.interrupted === true) return ['execution_interrupted', about];
    if (node_type !== 'KSampler') continue;
    for (const value of [1, 2, 3]) tell('progress', { value, max: 3, node, prompt_id: id });
    if (behaviour.fails !== undefined) {
      const quoted = { current_inputs: graph[node]?.inputs, traceback: [], current_outputs: [] };
      return ['execution_error', { ...about, ...behaviour.fails, ...quoted }];
    }
  }
  return undefined;
}

const binary = (kind: number, rest: string): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(kind);
  return Buffer.concat([head, Buffer.from(rest, 'latin1')]);
};

/** Preview, progress text, preview with metadata, one of no known kind, an empty one, and text that is no news. */
const frames: readonly (Buffer | string)[] = [
  binary(1, '\0\0\0\x01\xff\xd8\xff'),
  binary(3, '\0\0\0\x01{"type":"execution_success","data":{}}'),
  binary(4, '\0\0\0\x02{}\xff\xd8\xff'),
  binary(77, '?'),
  Buffer.alloc(0),
  'no JSON',
  '[1]',
  '{"type":"executing"}',
  '{"type":"crystools.monitor","data":null}',
];

function save({ behaviour }: Job, graph: Graph, files: Map<string, Buffer>): Outputs {
  const outputs: Record<string, Record<string, unknown>> = {};
  for (const [node, { class_type: type, inputs }] of Object.entries(graph)) {
    if (!type.startsWith('Save') || behaviour.withoutFiles === true) continue;
    const listed = Array.from({ length: batchSizeOf(graph) }, (_, index) => {
      const { list, extension, bytes } = fileOf(graph, node, index);
      const number = String(files.size + 1).padStart(5, '0');
      const filename = `${String(inputs['filename_prefix'])}_${number}_.${extension}`;
      files.set(`output//${filename}`, bytes);
      return { list, file: { filename, subfolder: '', type: 'output' } };
    });
    outputs[node] = { [listed[0]?.list ?? 'images']: listed.map(({ file }) => file) };
  }
  return outputs;
}

function batchSizeOf(graph: Graph): number {
  const found = Object.values(graph).find(({ inputs }) => 'batch_size' in inputs);
  return Number(found?.inputs['batch_size'] ?? 1);
}
