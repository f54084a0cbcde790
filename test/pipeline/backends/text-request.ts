import { BackendError } from '../../../src/pipeline/backends/backend-error.ts';
import type { TextRequest } from '../../../src/pipeline/backends/text-backend.ts';

/** Words with characters of two, three and four bytes; the prompt ends with them. */
export const markers = 'Grüße aus 東京 🌷 marker-4711';

export const textRequest = (model: string | null, overrides: Partial<TextRequest> = {}): TextRequest => ({
  prompt: `Translate the text below into English.\n\n${markers}`,
  task: { kind: 'ask' },
  model,
  seed: 42,
  parameters: { temperature: 0.5, top_p: 0.9, top_k: 40, max_tokens: 200, iterations: 8, languages: ['en'] },
  ...overrides,
});

/** The error that a call ends with; fails where it ends well, or with an error that is not of the table. */
export async function failureOf(work: Promise<unknown>): Promise<BackendError> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof BackendError) return outcome.error;
  throw new Error('it did not end with a BackendError', { cause: outcome });
}

export const unaborted = (): AbortSignal => new AbortController().signal;

/** Smallest encoded pictures: their first bytes are what counts. */
export const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]);
export const jpeg = Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46]);
