import type { ComfyuiApi, SubmittedJob } from './comfyui-api.ts';
import type { Graph } from './graph.ts';

/** How long an aborted call waits for the id of a job that it is handing in, without which it cannot be taken back. */
const graceMs = 2_000;
/** How long an aborted call tries to take its job back. */
const takeBackMs = 5_000;

/** Hands a job in. An abort reaches the call a little later, so that the job does not go on without anyone knowing its id. */
export async function submitJob(
  api: ComfyuiApi,
  graph: Graph,
  clientId: string,
  signal: AbortSignal,
): Promise<SubmittedJob> {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => over.abort(signal.reason), graceMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await api.submit(graph, clientId, over.signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}

/** Does the work that waits for a job; once the signal is aborted, the job is taken back before this rejects. */
export async function takeBackWhenAborted<T>(
  api: ComfyuiApi,
  promptId: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    if (signal.aborted) await takeBack(api, promptId);
    throw error;
  }
}

async function takeBack(api: ComfyuiApi, promptId: string): Promise<void> {
  const signal = AbortSignal.timeout(takeBackMs);
  try {
    // In this order: a job that is out of the queue cannot begin any more.
    await api.dequeue(promptId, signal);
    // Old releases interrupt whatever runs, also another's job, without looking at the id.
    if (await api.isRunning(promptId, signal)) await api.interrupt(promptId, signal);
  } catch {
    // The caller hears why its call ended. A ComfyUI that does not answer keeps the job; nothing is lost here by it.
  }
}
