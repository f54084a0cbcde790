import { once } from 'node:events';
import {
  type AllStreamSubscription,
  END,
  eventTypeFilter,
  type Position,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import { expect, test } from 'vitest';
import { exactly, someEvents } from './a-client.ts';
import { runningServer } from './running.ts';

/** The ids of the next `count` events. */
async function next(subscription: AllStreamSubscription, count: number): Promise<(string | undefined)[]> {
  const ids: (string | undefined)[] = [];
  const events = subscription[Symbol.asyncIterator]();
  while (ids.length < count) {
    const { value } = await events.next();
    ids.push(value.event?.id);
  }
  return ids;
}

test('history comes first, then caught up, then what is appended, without gap or duplicate', async () => {
  const { client, server } = await runningServer();
  const events = someEvents(300);
  await client.appendToStream('run-a', events.slice(0, 200), exactly('no_stream'));
  const order: string[] = [];
  const subscription = client.subscribeToAll({ fromPosition: START });
  subscription.once('confirmation', () => order.push('confirmation'));
  subscription.once('caughtUp', () => order.push('caughtUp'));
  const caughtUp = once(subscription, 'caughtUp');
  expect(await next(subscription, 200)).toEqual(events.slice(0, 200).map(({ id }) => id));
  await caughtUp;
  expect(order).toEqual(['confirmation', 'caughtUp']);
  for (let at = 200; at < 300; at += 10) {
    await client.appendToStream('run-a', events.slice(at, at + 10), exactly(BigInt(at - 1)));
  }
  expect(await next(subscription, 100)).toEqual(events.slice(200).map(({ id }) => id));
  await subscription.unsubscribe();
  await server.whenIdle();
});

test('a subscription begins behind its position, or behind the end', async () => {
  const { client } = await runningServer();
  const [first, second, third] = someEvents(3);
  if (first === undefined || second === undefined || third === undefined) throw new Error('three events');
  const { position } = await client.appendToStream('run-a', [first], exactly('no_stream'));
  await client.appendToStream('run-a', [second], exactly(0n));
  const behind = client.subscribeToAll({ fromPosition: position ?? START });
  const live = client.subscribeToAll({ fromPosition: END });
  await once(live, 'caughtUp');
  await client.appendToStream('run-a', [third], exactly(1n));
  expect(await next(behind, 2)).toEqual([second.id, third.id]);
  expect(await next(live, 1)).toEqual([third.id]);
});

test.each([
  ['stream prefixes', streamNameFilter({ prefixes: ['run-', 'lease-'] }), ['run-a', 'lease-a', 'run-b']],
  ['a regex of streams', streamNameFilter({ regex: '^[^$].*a$' }), ['run-a', 'lease-a', 'other-a']],
  ['type prefixes', eventTypeFilter({ prefixes: ['stage_'] }), ['run-a', 'lease-a', 'other-a', 'run-b']],
  ['a regex of types', eventTypeFilter({ regex: '^\\$meta' }), ['$$run-a']],
] as const)('a filter on %s passes what matches', async (_, filter, expected) => {
  const { client } = await runningServer();
  for (const stream of ['run-a', 'lease-a', 'other-a']) {
    await client.appendToStream(stream, someEvents(1), exactly('any'));
  }
  await client.setStreamMetadata('run-a', {}, exactly('no_stream'));
  await client.appendToStream('run-b', someEvents(1), exactly('any'));
  const subscription = client.subscribeToAll({ filter });
  const streams: (string | undefined)[] = [];
  subscription.on('data', ({ event }) => streams.push(event?.streamId));
  await once(subscription, 'caughtUp');
  expect(streams).toEqual(expected);
});

test('checkpoints come each window times multiplier events while nothing matches', async () => {
  const { client } = await runningServer();
  const all = someEvents(100);
  await client.appendToStream('other', all, exactly('no_stream'));
  const checkpoints: Position[] = [];
  const filter = streamNameFilter({
    prefixes: ['run-'],
    maxSearchWindow: 10,
    checkpointInterval: 3,
    checkpointReached: async (_, position) => {
      checkpoints.push(position);
    },
  });
  const subscription = client.subscribeToAll({ filter }).resume();
  await once(subscription, 'caughtUp');
  const positions = (await client.readAll().toArray()).map(({ event }) => event?.position);
  expect(checkpoints).toEqual([positions[29], positions[59], positions[89]]);
});

test('a server before 23.10 says nothing of having caught up', async () => {
  const { client } = await runningServer({ version: '22.10.0', sendsCaughtUp: false });
  const subscription = client.subscribeToAll();
  let caughtUp = false;
  subscription.on('caughtUp', () => {
    caughtUp = true;
  });
  await once(subscription, 'confirmation');
  const events = someEvents(1);
  await client.appendToStream('run-a', events, exactly('any'));
  expect(await next(subscription, 1)).toEqual([events[0]?.id]);
  expect(caughtUp).toBe(false);
});

test('a consumer that takes nothing holds the server back, and takes everything later', async () => {
  const { client, server } = await runningServer();
  for (let batch = 0; batch < 8; batch += 1) {
    await client.appendToStream('run-a', someEvents(10, { dataBytes: 100_000 }), exactly('any'));
  }
  const piled = client.subscribeToAll({ fromPosition: START });
  await once(piled, 'confirmation');
  const events = someEvents(1);
  await client.appendToStream('run-b', events, exactly('any'));
  const sentMeanwhile = server.sentEvents();
  expect(sentMeanwhile).toBeLessThan(60);
  expect((await next(piled, 81)).at(-1)).toBe(events[0]?.id);
  expect(server.sentEvents()).toBe(81);
});

test('3,000 cancelled calls leave nothing behind', async () => {
  const { client, server } = await runningServer();
  await client.appendToStream('run-a', someEvents(200), exactly('any'));
  for (let round = 0; round < 30; round += 1) {
    const subscriptions = Array.from({ length: 50 }, () => client.subscribeToAll({ fromPosition: END }));
    const reads = Array.from({ length: 50 }, () => client.readAll({ maxCount: 200 }));
    await Promise.all(subscriptions.map((subscription) => once(subscription, 'confirmation')));
    await Promise.all(reads.map((read) => once(read, 'readable')));
    await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
    await Promise.all(reads.map((read) => read.cancel()));
    await server.whenIdle();
  }
  expect(server.calls.count('subscribe')).toBe(1500);
  expect(server.openCalls()).toBe(0);
  expect(await client.readAll().toArray()).toHaveLength(200);
});
