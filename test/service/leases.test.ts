import { describe, expect, test } from 'vitest';
import { v7 } from 'uuid';
import { LedgerError } from '../../src/errors.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { decodeEvent } from '../../src/events/envelope.ts';
import { LeaseLost } from '../../src/service/held-lease.ts';
import { holdLease } from '../../src/service/hold-lease.ts';
import type { LeaseClock } from '../../src/service/lease-clock.ts';
import { createLeaseStreams } from '../../src/service/lease-stream.ts';
import { createLeases, type Leases } from '../../src/service/leases.ts';
import { memoryEventStore } from '../memory-event-store.ts';
import { moment } from '../moment.ts';
import { heldTime } from './held-time.ts';

const seconds = 15;
const unavailable = () => new LedgerError('UNAVAILABLE', { what: 'The store', cure: 'wait' });

type Elsewhere = { readonly steady: LeaseClock; readonly over: (store: EventStore) => EventStore };

function bench() {
  const store = memoryEventStore();
  const time = heldTime();
  const node = (holder: string, { steady = time, over = (own) => own }: Partial<Elsewhere> = {}): Leases =>
    createLeases({ store: over(store), clock: Date.now, newId: () => v7(), steady, holder, seconds });
  const eventsOf = (what: string) =>
    (store.streams.get(`lease-${what}`) ?? []).map((stored) => decodeEvent(stored, undefined));
  const typesOf = (what: string) => eventsOf(what).map(({ type }) => type);
  return { store, time, node, eventsOf, typesOf };
}

/** A store that can be cut off: what is asked of it then fails, or is stored and fails all the same. */
function cutting() {
  let how: 'sound' | 'away' | 'deaf' | 'hanging' = 'sound';
  const over = (store: EventStore): EventStore => ({
    ...store,
    append: async (...args) => {
      if (how === 'away') throw unavailable();
      if (how === 'hanging') return new Promise(() => undefined);
      const appended = await store.append(...args);
      if (how === 'deaf') throw unavailable();
      return appended;
    },
    readStream: (...args) => {
      if (how === 'away') throw unavailable();
      return store.readStream(...args);
    },
  });
  return { over, be: (next: typeof how) => void (how = next) };
}

