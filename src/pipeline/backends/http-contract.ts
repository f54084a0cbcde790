import type { BackendError } from './backend-error.ts';
import type { ErrorAnswer } from './http-refusal.ts';
import type { Timeouts } from './timeouts.ts';

/** Where and how to ask. Values come from the configuration, never from a run's request. */
export type HttpCall = {
  /** The backend's name, as errors say it. */
  readonly backend: string;
  readonly url: string;
  readonly timeouts: Timeouts;
  /** The longest answer that is read; a longer one is BACKEND_FAILED. */
  readonly maxAnswerBytes: number;
  /** Sent as `Authorization: Bearer …`, and blotted out of everything an error keeps. */
  readonly apiKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * The content understood so far, for an adapter that streams: once it is not empty, an answer that breaks off or stalls
   * is BACKEND_INTERRUPTED and keeps it. Absent for answers that are worth nothing until they are whole.
   */
  readonly partialText?: (() => string) | undefined;
  /**
   * Sees an answer that is no 2xx first, and an error that an adapter found in a stream (status 200): the error it
   * returns is thrown instead of the usual one.
   */
  readonly refusal?: ((answer: ErrorAnswer) => BackendError | undefined) | undefined;
};

/** An answer with a 2xx status, good until its reader returns. */
export type HttpAnswer = {
  readonly status: number;
  /** A header by its lower-case name, as it came; {@link tokenHeader} is for those that are kept. */
  readonly header: (name: string) => string | undefined;
  /** To be read once. Throws what {@link exchange} throws. */
  readonly bytes: AsyncIterable<Uint8Array>;
};

export type HttpRequest = {
  readonly method: 'GET' | 'POST';
  readonly body?: { readonly bytes: Uint8Array; readonly type: string } | undefined;
};

/** The longest answer of a text backend, on the wire: a stream wraps each word in some 300 bytes. */
export const maxTextAnswerBytes = 16 * 1_048_576;
/** The longest answer of a media backend: pictures may come as base64 within JSON. */
export const maxMediaAnswerBytes = 64 * 1_048_576;
