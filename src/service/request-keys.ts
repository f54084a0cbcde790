import { LedgerError } from '../errors.ts';
import { canonicalText } from '../events/canonical.ts';
import { keyedDigestOf } from '../events/ids.ts';

/** Keys whose use the read models may not know yet; older ones they do. */
const maxRemembered = 10_000;

/** The header that brings a key. */
const header = 'Idempotency-Key';

/** An Idempotency-Key and the request it came with, both only as HMACs. */
export type RequestKey = { readonly key: string; readonly body: string };

type Known = { readonly body: string | null; readonly startedId: string };

export type RequestKeys = {
  /** `what` names the kind of request, so that one key cannot mean two things. */
  readonly keyOf: (idempotencyKey: string, what: string, body: unknown) => RequestKey;
  /**
   * Starts a run or an export at most once for a key: `start` begins it and answers its id, and whoever comes again gets
   * the same one. Throws REQUEST_IN_FLIGHT while the first is being started, REQUEST_KEY_REUSED for another body under the same key.
   */
  readonly once: (
    request: RequestKey,
    start: () => Promise<string>,
  ) => Promise<{ readonly startedId: string }>;
};

/**
 * Idempotency-Keys over a read model of the log, where each stands on what it started, and over what this process has
 * started since. `find` asks the read model.
 */
export function createRequestKeys(naming: Uint8Array, find: (key: string) => Known | undefined): RequestKeys {
  const recent = new Map<string, Known>();
  const inFlight = new Map<string, string>();
  return {
    keyOf: (idempotencyKey, what, body) => ({
      key: keyedDigestOf(naming, 'request', idempotencyKey),
      body: keyedDigestOf(naming, 'request-body', canonicalText({ what, body })),
    }),
    once: async ({ key, body }, start) => {
      const known = recent.get(key) ?? find(key);
      const otherBody = inFlight.get(key) ?? known?.body;
      if (otherBody !== undefined && otherBody !== body)
        throw new LedgerError('REQUEST_KEY_REUSED', { header });
      if (inFlight.has(key)) throw new LedgerError('REQUEST_IN_FLIGHT', { header });
      if (known !== undefined) return { startedId: known.startedId };
      inFlight.set(key, body);
      try {
        const startedId = await start();
        if (recent.size >= maxRemembered) recent.delete(recent.keys().next().value ?? '');
        recent.set(key, { body, startedId });
        return { startedId };
      } finally {
        inFlight.delete(key);
      }
    },
  };
}
