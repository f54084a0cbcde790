import { z } from 'zod';
import { BackendError, maxErrorBodyCharacters } from '../backend-error.ts';
import { type ExecutedGraph, executedGraph } from './graph.ts';

/** A file of a job's result, as `/view` wants it. */
export type OutputFile = { readonly filename: string; readonly subfolder: string; readonly type: string };

/** What ComfyUI tells of a job that went well. */
export type FinishedJob = {
  /** In the order that ComfyUI lists them. */
  readonly files: readonly OutputFile[];
  /** What was executed; undefined where an old release does not tell. */
  readonly graph: ExecutedGraph | undefined;
  /** Between the beginning and the end of the execution; undefined where the times are not told. */
  readonly seconds: number | undefined;
  /** The nodes whose results were kept from an earlier job. */
  readonly cachedNodes: readonly string[];
};

const files = z.array(
  z.looseObject({
    filename: z.string().min(1),
    subfolder: z.string().default(''),
    type: z.string().default('output'),
  }),
);

const message = z.tuple([z.string(), z.looseObject({ timestamp: z.number().optional() })]);
type Message = z.infer<typeof message>;

const historyEntry = z.looseObject({
  // [number, id, graph, extra data, output nodes]
  prompt: z.array(z.unknown()).optional(),
  outputs: z.record(z.string(), z.record(z.string(), z.unknown())),
  status: z.looseObject({ status_str: z.string(), messages: z.array(z.unknown()).default([]) }).nullish(),
});

/**
 * Reads the entry of an ended job. BACKEND_FAILED where the job failed or was interrupted, or where the entry is not
 * understood; what ComfyUI says of an error is in the evidence, since it may quote the prompt.
 */
export function readHistory(entry: unknown, saveNodes: ReadonlySet<string>): FinishedJob {
  const read = historyEntry.safeParse(entry);
  if (!read.success) throw failed('a history that is not understood');
  const { prompt, outputs, status } = read.data;
  const messages = (status?.messages ?? []).flatMap((one): Message[] => {
    const known = message.safeParse(one);
    return known.success ? [known.data] : [];
  });
  refuseFailure(status?.status_str, messages);
  const graph = executedGraph.safeParse(prompt?.[2]);
  return {
    files: filesOf(outputs, saveNodes),
    graph: graph.success ? graph.data : undefined,
    seconds: secondsOf(messages),
    cachedNodes: z.array(z.string()).catch([]).parse(dataOf(messages, 'execution_cached')?.['nodes']),
  };
}

const dataOf = (messages: readonly Message[], kind: string): Message[1] | undefined =>
  messages.find(([name]) => name === kind)?.[1];

const failed = (what: string, body?: string): BackendError =>
  new BackendError('BACKEND_FAILED', { backend: 'comfyui', what }, body === undefined ? {} : { body });

function refuseFailure(status: string | undefined, messages: readonly Message[]): void {
  // An interrupted job is an error to ComfyUI as well: this message alone tells them apart.
  if (dataOf(messages, 'execution_interrupted') !== undefined) throw failed('interrupted');
  const error = dataOf(messages, 'execution_error');
  if (error === undefined && status !== 'error') return;
  const { exception_type: type, exception_message: text, node_type: node } = error ?? {};
  const body = [node, text].filter((part) => typeof part === 'string').join(': ');
  throw failed(
    typeof type === 'string' && className.test(type) ? type : 'an error without a name',
    body.slice(0, maxErrorBodyCharacters).toWellFormed(),
  );
}

/** A class of Python's, and no sentence. */
const className = /^[A-Za-z_][\w.]{0,127}$/;

/** Lists of files go by many names (`images`, `audio`, `gifs`, `video`): a list of anything else is not one of them. */
function filesOf(
  outputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  saveNodes: ReadonlySet<string>,
): readonly OutputFile[] {
  return Object.entries(outputs)
    .filter(([node]) => saveNodes.has(node))
    .flatMap(([, lists]) => Object.values(lists))
    .flatMap((list) => {
      const read = files.safeParse(list);
      return read.success ? read.data : [];
    })
    .filter(({ type }) => type !== 'temp');
}

function secondsOf(messages: readonly Message[]): number | undefined {
  const start = dataOf(messages, 'execution_start')?.timestamp;
  const end = dataOf(messages, 'execution_success')?.timestamp;
  return start === undefined || end === undefined || end < start ? undefined : (end - start) / 1_000;
}
