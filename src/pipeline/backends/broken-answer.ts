import { BackendError, type Evidence } from './backend-error.ts';
import type { HttpCall } from './http-contract.ts';
import { blotted, quoted } from './http-refusal.ts';

/**
 * The error of an answer that came to no good end: BACKEND_INTERRUPTED with `partialText` where there was content, else
 * BACKEND_FAILED. `what` is ours, never the backend's sentence, which goes to `body`.
 */
export function brokenAnswer(
  call: StreamedCall,
  what: string,
  { body, cause }: { readonly body?: string | undefined; readonly cause?: unknown } = {},
): BackendError {
  const { backend, apiKey } = call;
  const part = partOf(call);
  const evidence = { ...part, ...(body === undefined ? {} : { body: quoted(body, apiKey) }) };
  return part.partialText === undefined
    ? new BackendError('BACKEND_FAILED', { backend, what }, evidence, { cause })
    : new BackendError('BACKEND_INTERRUPTED', { backend, what }, evidence, { cause });
}

/** What had been answered, as evidence; nothing where there was no content. */
export function partOf({ apiKey, partialText }: StreamedCall): Pick<Evidence, 'partialText'> {
  const text = partialText?.() ?? '';
  // A stream may break within a surrogate pair.
  return text === ''
    ? {}
    : { partialText: blotted(text, apiKey).slice(0, maxPartialTextCharacters).toWellFormed() };
}

/** The longest piece of a broken answer that is kept: its item has to fit into one append. */
export const maxPartialTextCharacters = 100_000;

type StreamedCall = Pick<HttpCall, 'backend' | 'apiKey' | 'partialText'>;
