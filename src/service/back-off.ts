import { setTimeout as wait } from 'node:timers/promises';

/** The first pause before a step is tried again, and the longest, milliseconds; in between it doubles. */
const pauseMs = { first: 500, last: 30_000 } as const;

/**
 * Waits before a step is tried again: as long as the backend asked for, or exponentially longer with jitter, so that many
 * runs that met the same failure do not come back at the same moment. Rejects with the signal's reason once aborted.
 */
export async function backOff(
  tries: number,
  retryAfterSeconds: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const doubled = Math.min(pauseMs.first * 2 ** (tries - 1), pauseMs.last);
  const ms =
    retryAfterSeconds === undefined
      ? doubled * (0.5 + Math.random() / 2)
      : Math.min(retryAfterSeconds * 1_000, pauseMs.last);
  try {
    await wait(ms, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}
