import { LedgerError } from '../../errors.ts';

/** Room for so many calls at a time; the others wait their turn, up to a limit. */
export type Slots = {
  /** Resolves to the way to give the slot back. Throws UNAVAILABLE where too many wait, or the signal's reason. */
  readonly take: (signal?: AbortSignal) => Promise<() => void>;
};

export function createSlots(max: number, maxWaiting: number): Slots {
  const waiting = new Set<() => void>();
  let taken = 0;
  const give = (): void => {
    const [next] = waiting;
    if (next === undefined) taken -= 1;
    else next();
  };
  const once = (): (() => void) => {
    let isHeld = true;
    return () => {
      if (isHeld) give();
      isHeld = false;
    };
  };
  return {
    take: async (signal) => {
      signal?.throwIfAborted();
      if (taken < max) {
        taken += 1;
        return once();
      }
      if (waiting.size >= maxWaiting) {
        const what = `${waiting.size} calls wait for the event store`;
        throw new LedgerError('UNAVAILABLE', { what, cure: 'send the same again in a moment' });
      }
      await new Promise<void>((resolve, reject) => {
        const turn = (): void => {
          waiting.delete(turn);
          signal?.removeEventListener('abort', giveUp);
          resolve();
        };
        const giveUp = (): void => {
          waiting.delete(turn);
          reject(signal?.reason as Error);
        };
        waiting.add(turn);
        signal?.addEventListener('abort', giveUp, { once: true });
      });
      return once();
    },
  };
}
