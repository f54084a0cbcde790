import { isLedgerError, LedgerError } from '../errors.ts';
import { canonicalText } from '../events/canonical.ts';
import { keyedDigestOf } from '../events/ids.ts';
import type { RequestReservations } from './request-reservations.ts';

/** Keys whose use the read models may not know yet; older ones they do. */
const maxRemembered = 10_000;

/** The header that brings a key. */
const header = 'Idempotency-Key';

/** An Idempotency-Key and the request it came with, both only as HMACs. */
export type RequestKey = { readonly key: string; readonly body: string };

type Known = { readonly body: string | null; readonly startedId: string };

/** Called with a fresh id once nothing speaks against the start; answers the id that is to be used. */
export type Reserve = (freshId: string) => Promise<string>;

export type RequestKeys = {
  /** `what` names the kind of request, so that one key cannot mean two things. */
  readonly keyOf: (idempotencyKey: string, what: string, body: unknown) => RequestKey;
  /**
   * Starts a run or an export at most once for a key: `start` begins it and answers its id, and whoever comes again gets
   * the same one. Throws REQUEST_IN_FLIGHT while the first is being started, REQUEST_KEY_REUSED for another body under the same key.
   */
  readonly once: (
    request: RequestKey,
    start: (reserve: Reserve) => Promise<string>,
  ) => Promise<{ readonly startedId: string }>;
};

/**
 * Idempotency-Keys over a read model of the log, where each stands on what it started, and over what this process has
 * started since. `find` asks the read model. Where other processes start things too, the key's stream says what it is to start.
 */
export function createRequestKeys(
  naming: Uint8Array,
  find: (key: string) => Known | undefined,
  reservations?: RequestReservations,
): RequestKeys {
  const recent = new Map<string, Known>();
  const inFlight = new Map<string, string>();

  /** Starts it under the id that the key has reserved, whoever did: if another was faster, it is theirs. */
  const startReserved = async (
    shared: RequestReservations,
    { key, body }: RequestKey,
    start: (reserve: Reserve) => Promise<string>,
  ): Promise<string> => {
    const idOf = (known: Known): string => {
      if (known.body !== body) throw new LedgerError('REQUEST_KEY_REUSED', { header });
      return known.startedId;
    };
    const before = await shared.read(key);
    if (before !== undefined && (await shared.isStarted(idOf(before)))) return before.startedId;
    let reservedId: string | undefined;
    try {
      return await start(async (freshId) => {
        reservedId = idOf(await shared.reserve(key, { body, startedId: freshId }));
        return reservedId;
      });
    } catch (error) {
      const isThere = isLedgerError(error, 'RUN_EXISTS') || isLedgerError(error, 'EXPORT_STATUS');
      if (!isThere || reservedId === undefined || !(await shared.isStarted(reservedId))) throw error;
      return reservedId;
    }
  };

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
        const startedId =
          reservations === undefined
            ? await start((freshId) => Promise.resolve(freshId))
            : await startReserved(reservations, { key, body }, start);
        if (recent.size >= maxRemembered) recent.delete(recent.keys().next().value ?? '');
        recent.set(key, { body, startedId });
        return { startedId };
      } finally {
        inFlight.delete(key);
      }
    },
  };
}
