import { z } from 'zod';
import type { IdempotentRequest } from './service.ts';

const header = 'idempotency-key';

/** The header of every POST that starts something. A key is the client's own, such as a UUID; it is stored as an HMAC only. */
export const idempotencyHeaders = z.looseObject({
  [header]: z
    .string()
    .regex(/^[!-~]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces')
    .optional()
    .describe('the same key with the same body starts one run only, and gets the same answer'),
});

/** What makes a request idempotent; undefined where it came without a key. `what` keeps one key from meaning two things. */
export function idempotent(
  headers: z.infer<typeof idempotencyHeaders>,
  what: string,
  body: unknown,
): IdempotentRequest | undefined {
  const key = headers[header];
  return typeof key === 'string' ? { key, what, body } : undefined;
}
