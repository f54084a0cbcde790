import { setImmediate as turn } from 'node:timers/promises';
import type { LeaseClock } from '../../src/service/lease-clock.ts';

/** Time that passes only when a test says so. */
export type HeldTime = LeaseClock & {
  /** Everything that falls due is called in order, each with what it set going come to rest. */
  readonly pass: (seconds: number) => Promise<void>;
  /** The same time as another machine has it: with another zero, and able to be stopped. */
  readonly machine: (zero: number) => LeaseClock & { readonly freeze: () => void; readonly thaw: () => void };
};

type Wake = { readonly at: number; readonly call: () => void };

export function heldTime(): HeldTime {
  let now = 0;
  const wakes = new Set<Wake>();
  const wake: LeaseClock['wake'] = (inSeconds, call) => {
    const one = { at: now + inSeconds, call };
    wakes.add(one);
    return () => void wakes.delete(one);
  };
  return {
    now: () => now,
    wake,
    pass: async (seconds) => {
      const until = now + seconds;
      await rest();
      for (;;) {
        const [first] = [...wakes].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (first === undefined) break;
        wakes.delete(first);
        now = Math.max(now, first.at);
        first.call();
        await rest();
      }
      now = until;
    },
    machine: (zero) => {
      let isFrozen = false;
      let missed: (() => void)[] = [];
      return {
        now: () => now + zero,
        wake: (inSeconds, call) => wake(inSeconds, () => (isFrozen ? void missed.push(call) : call())),
        freeze: () => {
          isFrozen = true;
        },
        thaw: () => {
          isFrozen = false;
          const calls = missed;
          missed = [];
          for (const call of calls) call();
        },
      };
    },
  };
}

/** What is in memory only has come to rest after a few turns of the event loop. */
async function rest(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await turn();
}
