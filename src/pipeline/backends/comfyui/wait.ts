import { setTimeout } from 'node:timers/promises';

/** Resolves after so many milliseconds; rejects once the signal is aborted. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

export const realWait: Wait = async (ms, signal) => {
  await setTimeout(ms, undefined, { signal });
};