describe('a lease', () => {
  test('is taken by one of two that try at the same moment', async () => {
    const { node, typesOf } = bench();
    const taken = await Promise.all([node('a').take('run'), node('b').take('run')]);
    expect(taken.filter((held) => held !== undefined)).toHaveLength(1);
    expect(typesOf('run')).toEqual(['lease_taken']);
  });

  test('holds who has it and for how long, as facts, and needs no key', async () => {
    const { node, eventsOf } = bench();
    await node('a').take('run');
    const [event] = eventsOf('run');
    expect(event?.core).toMatchObject({ stream: 'lease-run', facts: { holder: 'a', seconds } });
    expect(event?.payload).toBeNull();
  });

  test('is taken only once by one process too', async () => {
    const { node } = bench();
    const a = node('a');
    const [first, second] = await Promise.all([a.take('run'), a.take('run')]);
    expect([first === undefined, second === undefined]).toEqual([false, true]);
    expect(await a.take('run')).toBeUndefined();
  });

  test('is renewed each third of its term for as long as it is held, and not after', async () => {
    const { node, time, typesOf } = bench();
    const held = await node('a').take('run');
    await time.pass(16);
    expect(typesOf('run')).toEqual(['lease_taken', 'lease_renewed', 'lease_renewed', 'lease_renewed']);
    held?.leave();
    await time.pass(100);
    expect(typesOf('run')).toHaveLength(4);
    expect(held?.signal.aborted).toBe(false);
  });

  test('that is held is nobody else’s, however long', async () => {
    const { node, time } = bench();
    await node('a').take('run');
    const b = node('b');
    for (let looks = 0; looks < 40; looks += 1) {
      expect(await b.take('run')).toBeUndefined();
      await time.pass(5);
    }
    expect(await b.isElsewhere('run')).toBe(true);
  });

  test('that was given back is taken at once', async () => {
    const { node, time, typesOf } = bench();
    const held = await node('a').take('run');
    await time.pass(6);
    await held?.release();
    await held?.release();
    expect(await node('b').isElsewhere('run')).toBe(false);
    const next = await node('b').take('run');
    expect(typesOf('run')).toEqual(['lease_taken', 'lease_renewed', 'lease_released', 'lease_taken']);
    expect(next?.fence).toBeGreaterThan(held?.fence ?? NaN);
    expect(held?.assertHeld).toThrow(LeaseLost);
  });

  test('whose holder died is taken a term after it was first seen, by the observer’s own clock', async () => {
    const { node, time } = bench();
    const dead = time.machine(0);
    await node('a', { steady: dead }).take('run');
    dead.freeze();
    await time.pass(1_000);
    const b = node('b', { steady: time.machine(-5_000) });
    expect(await b.take('run')).toBeUndefined();
    await time.pass(seconds);
    expect(await b.take('run')).toBeUndefined();
    await time.pass(seconds * 0.11);
    expect(await b.take('run')).toBeDefined();
  });

  test('of our own name that we do not hold is ours at once', async () => {
    const { node } = bench();
    const a = node('a');
    (await a.take('run'))?.leave();
    expect(await a.isElsewhere('run')).toBe(false);
    expect(await a.take('run')).toBeDefined();
  });

  test('that nobody ever took is left to whoever began the run for a term; then it is free', async () => {
    const { node, time } = bench();
    const b = node('b');
    expect(b.isFree('run', null)).toBe(false);
    await time.pass(seconds);
    expect(b.isFree('run', null)).toBe(false);
    await time.pass(2);
    expect(b.isFree('run', null)).toBe(true);
  });
});

describe('a holder that cannot renew', () => {
  test.each(['away', 'deaf', 'hanging'] as const)(
    '(the store is %s) stops by itself within the term',
    async (how) => {
      const { node, time } = bench();
      const { over, be } = cutting();
      const held = await node('a', { over }).take('run');
      await time.pass(5.5);
      be(how);
      // Renewed at 5; the renewal of 10 fails.
      await time.pass(14);
      expect(held?.signal.aborted).toBe(false);
      await time.pass(0.6);
      expect(held?.signal.reason).toBeInstanceOf(LeaseLost);
      expect(held?.assertHeld).toThrow(LeaseLost);
    },
  );

  test('counts from the beginning of a slow renewal, not from its end', async () => {
    const { node, time } = bench();
    const gates: { readonly come: Promise<void>; readonly arrive: () => void }[] = [];
    const over = (store: EventStore): EventStore => ({
      ...store,
      append: async (stream, events, expected) => {
        if (expected !== 'noStream') {
          const gate = moment();
          gates.push(gate);
          await gate.come;
        }
        return store.append(stream, events, expected);
      },
    });
    const held = await node('a', { over }).take('run');
    await time.pass(14);
    gates[0]?.arrive();
    // The renewal began at 5 and came back at 14: it lasts until 20. The one that follows hangs.
    await time.pass(5.9);
    expect(held?.signal.aborted).toBe(false);
    await time.pass(0.2);
    expect(held?.signal.aborted).toBe(true);
  });

  test('goes on where the store is back in time, also where what failed had been stored', async () => {
    for (const how of ['away', 'deaf'] as const) {
      const { node, time, typesOf } = bench();
      const { over, be } = cutting();
      const held = await node('a', { over }).take('run');
      be(how);
      await time.pass(12);
      be('sound');
      await time.pass(12);
      expect(held?.signal.aborted).toBe(false);
      expect(new Set(typesOf('run'))).toEqual(new Set(['lease_taken', 'lease_renewed']));
    }
  });

  test('knows by the clock alone, before its timers come', async () => {
    const { node, time } = bench();
    const machine = time.machine(0);
    const held = await node('a', { steady: machine }).take('run');
    machine.freeze();
    await time.pass(15);
    expect(held?.signal.aborted).toBe(false);
    expect(held?.assertHeld).toThrow(LeaseLost);
    expect(held?.signal.aborted).toBe(true);
  });

  test('learns at its next renewal that another has it, whose clock was wrong', async () => {
    const { store, node, time } = bench();
    const held = await node('a').take('run');
    const streams = createLeaseStreams({ store, clock: Date.now, newId: () => v7() });
    const taken = { type: 'lease_taken', holder: 'b', seconds } as const;
    await streams.next('run', taken, await streams.read('run'))();
    await time.pass(4.9);
    expect(held?.signal.aborted).toBe(false);
    await time.pass(0.2);
    expect(held?.signal.reason).toBeInstanceOf(LeaseLost);
    await held?.release();
    expect((await streams.read('run')).lease).toMatchObject({ holder: 'b', revision: 1 });
  });
});

