import { BackendError } from '../backend-error.ts';
import type { ComfyuiApi } from './comfyui-api.ts';
import type { ProgressSocket } from './progress-socket.ts';
import type { Wait } from './wait.ts';

/** How many looks in a row may fail before the job is given up: ComfyUI may be starting again. */
const maxFailedLooks = 10;

type Watch = {
  readonly api: ComfyuiApi;
  readonly progress: ProgressSocket;
  readonly wait: Wait;
  /** The longest pause between two looks; a hint ends it early. */
  readonly pollMs: number;
};

/**
 * Waits until `/history` has an entry of the job, and gives that as it came. BACKEND_FAILED "lost" where the job stands
 * neither there nor in the queue: ComfyUI keeps both in memory, and has started again since. Rejects with the last error
 * where ComfyUI cannot be asked any more, and with `signal.reason` once aborted.
 */
export async function untilEnded(watch: Watch, promptId: string, signal: AbortSignal): Promise<unknown> {
  for (let failed = 0; ; ) {
    try {
      const found = await look(watch.api, promptId, signal);
      if (found === 'lost') break;
      if (found !== 'pending') return found.entry;
      failed = 0;
    } catch (error) {
      signal.throwIfAborted();
      failed += 1;
      if (!mayPass(error) || failed >= maxFailedLooks) throw error;
    }
    await hintOrPause(watch, signal);
  }
  throw new BackendError('BACKEND_FAILED', {
    backend: 'comfyui',
    what: 'lost: the job is neither queued nor in the history, as after a restart',
  });
}

type Ended = { readonly entry: unknown };

async function look(
  api: ComfyuiApi,
  promptId: string,
  signal: AbortSignal,
): Promise<Ended | 'pending' | 'lost'> {
  const entry = await api.history(promptId, signal);
  if (entry !== undefined) return { entry };
  if (await api.isQueued(promptId, signal)) return 'pending';
  // It may have gone from the queue to the history between the two questions.
  const late = await api.history(promptId, signal);
  return late === undefined ? 'lost' : { entry: late };
}

/** Faults of the connection, not of the job. */
const mayPass = (error: unknown): boolean =>
  error instanceof BackendError &&
  ['BACKEND_UNREACHABLE', 'BACKEND_BUSY', 'BACKEND_FAILED', 'TIMEOUT'].includes(error.code);

async function hintOrPause({ progress, wait, pollMs }: Watch, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  try {
    const either = AbortSignal.any([signal, over.signal]);
    await Promise.race([progress.hint(over.signal), wait(pollMs, either)]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    over.abort();
  }
}
