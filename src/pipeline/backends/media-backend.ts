import type { MediaType } from '../../events/core.ts';

export type MediaRequest = {
  /** The output config's id. */
  readonly config: string;
  readonly mediaType: MediaType;
  readonly prompt: string;
  readonly model: string | null;
  readonly seed: number;
  /** Width, height, steps, cfg_scale, sampler … as the output config says. */
  readonly parameters: Readonly<Record<string, unknown>>;
};

/** One medium. A text or a program is content; anything else is bytes that go to the media store. */
export type ProducedMedium = {
  readonly body: { readonly bytes: Uint8Array } | { readonly text: string };
  /** What is true of this medium: width, height, format, duration_seconds … */
  readonly metadata: Readonly<Record<string, unknown>>;
};

/** What a backend really did, told by itself; nothing here is copied from the request. */
export type MediaResponse = {
  /** At least one; several of one config become several items of the same output. */
  readonly media: readonly ProducedMedium[];
  readonly model: string;
  readonly backend: string;
  readonly executionSeconds: number;
  /** The seed it used; null where it takes none. */
  readonly seed: number | null;
  /** Parameters as used, a job id as `prompt_id`, and whatever else is worth keeping. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
};

/** Makes media. Rejects with an error of the table or of its own; with the signal's reason once aborted. */
export type MediaBackend = {
  readonly name: string;
  readonly generate: (request: MediaRequest, signal: AbortSignal) => Promise<MediaResponse>;
};