test('an outage of the store makes nobody think that the others are dead', async () => {
  const { node, time } = bench();
  const { over, be } = cutting();
  const held = await node('a', { over }).take('run');
  const b = node('b', { over });
  expect(await b.take('run')).toBeUndefined();
  be('away');
  await time.pass(10);
  await expect(b.take('run')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await time.pass(10);
  expect(held?.signal.aborted).toBe(true);
  be('sound');
  // b saw the last event 20 s ago, and does not count what it could not hear: a has its lease back.
  expect(await b.take('run')).toBeUndefined();
  await time.pass(seconds);
  expect(await b.take('run')).toBeUndefined();
});

describe('work under a lease', () => {
  const hold =
    (leases: Leases, steady: LeaseClock) => (work: Parameters<typeof holdLease>[2], ending: AbortSignal) =>
      holdLease({ leases, steady }, 'ledger', work, ending);
  const never = new AbortController().signal;
  const untilAborted = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });

  test('of two that want it is done by one, and by the other once the first has ended', async () => {
    const { node, time } = bench();
    const log: string[] = [];
    const end = moment();
    const first = hold(node('a'), time)(async () => {
      log.push('a begins');
      await end.come;
      log.push('a ends');
      return 'done';
    }, never);
    await time.pass(0);
    const second = hold(node('b'), time)(() => Promise.resolve(log.push('b')), never);
    await time.pass(60);
    expect(log).toEqual(['a begins']);
    end.arrive();
    expect(await first).toBe('done');
    await time.pass(5);
    await second;
    expect(log).toEqual(['a begins', 'a ends', 'b']);
  });

  test('of a frozen holder goes on elsewhere; thawed, it is stopped before it writes, and waits its turn', async () => {
    const { node, time } = bench();
    const machine = time.machine(0);
    const writes: string[] = [];
    const ending = new AbortController();
    const fences: number[] = [];
    const working =
      (name: string): Parameters<typeof holdLease>[2] =>
      async (signal, fence) => {
        fences.push(fence.fence);
        fence.assertHeld();
        writes.push(name);
        return untilAborted(signal);
      };
    const a = hold(node('a', { steady: machine }), machine)(working('a'), ending.signal);
    await time.pass(0);
    const b = hold(node('b'), time)(working('b'), ending.signal);
    machine.freeze();
    await time.pass(22);
    expect(writes).toEqual(['a', 'b']);
    machine.thaw();
    await time.pass(60);
    expect(writes).toEqual(['a', 'b']);
    expect(fences).toEqual([...fences].sort((one, other) => one - other));
    ending.abort(new Error('over'));
    await expect(a).rejects.toThrow('over');
    await expect(b).rejects.toThrow('over');
  });

  test('that fails of itself fails for whoever asked, and gives the lease back', async () => {
    const { node, time, typesOf } = bench();
    const failing = hold(node('a'), time)(() => Promise.reject(new Error('no tree')), never);
    await expect(failing).rejects.toThrow('no tree');
    expect(typesOf('ledger')).toEqual(['lease_taken', 'lease_released']);
  });
});
