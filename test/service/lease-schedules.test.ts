import { expect, test } from 'vitest';
import { v7 } from 'uuid';
import { LedgerError } from '../../src/errors.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import type { HeldLease } from '../../src/service/held-lease.ts';
import { createLeases } from '../../src/service/leases.ts';
import { memoryEventStore } from '../memory-event-store.ts';
import { randomFrom } from '../recorded-runs.ts';
import { type HeldTime, heldTime } from './held-time.ts';

const seconds = 3;
const schedules = 150;
const lasting = 60;

/** A store that takes its time, before and after it stores; sometimes nobody hears the answer, sometimes nothing is stored. */
function slow(store: EventStore, time: HeldTime, random: () => number): EventStore {
  const passes = (): Promise<void> =>
    new Promise((resolve) => {
      const isLong = random() < 0.1;
      time.wake(random() * (isLong ? seconds * 2 : 0.4), resolve);
    });
  const away = () => new LedgerError('UNAVAILABLE', { what: 'The store', cure: 'wait' });
  return {
    ...store,
    append: async (...args) => {
      await passes();
      if (random() < 0.1) throw away();
      const appended = await store.append(...args);
      await passes();
      if (random() < 0.1) throw away();
      return appended;
    },
    readStream: async function* (...args) {
      await passes();
      if (random() < 0.05) throw away();
      const found = [];
      for await (const stored of store.readStream(...args)) found.push(stored);
      await passes();
      yield* found;
    },
  };
}

/** An answer may have come when the term was over. */
function isInTime(held: HeldLease): boolean {
  try {
    held.assertHeld();
    return true;
  } catch {
    return false;
  }
}

type Write = { readonly by: string; readonly fence: number };

/** Three processes that want the same lease, each on a clock of its own, frozen now and then. */
async function schedule(seed: number) {
  const random = randomFrom(seed);
  const time = heldTime();
  const store = memoryEventStore();
  const counts = { taken: 0, written: 0, refused: 0 };
  const holding = new Map<string, { readonly held: HeldLease; readonly isFrozen: () => boolean }>();
  const work: Write[] = [];
  const faults: string[] = [];

  const assertAlone = (name: string): void => {
    for (const [other, { held, isFrozen }] of holding) {
      if (other === name || isFrozen()) continue;
      if (isInTime(held)) faults.push(`${other} and ${name} hold it at ${time.now()}`);
    }
  };

  for (const name of ['a', 'b', 'c']) {
    const machine = time.machine(random() * 1_000);
    let isFrozen = false;
    const leases = createLeases({
      store: slow(store, time, random),
      clock: Date.now,
      newId: () => v7(),
      steady: machine,
      holder: name,
      seconds,
    });
    /** Writes at the place where it saw the end, as every writer of a stream does. */
    const writing = (held: HeldLease, seen: number): void => {
      if (held.signal.aborted) return;
      const isFirst = work.at(-1)?.by !== name;
      // A write that was on its way when its process froze: nothing asks for the lease any more.
      const isLate = random() < 0.3;
      const write = (): void => {
        if (work.length !== seen) {
          counts.refused += 1;
          return;
        }
        const before = work.at(-1);
        if (before !== undefined && before.fence > held.fence)
          faults.push(`${name} wrote after a later holder`);
        work.push({ by: name, fence: held.fence });
        if (!isFirst) counts.written += 1;
      };
      if (isLate) time.wake(random() * seconds * 2, write);
      else {
        if (!isInTime(held)) return;
        assertAlone(name);
        write();
      }
      const next = isLate ? seen : work.length;
      machine.wake(random(), () => writing(held, next));
    };
    const trying = async (): Promise<void> => {
      const held = await leases.take('it').catch((error: unknown) => {
        if (!(error instanceof LedgerError)) throw error;
        return undefined;
      });
      if (held !== undefined && isInTime(held)) {
        counts.taken += 1;
        holding.set(name, { held, isFrozen: () => isFrozen });
        held.signal.addEventListener('abort', () => holding.delete(name), { once: true });
        assertAlone(name);
        // Its claim comes first: from then on whoever is behind finds another revision.
        work.push({ by: name, fence: held.fence });
        writing(held, work.length);
        if (random() < 0.3)
          machine.wake(random() * seconds * 4, () => {
            holding.delete(name);
            void held.release();
          });
      }
      machine.wake(0.2 + random(), () => void trying());
    };
    machine.wake(random(), () => void trying());
    const freezing = (): void => {
      isFrozen = true;
      machine.freeze();
      time.wake(random() * seconds * 3, () => {
        isFrozen = false;
        machine.thaw();
      });
      time.wake(seconds * 3 + random() * 30, freezing);
    };
    time.wake(random() * 30, freezing);
  }
  await time.pass(lasting);
  return { ...counts, faults };
}

test(`over ${schedules} schedules of slow stores, lost answers and frozen processes nobody holds what another holds`, async () => {
  const sum = { taken: 0, written: 0, refused: 0 };
  for (let seed = 1; seed <= schedules; seed += 1) {
    const { faults, ...counts } = await schedule(seed);
    expect(faults, `seed ${seed}`).toEqual([]);
    sum.taken += counts.taken;
    sum.written += counts.written;
    sum.refused += counts.refused;
  }
  // All of it must have come up often, or the schedules were badly chosen.
  expect(sum.taken).toBeGreaterThan(schedules * 3);
  expect(sum.written).toBeGreaterThan(schedules * 10);
  expect(sum.refused).toBeGreaterThan(schedules);
});
