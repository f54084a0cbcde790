import { findUnrecordable } from '../events/recordable.ts';
import { LedgerError } from '../errors.ts';
import { BackendError, type Evidence, maxErrorBodyCharacters } from './backends/backend-error.ts';
import type { MediaBackend, MediaRequest, MediaResponse } from './backends/media-backend.ts';
import type { TextBackend, TextRequest, TextResponse } from './backends/text-backend.ts';

/**
 * Asks a text backend, and refuses an answer without a text (BACKEND_FAILED; what a model only thought is never put in
 * its place), and one that no item could hold (OUTPUT_UNEXPECTED): otherwise the run would stop where its failure cannot
 * be recorded.
 */
export async function askText(
  backend: TextBackend,
  request: TextRequest,
  signal: AbortSignal,
): Promise<TextResponse> {
  const response = await backend.run(request, signal);
  refuseUnrecordable(backend.name, response);
  if (response.text.trim() === '') {
    const what = `it answered without a text, and stopped for ${response.finishReason ?? 'no stated reason'}`;
    throw new BackendError('BACKEND_FAILED', { backend: backend.name, what }, thoughtOf(response));
  }
  return response;
}

/** What a model thought is all that is left of an answer without a text. */
function thoughtOf({ metadata }: TextResponse): Evidence {
  const thinking = metadata?.['thinking'];
  return typeof thinking === 'string' ? { body: thinking.slice(0, maxErrorBodyCharacters) } : {};
}

/** Asks a media backend; refuses an answer without media, or one that no item could hold (OUTPUT_UNEXPECTED). */
export async function askMedia(
  backend: MediaBackend,
  request: MediaRequest,
  signal: AbortSignal,
): Promise<MediaResponse> {
  const response = await backend.generate(request, signal);
  if (response.media.length === 0) throw unexpected(backend.name, 'no medium');
  const media = response.media.map(({ body, metadata }) => ('text' in body ? { body, metadata } : metadata));
  refuseUnrecordable(backend.name, { ...response, media });
  return response;
}

function refuseUnrecordable(backend: string, response: unknown): void {
  const found = findUnrecordable(response);
  if (found !== undefined) {
    throw unexpected(backend, `an answer that cannot be recorded (${found.pointer} ${found.detail})`);
  }
}

const unexpected = (backend: string, what: string): LedgerError =>
  new LedgerError('OUTPUT_UNEXPECTED', { backend, what });
