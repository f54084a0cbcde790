import { isLedgerError } from '../errors.ts';
import { BackendError } from '../pipeline/backends/backend-error.ts';
import type { TextBackend } from '../pipeline/backends/text-backend.ts';
import type { Ports } from '../pipeline/plan.ts';
import type { AskModel } from '../safety/ask-model.ts';

/** How often a safety model is asked before the check counts as failed. */
const maxTries = 3;

/**
 * A text backend of the house as safety asks it. Repeated only where the backend is away or busy. An answer that another
 * machine gave is refused: safety models run in the house. Without a backend every question is refused.
 */
export const askLocal =
  (backend: TextBackend | undefined, backOff: Ports['backOff']): AskModel =>
  async (question, signal) => {
    if (backend === undefined) {
      const what = 'no model server of this house is configured';
      throw new BackendError('BACKEND_REFUSED', { backend: 'builtin', what });
    }
    const { prompt, model, parameters, images } = question;
    const request = { prompt, model, parameters, images, seed: null, task: { kind: 'ask' } } as const;
    for (let tries = 1; ; tries += 1) {
      try {
        const { text, finishReason, ...told } = await backend.run(request, signal);
        if (told.remoteHost !== undefined) {
          const what = 'it had the question answered outside the house';
          throw new BackendError('BACKEND_REFUSED', { backend: backend.name, what });
        }
        const { backend: name, modelDigest, executionSeconds, usage } = told;
        const answered = { text, model: told.model, backend: name, modelDigest, executionSeconds, usage };
        return { ...answered, finishReason: finishReason ?? null, tries };
      } catch (error) {
        signal.throwIfAborted();
        const isAway = isLedgerError(error, 'BACKEND_UNREACHABLE') || isLedgerError(error, 'BACKEND_BUSY');
        if (!isAway || tries === maxTries) throw error;
        const { retryAfterSeconds } = error instanceof BackendError ? error.evidence : {};
        await backOff(tries, retryAfterSeconds, signal);
      }
    }
  };
