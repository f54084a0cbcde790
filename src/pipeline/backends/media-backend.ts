import type { MediaType } from '../../events/core.ts';
import type { Usage } from '../../events/usage.ts';

export type MediaRequest = {
  /** The output config's id. */
  readonly config: string;
  readonly mediaType: MediaType;
  /** The very text that stage 3 checked. */
  readonly prompt: string;
  readonly model: string | null;
  readonly seed: number;
  /** Width, height, steps, cfg_scale, sampler … as the output config says. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The pictures the person handed in, encoded. A backend without a use for them says so in its metadata. */
  readonly images?: readonly Uint8Array[] | undefined;
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
  /** Of the generation, not of the call that queued it. */
  readonly executionSeconds: number;
  readonly modelDigest?: string | undefined;
  /** The seed it used; null where it takes none. */
  readonly seed: number | null;
  /** Present where another machine outside the house did the work. */
  readonly remoteHost?: string | undefined;
  readonly usage?: Usage | undefined;
  /** Parameters as used, a job id as `prompt_id`, and whatever else is worth keeping. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
};

/**
 * Makes media: one call is one attempt, and repeats are the caller's. Rejects with a {@link BackendError}, an error of
 * the table or one of its own; with the signal's reason once aborted, and then the backend was told to stop.
 */
export type MediaBackend = {
  readonly name: string;
  readonly generate: (request: MediaRequest, signal: AbortSignal) => Promise<MediaResponse>;
};
