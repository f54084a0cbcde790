import { setTimeout as delay } from 'node:timers/promises';
import { LedgerError } from '../../errors.ts';
import { finalFailure, isTimeout } from './client-failure.ts';

export type Patience = {
  /** One call, from asking to the answer, in milliseconds. */
  readonly callMs: number;
  /** So long what may pass is tried again. The last try may take one call longer. */
  readonly patienceMs: number;
};

/** Between two tries; doubled each time. */
const firstPauseMs = 50;
const lastPauseMs = 1_000;

/**
 * Tries until it succeeds, fails for good, or patience ends: then UNAVAILABLE, or TIMEOUT where the server did not answer in
 * time. Rejects at once with the reason of the signal.
 */
export async function patiently<T>(
  { callMs, patienceMs }: Patience,
  {
    what,
    stream = what,
    signal,
  }: { readonly what: string; readonly stream?: string; readonly signal?: AbortSignal | undefined },
  attempt: () => Promise<T>,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      const final = finalFailure(error, stream);
      if (final !== undefined) throw final;
      if (performance.now() + pauseMs > end) throw givenUp(what, error, { callMs, patienceMs });
    }
    await delay(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() =>
      signal?.throwIfAborted(),
    );
  }
}

export function givenUp(what: string, cause: unknown, { callMs, patienceMs }: Patience): LedgerError {
  if (isTimeout(cause)) return new LedgerError('TIMEOUT', { what, timeoutMs: callMs }, { cause });
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LedgerError(
    'UNAVAILABLE',
    {
      what: `${what} was not possible for ${patienceMs / 1_000} s (${why})`,
      cure: 'see whether the event store runs, then send the same again',
    },
    { cause },
  );
}
