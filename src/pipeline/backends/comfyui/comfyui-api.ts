import { z } from 'zod';
import { below } from '../address.ts';
import { BackendError } from '../backend-error.ts';
import { getBytes, getJson, postJson, readBytes, readJson } from '../http-call.ts';
import { type HttpCall, maxMediaAnswerBytes } from '../http-contract.ts';
import type { Timeouts } from '../timeouts.ts';
import type { Graph } from './graph.ts';
import type { OutputFile } from './history.ts';

/** A job that ComfyUI has taken. */
export type SubmittedJob = {
  readonly promptId: string;
  /** Faults of nodes that ComfyUI leaves out while it runs the rest: types by node. */
  readonly nodeErrors: Readonly<Record<string, readonly string[]>>;
};

/** ComfyUI's HTTP interface, one call each; rejects as {@link getJson} does. */
export type ComfyuiApi = {
  /** BACKEND_REFUSED where no node of the graph can be run. Resolves as soon as the job stands in the queue. */
  readonly submit: (graph: Graph, clientId: string, signal: AbortSignal) => Promise<SubmittedJob>;
  /** The job's entry as it came; undefined until the job has ended. */
  readonly history: (promptId: string, signal: AbortSignal) => Promise<unknown>;
  readonly isRunning: (promptId: string, signal: AbortSignal) => Promise<boolean>;
  /** Is it running, or still to run? */
  readonly isQueued: (promptId: string, signal: AbortSignal) => Promise<boolean>;
  /** BACKEND_FAILED for a file that was listed and is not there. */
  readonly view: (file: OutputFile, signal: AbortSignal) => Promise<Uint8Array>;
  /** Takes a job out of the queue; one that runs or that is unknown stays as it is. */
  readonly dequeue: (promptId: string, signal: AbortSignal) => Promise<void>;
  readonly interrupt: (promptId: string, signal: AbortSignal) => Promise<void>;
};

const submitted = z.looseObject({
  prompt_id: z.string().min(1),
  node_errors: z
    .record(z.string(), z.looseObject({ errors: z.array(z.looseObject({ type: z.string() })).default([]) }))
    .catch({}),
});

/** Items are [number, id, graph, …]. */
const queued = z.array(z.array(z.unknown()));
const queue = z.looseObject({ queue_running: queued, queue_pending: queued });
type Queue = z.infer<typeof queue>;

const failed = (what: string): BackendError =>
  new BackendError('BACKEND_FAILED', { backend: 'comfyui', what });

/** `url` is ComfyUI's own address, with or without a slash at its end. */
export function comfyuiApi(url: string, timeouts: Timeouts): ComfyuiApi {
  const at = (path: string): HttpCall => ({
    backend: 'comfyui',
    url: below(url, path),
    timeouts,
    maxAnswerBytes: maxMediaAnswerBytes,
  });
  const readQueue = async (signal: AbortSignal): Promise<Queue> => {
    const read = queue.safeParse(await getJson(at('/queue'), signal));
    if (!read.success) throw failed('a queue that is not understood');
    return read.data;
  };
  const holds = (items: Queue['queue_running'], promptId: string): boolean =>
    items.some(([, id]) => id === promptId);
  return {
    async submit(graph, clientId, signal) {
      const call = at('/prompt');
      const body = { prompt: graph, client_id: clientId };
      const answer = await postJson(call, body, signal, (reply) => readJson(call, reply));
      const read = submitted.safeParse(answer);
      if (!read.success) throw failed('an answer without a prompt_id');
      const { prompt_id: promptId, node_errors: nodes } = read.data;
      const nodeErrors = Object.fromEntries(
        Object.entries(nodes).map(([id, { errors }]) => [id, errors.map(({ type }) => type)]),
      );
      return { promptId, nodeErrors };
    },
    async history(promptId, signal) {
      const answer = await getJson(at(`/history/${encodeURIComponent(promptId)}`), signal);
      const read = z.record(z.string(), z.unknown()).safeParse(answer);
      if (!read.success) throw failed('a history that is not understood');
      return read.data[promptId];
    },
    isRunning: async (promptId, signal) => holds((await readQueue(signal)).queue_running, promptId),
    async isQueued(promptId, signal) {
      const { queue_running: running, queue_pending: pending } = await readQueue(signal);
      return holds(running, promptId) || holds(pending, promptId);
    },
    view({ filename, subfolder, type }, signal) {
      const call: HttpCall = {
        ...at(`/view?${new URLSearchParams({ filename, subfolder, type }).toString()}`),
        refusal: ({ status, evidence }) =>
          status === 404
            ? new BackendError(
                'BACKEND_FAILED',
                { backend: 'comfyui', what: 'a file that it lists is gone: HTTP 404' },
                evidence,
              )
            : undefined,
      };
      return getBytes(call, signal);
    },
    async dequeue(promptId, signal) {
      await postJson(at('/queue'), { delete: [promptId] }, signal, readBytes);
    },
    async interrupt(promptId, signal) {
      await postJson(at('/interrupt'), { prompt_id: promptId }, signal, readBytes);
    },
  };
}
