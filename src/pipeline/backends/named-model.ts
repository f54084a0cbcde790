import { BackendError } from './backend-error.ts';
import type { TextRequest } from './text-backend.ts';

/** The model to ask. A server's own choice would be nobody's decision, so without a name it is BACKEND_REFUSED. */
export function namedModel(backend: string, { model }: Pick<TextRequest, 'model'>): string {
  if (model === null) throw new BackendError('BACKEND_REFUSED', { backend, what: 'no model is named' });
  return model;
}
