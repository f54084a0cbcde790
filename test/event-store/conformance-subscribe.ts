import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Delivery, EventStore, Position, SubscribeOptions } from '../../src/event-store/port.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import type { Subject } from './conformance.ts';
import { contents, fill, idsOf, readyEvents } from './ready-events.ts';

export function subscribeTests({ store }: Subject): void {
  test('C31 catch-up to live under a writer of 5,000 events: no gap, no duplicate, order of the whole log', async () => {
    await fill(store(), 'run-0', 1000);
    const writing = (async () => {
      for (let number = 1; number <= 100; number++) {
        const streams = [`run-${number}a`, `run-${number}b`];
        await Promise.all(streams.map((stream) => store().append(stream, readyEvents(25), 'noStream')));
      }
    })();
    const events = await take(store(), {}, 6000);
    await writing;
    expect(idsOf(events)).toEqual(idsOf(await contents(store())));
  });

  test('C32 from a position is exclusive', async () => {
    await fill(store(), 'run-1', 20);
    const all = await contents(store());
    expect(idsOf(await take(store(), { from: all[4]?.position ?? '' }, 15))).toEqual(idsOf(all.slice(5)));
    expect(idsOf(await take(store(), { from: 'start' }, 20))).toEqual(idsOf(all));
  });

  test('C33 from end', async () => {
    await fill(store(), 'run-1', 20);
    const taking = take(store(), { from: 'end' }, 3);
    const later = readyEvents(3);
    await store().append('run-2', later, 'noStream');
    expect(idsOf(await taking)).toEqual(idsOf(later));
  });

  test('C34 prefix filter in the store', async () => {
    for (const stream of ['run-1', 'policy-1', 'run-2', 'access', 'runner']) {
      await store().append(stream, readyEvents(3), 'noStream');
    }
    const runs = await take(store(), { streamPrefixes: ['run-'] }, 6);
    expect(runs.map((event) => event.stream)).toEqual([...Array(3).fill('run-1'), ...Array(3).fill('run-2')]);
    const both = await take(store(), { streamPrefixes: ['acc', 'policy-'] }, 6);
    expect(both.map((event) => event.stream)).toEqual([
      ...Array(3).fill('policy-1'),
      ...Array(3).fill('access'),
    ]);
  });

  test('C35 checkpoints arrive while nothing matches', async () => {
    await fill(store(), 'run-1', 300);
    const all = await contents(store());
    const positions: Position[] = [];
    for await (const delivery of store().subscribeAll({ streamPrefixes: ['policy-'] })) {
      expect(delivery.kind).not.toBe('event');
      if (delivery.kind === 'checkpoint') positions.push(delivery.position);
      if (delivery.kind === 'caughtUp') await store().append('run-1', readyEvents(1), 299);
      if (positions.length > 0 && store().compare(positions.at(-1) ?? '', all.at(-1)?.position ?? '') > 0)
        break;
    }
    expect(positions).toContain(all.at(-1)?.position);
    for (const [index, position] of positions.entries()) {
      if (index > 0) expect(store().compare(positions[index - 1] ?? '', position)).toBeLessThan(0);
    }
  });

  test('C36 caught-up exactly once the pre-existing events are through, also on an empty store', async () => {
    const kinds = async (count: number) => {
      const seen: Delivery['kind'][] = [];
      for await (const delivery of store().subscribeAll()) {
        seen.push(delivery.kind);
        if (delivery.kind === 'caughtUp') await store().append(`live-${count}`, readyEvents(3), 'noStream');
        if (seen.length === count + 4) break;
      }
      return seen;
    };
    expect(await kinds(0)).toEqual(['caughtUp', ...Array(3).fill('event')]);
    await fill(store(), 'run-1', 297);
    expect(await kinds(300)).toEqual([...Array(300).fill('event'), 'caughtUp', ...Array(3).fill('event')]);
  });

  test('C37 a stream that does not exist yet', async () => {
    const taking = take(store(), { streamPrefixes: ['run-new'] }, 2);
    await fill(store(), 'run-old', 10);
    const events = readyEvents(2);
    await store().append('run-new', events, 'noStream');
    expect(idsOf(await taking)).toEqual(idsOf(events));
  });

  test('C38 a slow consumer blocks nobody and loses nothing', async () => {
    await fill(store(), 'run-0', 10);
    const slow = store().subscribeAll()[Symbol.asyncIterator]();
    const seen: string[] = [];
    const step = async () => {
      const { value } = (await slow.next()) as { value: Delivery };
      if (value.kind === 'event') seen.push(value.event.id);
    };
    await step();
    // The slow one stands still while appends are acked and a fast one gets everything.
    const fast = take(store(), {}, 1010);
    await fill(store(), 'run-1', 1000);
    expect(await fast).toHaveLength(1010);
    while (seen.length < 1010) {
      await step();
      if (seen.length % 50 === 0) await turn();
    }
    await slow.return?.();
    expect(seen).toEqual(idsOf(await contents(store())));
  });

  test('C39 a throwing handler stops only its own subscription, at the last good position', async () => {
    const other = take(store(), {}, 40);
    await fill(store(), 'run-1', 20);
    let good: Position = 'start';
    let handled = 0;
    const failing = (async () => {
      for await (const delivery of store().subscribeAll()) {
        if (delivery.kind !== 'event') continue;
        if (handled === 7) throw new Error('cannot handle this');
        handled += 1;
        good = delivery.event.position;
      }
    })();
    await expect(failing).rejects.toThrow('cannot handle this');
    await fill(store(), 'run-2', 20);
    expect(await other).toHaveLength(40);
    const rest = await take(store(), { from: good }, 33);
    expect(idsOf(rest)).toEqual(idsOf((await contents(store())).slice(7)));
  });

  test('C40 abort: nothing after it, no unhandled rejection, the process can exit', async () => {
    await fill(store(), 'run-1', 50);
    const control = new AbortController();
    const deliveries: Delivery[] = [];
    const waiting = signalOnce();
    const following = (async () => {
      for await (const delivery of store().subscribeAll({ signal: control.signal })) {
        deliveries.push(delivery);
        if (delivery.kind === 'caughtUp') waiting.resolve();
      }
    })();
    await waiting.promise;
    control.abort();
    await following;
    await store().append('run-1', readyEvents(1), 49);
    expect(deliveries).toHaveLength(51);

    // Also in the middle of history, and before the first step.
    const early = new AbortController();
    let seen = 0;
    for await (const delivery of store().subscribeAll({ signal: early.signal })) {
      if (delivery.kind === 'event') seen += 1;
      if (seen === 5) early.abort();
    }
    expect(seen).toBe(5);
    for await (const delivery of store().subscribeAll({ signal: AbortSignal.abort() })) {
      expect.unreachable(`${delivery.kind} after the abort`);
    }
  });

  test('closing the store ends its subscriptions with Unavailable', async () => {
    const waiting = signalOnce();
    const following = (async () => {
      for await (const delivery of store().subscribeAll()) {
        if (delivery.kind === 'caughtUp') waiting.resolve();
      }
    })();
    await waiting.promise;
    await Promise.all([expect(following).rejects.toMatchObject({ code: 'UNAVAILABLE' }), store().close()]);
  });
}

/** The first `count` events of a subscription, which is then left. */
function take(store: EventStore, options: SubscribeOptions, count: number): Promise<StoredEvent[]> {
  // Subscribed before this returns: what is appended next is live.
  const subscription = store.subscribeAll(options);
  return (async () => {
    const events: StoredEvent[] = [];
    for await (const delivery of subscription) {
      if (delivery.kind === 'event') events.push(delivery.event);
      if (events.length === count) break;
    }
    return events;
  })();
}

function signalOnce(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
