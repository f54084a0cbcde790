import type { DecisionRecord } from '../events/decision.ts';
import type { Usage } from '../events/usage.ts';

/** One question to a language model. The whole prompt stands in it; nothing is left to a backend's own wording. */
export type ModelQuestion = {
  readonly prompt: string;
  readonly model: string;
  /** `temperature`, `max_tokens` …, as the policy names them. */
  readonly parameters: NonNullable<DecisionRecord['parameters']>;
  /** For models that see: each an encoded picture. */
  readonly images?: readonly Uint8Array[] | undefined;
};

/** What a model answered, told by its backend; nothing here is copied from the question. */
export type ModelAnswer = {
  /** As it came; may be empty. */
  readonly text: string;
  readonly model: string;
  readonly backend: string;
  readonly modelDigest?: string | undefined;
  /** Present where the text has left the house. */
  readonly remoteHost?: string | undefined;
  /** Why it stopped, in the backend's word: `stop`, `length` …; null where it did not say. */
  readonly finishReason: string | null;
  /** From the request to the end of the answer. */
  readonly executionSeconds: number;
  readonly usage?: Usage | undefined;
  /** Which try this is the answer of, the first being 1. */
  readonly tries?: number | undefined;
};

/**
 * Asks a language model. Whoever adapts a backend to this repeats where that is worth it, and must refuse a prompt that
 * the model cannot read whole. Rejects with TIMEOUT where no answer came in time, with any other error where none could
 * come; with the signal's reason once aborted.
 */
export type AskModel = (question: ModelQuestion, signal: AbortSignal) => Promise<ModelAnswer>;
