import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { comfyuiMedia } from '../../../src/pipeline/backends/comfyui/comfyui.ts';
import type { MediaRequest, MediaResponse } from '../../../src/pipeline/backends/media-backend.ts';
import type { Graph } from './comfyui-nodes.ts';
import type { ComfyuiServer, Received } from './comfyui-server.ts';

export const never = new AbortController().signal;
export type Options = Parameters<typeof comfyuiMedia>[0];
export type Wait = NonNullable<Options['wait']>;

/** A picture, small enough for any machine. */
export const request = (overrides: Partial<MediaRequest> = {}): MediaRequest => ({
  config: 'sd35_large',
  mediaType: 'image',
  prompt: 'a red flower, "quoted" (and braced:1.2) — ☾',
  model: 'sd3.5_large',
  seed: 42,
  parameters: { width: 64, height: 32, steps: 4, cfg_scale: 5.5, sampler: 'euler', format: 'png' },
  ...overrides,
});

type Stepped = {
  readonly wait: Wait;
  /** Resolves while a pause is there. */
  readonly paused: () => Promise<void>;
  /** Ends the pause that is there, else the next one. */
  readonly step: () => Promise<void>;
};

/** A wait whose pauses of so many milliseconds a test ends by hand; every other one is over at once. */
export function steppedWait(ms: number): Stepped {
  let pause: { readonly end: () => void } | undefined;
  let onPause: () => void = () => undefined;
  const paused = async (): Promise<void> => {
    if (pause !== undefined) return;
    await new Promise<void>((resolve) => {
      onPause = resolve;
    });
  };
  return {
    paused,
    async step() {
      await paused();
      pause?.end();
    },
    wait: (asked, signal) =>
      new Promise((resolve, reject) => {
        if (asked !== ms) return resolve();
        pause = { end: resolve };
        signal.addEventListener('abort', () => {
          pause = undefined;
          reject(signal.reason as Error);
        });
        onPause();
      }),
  };
}
/** Nothing but news on the socket ends a pause. */
export const hintsOnly = steppedWait(1_000).wait;
export const noPause: Wait = async (_ms, signal) => {
  signal.throwIfAborted();
  // A turn of the event loop, so that others come to their turn.
  await setTimeout(0);
};

/** The backend at an address, with a clock that ticks each time it is read. */
export function backendAt(url: string, options: Partial<Options> = {}): ReturnType<typeof comfyuiMedia> {
  let ticks = 0;
  const clock = (): number => {
    ticks += 1;
    return ticks;
  };
  return comfyuiMedia({ url, clock, newClientId: randomUUID, ...options });
}

export type Calls = {
  readonly generate: (
    asked?: Partial<MediaRequest>,
    options?: Partial<Options>,
    signal?: AbortSignal,
  ) => Promise<MediaResponse>;
  /** The POSTs to a path. */
  readonly asked: (path: string) => readonly Received[];
  /** How often the queue was looked at. */
  readonly looks: () => number;
  /** What was handed in. */
  readonly submitted: () => readonly { readonly prompt: Graph; readonly client_id: string }[];
};

export function callsOf(server: () => ComfyuiServer): Calls {
  const asked: Calls['asked'] = (path) =>
    server().requests.filter((received) => received.path === path && received.method === 'POST');
  return {
    generate: (wanted = {}, options = {}, signal = never) =>
      backendAt(server().url, options).generate(request(wanted), signal),
    asked,
    looks: () => server().requests.filter(({ path, method }) => path === '/queue' && method === 'GET').length,
    submitted: () => asked('/prompt').map(({ body }) => body as { prompt: Graph; client_id: string }),
  };
}

export function bytesOf(response: MediaResponse, index = 0): Buffer {
  const body = response.media[index]?.body;
  if (body === undefined || !('bytes' in body)) throw new Error('no bytes');
  return Buffer.from(body.bytes);
}
