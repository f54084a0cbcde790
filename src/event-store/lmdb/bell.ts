/** Wakes everyone who waits for the next commit. */
export type Bell = {
  readonly ring: () => void;
  /** Resolves at the next ring or when the signal aborts; never rejects. */
  readonly wait: (signal?: AbortSignal) => Promise<void>;
};

export function createBell(): Bell {
  let waiting = new Set<() => void>();
  return {
    ring: () => {
      const woken = waiting;
      waiting = new Set();
      for (const wake of woken) wake();
    },
    wait: (signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const wake = () => {
          waiting.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal?.addEventListener('abort', wake);
      }),
  };
}
