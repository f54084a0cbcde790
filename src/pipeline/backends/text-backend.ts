import type { Usage } from '../../events/usage.ts';

/** A text to be made out of another. Exactly what a backend gets is what the item records. */
export type TextRequest = {
  /** The whole prompt, as a language model reads it. */
  readonly prompt: string;
  /** The same by its parts, for backends that are no language model. */
  readonly task:
    | { readonly kind: 'translate'; readonly text: string; readonly from: string; readonly to: string }
    | {
        readonly kind: 'transform';
        readonly text: string;
        /** The workflow's id: the style. */
        readonly style: string;
        readonly instruction: string;
        readonly context: string;
      }
    /** A safety model's or a vision model's question: for language models only. */
    | { readonly kind: 'ask' };
  /** The model the workflow or the policy asks for; null leaves it to the backend. */
  readonly model: string | null;
  /** Null lets the backend choose. */
  readonly seed: number | null;
  /** `temperature`, `top_p`, `top_k`, `max_tokens`; what an adapter has no word for is not sent. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** For models that see: each an encoded picture. */
  readonly images?: readonly Uint8Array[] | undefined;
};

/** What a backend really did, told by itself; nothing here is copied from the request. */
export type TextResponse = {
  /** As it was answered, thinking left out; may be empty where the model said nothing. */
  readonly text: string;
  /** As the response names it. */
  readonly model: string;
  readonly backend: string;
  /** From the request to the end of the answer. */
  readonly executionSeconds: number;
  /** How, as an identifier: `llm`, `dictionary`, `word_rules`. */
  readonly method: string;
  readonly modelDigest?: string | undefined;
  /** The seed it used; null where it takes none or does not say. */
  readonly seed: number | null;
  /** The language it took the text to be in, BCP 47. */
  readonly detectedLanguage?: string | undefined;
  /** Why it stopped, in the backend's word: `stop`, `length` …; null where it did not say. */
  readonly finishReason?: string | null | undefined;
  /** Present where the backend says that another machine did the work: the text has left the house. */
  readonly remoteHost?: string | undefined;
  readonly usage?: Usage | undefined;
  /** Everything else worth keeping: parameters as sent, raw durations, thinking, a fingerprint, a generation id. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
};

/**
 * Makes texts: one call is one attempt, and repeats are the caller's. Rejects with a {@link BackendError}, an error of
 * the table or one of its own; with the signal's reason once aborted, and then no socket is left open.
 */
export type TextBackend = {
  readonly name: string;
  readonly run: (request: TextRequest, signal: AbortSignal) => Promise<TextResponse>;
};
