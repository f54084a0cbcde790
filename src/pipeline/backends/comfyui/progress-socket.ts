import { WebSocket } from 'ws';
import { z } from 'zod';
import { below } from '../address.ts';
import { jsonOrNothing } from '../http-refusal.ts';
import type { Wait } from './wait.ts';

/** How often a socket that dropped is opened again. Without it, polling still finds the end of the job. */
const maxReconnects = 5;
const reconnectPauseMs = 250;
/** Previews are small; a frame beyond this ends the connection, not the job. */
const maxFrameBytes = 16 * 1_048_576;

/** ComfyUI's news of a job. All of it is a hint: what is true stands in `/history`. */
export type ProgressSocket = {
  /** Resolves when something came, since this last resolved, that may mean the job has ended; or once aborted. */
  readonly hint: (signal: AbortSignal) => Promise<void>;
  /** When the job's execution began, by the clock that was handed in; undefined where that was not heard. */
  readonly startedAt: (promptId: string) => number | undefined;
  /** Resolves once no socket is left. */
  readonly close: () => Promise<void>;
};

type Options = {
  /** ComfyUI's own address. */
  readonly url: string;
  /** For this job alone: a second socket with the same id would take the first one's place. */
  readonly clientId: string;
  readonly connectMs: number;
  /** Monotonic seconds. */
  readonly clock: () => number;
  readonly wait: Wait;
  /** Closes the socket once aborted. */
  readonly signal: AbortSignal;
};

/** What is read of a message; there are others, of which nothing is needed. */
const news = z.object({
  type: z.string(),
  data: z.looseObject({ prompt_id: z.string().optional(), node: z.string().nullish() }),
});

const endings = new Set(['execution_success', 'execution_error', 'execution_interrupted']);

/** Connects, and stays connected as long as it can. Resolves once the first connection stands, or has failed. */
export async function openProgress(options: Options): Promise<ProgressSocket> {
  const started = new Map<string, number>();
  const bell = createBell();
  const closed = new AbortController();
  const closing = AbortSignal.any([closed.signal, options.signal]);

  const read = (text: string): void => {
    const found = news.safeParse(jsonOrNothing(text));
    if (!found.success) return;
    const { type, data } = found.data;
    if (type === 'execution_start' && data.prompt_id !== undefined) {
      started.set(data.prompt_id, options.clock());
    }
    if (endings.has(type) || (type === 'executing' && data.node === null)) bell.ring();
  };

  const stayOpen = async (onSettled: () => void): Promise<void> => {
    for (let attempt = 0; attempt <= maxReconnects && !closing.aborted; attempt += 1) {
      if (attempt > 0) await pause(options.wait, closing);
      await connection(options, closing, read, () => {
        onSettled();
        // The end may have come while nobody listened.
        if (attempt > 0) bell.ring();
      });
      onSettled();
    }
  };
  let over = Promise.resolve();
  await new Promise<void>((resolve) => {
    over = stayOpen(resolve).finally(resolve);
  });
  return {
    hint: bell.rung,
    startedAt: (promptId) => started.get(promptId),
    async close() {
      closed.abort();
      await over;
    },
  };
}

/** One connection, from its attempt to its end, however it ends. */
function connection(
  { url, clientId, connectMs }: Options,
  closing: AbortSignal,
  onText: (text: string) => void,
  onOpen: () => void,
): Promise<void> {
  return new Promise((resolve) => {
    if (closing.aborted) return resolve();
    const socket = new WebSocket(socketUrl(url, clientId), {
      handshakeTimeout: connectMs,
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
    });
    const end = (): void => socket.terminate();
    closing.addEventListener('abort', end, { once: true });
    socket.on('open', onOpen);
    socket.on('message', (data: Buffer, isBinary) => {
      // Binary frames are previews (1, 4) and progress texts (3).
      if (!isBinary) onText(data.toString('utf8'));
    });
    // A fault of the socket is no fault of the job; 'close' follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closing.removeEventListener('abort', end);
      resolve();
    });
  });
}

function socketUrl(url: string, clientId: string): URL {
  const at = new URL(below(url, '/ws'));
  at.protocol = at.protocol === 'https:' ? 'wss:' : 'ws:';
  at.searchParams.set('clientId', clientId);
  return at;
}

async function pause(wait: Wait, closing: AbortSignal): Promise<void> {
  try {
    await wait(reconnectPauseMs, closing);
  } catch (error) {
    if (!closing.aborted) throw error;
  }
}

/** Remembers one ring until somebody asks. */
function createBell(): {
  readonly ring: () => void;
  readonly rung: (signal: AbortSignal) => Promise<void>;
} {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      if (wake === undefined) isRung = true;
      wake?.();
      wake = undefined;
    },
    rung(signal) {
      if (isRung) {
        isRung = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        wake = resolve;
        const forget = (): void => {
          // Who does not wait any more must not swallow the next ring.
          if (wake === resolve) wake = undefined;
          resolve();
        };
        signal.addEventListener('abort', forget, { once: true });
      });
    },
  };
}
