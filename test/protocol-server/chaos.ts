import { randomFrom } from '../crash/random.ts';
import type { Chooser, Fault, Method } from './faults.ts';

export type ChaosOptions = {
  /** The same seed and the same order of calls bring the same chaos. */
  readonly seed: number;
  /** Of all calls, how many something happens to; default 0.05. */
  readonly rate?: number;
  /** Of what happens, how much befalls the whole server instead of one call; default 0.05. */
  readonly upheavalRate?: number;
  /** Late answers are at most this late; default 20. */
  readonly maxDelayMs?: number;
};

export type Chaos = {
  /** How often what has struck, by kind. */
  readonly struck: () => Readonly<Record<string, number>>;
  /** Resolves when nothing of it goes on any more; rejects with what an upheaval failed with. */
  readonly end: () => Promise<void>;
};

type Target = {
  readonly choose: (chooser: Chooser | null) => void;
  /** What can befall all calls at once. The call that brings it about hangs until it is over. */
  readonly upheavals: Readonly<Record<string, () => Promise<void>>>;
};

/** Lets things go wrong at random until it is told to end. No call hangs for longer than an upheaval takes. */
export function startChaos(
  targets: readonly Target[],
  { seed, rate = 0.05, upheavalRate = 0.05, maxDelayMs = 20 }: ChaosOptions,
): Chaos {
  const random = randomFrom(seed);
  const struck = new Map<string, number>();
  const count = (what: string) => struck.set(what, (struck.get(what) ?? 0) + 1);
  let upheaval: Promise<void> | null = null;
  let failure: unknown = null;

  const turnUpsideDown = (upheavals: Target['upheavals']) => {
    const name = pick(Object.keys(upheavals), random);
    const run = name === undefined ? undefined : upheavals[name];
    if (name === undefined || run === undefined || upheaval !== null) return;
    count(name);
    upheaval = run()
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => {
        upheaval = null;
      });
  };

  for (const { choose, upheavals } of targets) {
    choose((method) => {
      if (random() >= rate) return null;
      if (random() < upheavalRate) {
        turnUpsideDown(upheavals);
        return null;
      }
      const fault = pick(faultsOf(method, random, maxDelayMs), random);
      return fault === undefined ? null : { fault, strike: () => count(fault.kind) };
    });
  }
  return {
    struck: () => Object.fromEntries(struck),
    end: async () => {
      for (const { choose } of targets) choose(null);
      await upheaval;
      if (failure !== null) throw new Error('An upheaval failed', { cause: failure });
    },
  };
}

function faultsOf(method: Method, random: () => number, maxDelayMs: number): readonly Fault[] {
  const late: Fault = { kind: 'slow', delayMs: () => Math.floor(random() * maxDelayMs) };
  const events = Math.floor(random() * 40);
  switch (method) {
    case 'append':
      return [late, { kind: 'drop' }, { kind: 'dropAfterStoring' }, { kind: 'unavailable' }];
    case 'read':
      return [
        { kind: 'drop' },
        { kind: 'unavailable' },
        { kind: 'errorAfter', events },
        { kind: 'cutAfter', events },
      ];
    case 'subscribe':
      return [
        { kind: 'endAfter', events },
        { kind: 'errorAfter', events },
        { kind: 'cutAfter', events },
      ];
    case 'gossip':
    case 'features':
      return [late, { kind: 'unavailable' }];
  }
}

function pick<T>(items: readonly T[], random: () => number): T | undefined {
  return items[Math.floor(random() * items.length)];
}
