import { z } from 'zod';
import { count, seconds } from './token.ts';

/**
 * What one call of a backend used up, raw, as the backend counted it: prices come later, by a dated table. A bucket that
 * the backend did not tell is absent, never 0.
 */
export const usage = z.strictObject({
  /** All tokens of the prompt, the cached ones included. */
  input_tokens: count.optional(),
  cached_input_tokens: count.optional(),
  /** All tokens of the answer, those of the reasoning included. */
  output_tokens: count.optional(),
  reasoning_tokens: count.optional(),
  images: count.optional(),
  /** Of the backend's own work, without waiting and loading. */
  seconds: seconds.optional(),
  /** What the provider says it charged, in its own unit (OpenRouter: US dollars). */
  reported_cost: z.number().min(0).optional(),
});
export type Usage = z.infer<typeof usage>;
