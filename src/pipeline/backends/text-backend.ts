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
      };
  /** The model the workflow asks for; null leaves it to the backend. */
  readonly model: string | null;
  readonly seed: number;
  readonly parameters: Readonly<Record<string, unknown>>;
};

/** What a backend really did, told by itself; nothing here is copied from the request. */
export type TextResponse = {
  readonly text: string;
  readonly model: string;
  readonly backend: string;
  readonly executionSeconds: number;
  /** How, as an identifier: `llm`, `dictionary`, `word_rules`. */
  readonly method: string;
  readonly modelDigest?: string | undefined;
  /** The seed it used; null where it takes none. */
  readonly seed: number | null;
  /** The language it took the text to be in, BCP 47. */
  readonly detectedLanguage?: string | undefined;
  /** Everything else worth keeping: parameters as used, token counts, a job id. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
};

/** Makes texts. Rejects with an error of the table or of its own; with the signal's reason once aborted. */
export type TextBackend = {
  readonly name: string;
  readonly run: (request: TextRequest, signal: AbortSignal) => Promise<TextResponse>;
};
