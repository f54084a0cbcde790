import { z } from 'zod';
import { BackendError } from '../backend-error.ts';
import type { ErrorAnswer } from '../http-refusal.ts';

/** The most reasons that are kept. */
export const maxReasons = 16;

const flagged = z.object({
  error: z.object({
    metadata: z.object({
      reasons: z.array(z.unknown()).optional(),
      error_type: z.string().optional(),
    }),
  }),
});

/**
 * PROVIDER_MODERATED where the provider says that it refused the content: `error.metadata.reasons`, or the error type
 * `content_policy_violation`, in an error body or in mid-stream; undefined for any other error. For the `refusal` of
 * every call to OpenRouter. Reasons are kept as codes; the flagged words stay in the evidence.
 */
export function moderated({ backend, json, evidence }: ErrorAnswer): BackendError | undefined {
  const { metadata } = flagged.safeParse(json).data?.error ?? {};
  const isViolation = metadata?.error_type === policyViolation;
  if (metadata?.reasons === undefined && !isViolation) return undefined;
  const reasons = (metadata?.reasons ?? [policyViolation]).slice(0, maxReasons).map(code);
  return new BackendError('PROVIDER_MODERATED', { backend, reasons }, evidence);
}

const policyViolation = 'content_policy_violation';

/** Providers write reasons as `violence/graphic`. A long one may be a sentence that quotes: the evidence has it. */
function code(reason: unknown): string {
  const text = typeof reason === 'string' ? reason.trim() : '';
  const isShort = text !== '' && text.length <= maxReasonCharacters;
  return isShort ? text.replaceAll(/[^A-Za-z0-9_./-]+/g, '-') : 'unnamed';
}

const maxReasonCharacters = 48;
