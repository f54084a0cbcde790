import { once } from 'node:events';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { describe, expect, test } from 'vitest';
import { exactly, idsOf, someEvents } from './a-client.ts';
import { randomFrom } from '../crash/random.ts';
import type { Fault } from './faults.ts';
import { clientOf, runningServer } from './running.ts';

/** A shorter deadline than this would strike before the server on a busy machine. */
const deadline = 1500;

async function running() {
  const { server, client } = await runningServer();
  const append = (events = someEvents(1), by: EventStoreDBClient = client) =>
    by.appendToStream('run-a', events, exactly('no_stream', { deadline }));
  return { server, client, append };
}

describe('an append', () => {
  test.each([
    ['hang', 'deadline-exceeded'],
    ['drop', 'unavailable'],
    ['unavailable', 'unavailable'],
    ['noLeaderInfo', 'unknown'],
    ['deny', 'access-denied'],
  ] as const)('%s: it fails with %s, nothing is stored, and the next one is taken', async (kind, type) => {
    const { server, append } = await running();
    const fault = server.faults.inject('append', { kind }, 1);
    const refused = expect(append()).rejects.toMatchObject({ type });
    await fault.struck();
    await refused;
    const next = clientOf(server.url);
    const events = someEvents(2);
    expect((await append(events, next)).nextExpectedRevision).toBe(1n);
    expect(await idsOf(next.readAll())).toEqual(events.map(({ id }) => id));
    expect(fault.strikes()).toBe(1);
  });

  test.each([
    ['hangAfterStoring', 'deadline-exceeded'],
    ['dropAfterStoring', 'unavailable'],
  ] as const)('%s: it fails with %s, and is stored', async (kind, type) => {
    const { server, append } = await running();
    server.faults.inject('append', { kind }, 1);
    const events = someEvents(2);
    await expect(append(events)).rejects.toMatchObject({ type });
    const next = clientOf(server.url);
    expect(await idsOf(next.readAll())).toEqual(events.map(({ id }) => id));
    expect((await append(events, next)).nextExpectedRevision).toBe(1n);
    expect(await idsOf(next.readAll())).toHaveLength(2);
  });

  test('is told who the leader is, where it requires one', async () => {
    const { server, client, append } = await running();
    const leader = { host: '127.0.0.1', port: 1 };
    const fault = server.faults.inject('append', { kind: 'notLeader', leader, onlyWhereRequired: true });
    await client.appendToStream('run-b', someEvents(1), exactly('any', { requiresLeader: false }));
    expect(fault.strikes()).toBe(0);
    const refused = append();
    await expect(refused).rejects.toMatchObject({
      type: 'not-leader',
      leader: { address: '127.0.0.1', port: 1 },
    });
    fault.lift();
    const next = clientOf(server.url);
    expect((await append(someEvents(1), next)).success).toBe(true);
  });

  test('may be acknowledged without a position', async () => {
    const { server, append } = await running();
    server.faults.inject('append', { kind: 'ackWithoutPosition' }, 1);
    const events = someEvents(2);
    expect(await append(events)).toMatchObject({
      success: true,
      nextExpectedRevision: 1n,
      position: undefined,
    });
    expect((await append(events)).position).toBeDefined();
  });

  test('a forgetful server tells a retry of a wrong expected version', async () => {
    const { server, append } = await running();
    const fault = server.faults.inject('append', { kind: 'forgetful' });
    const events = someEvents(2);
    await append(events);
    await expect(append(events)).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 1n });
    fault.lift();
    expect((await append(events)).nextExpectedRevision).toBe(1n);
  });

  test('a slow one is answered late, by delays of a seed', async () => {
    const { server, append } = await running();
    const delays: number[] = [];
    const random = randomFrom(7);
    const delayMs = () => {
      delays.push(Math.floor(random() * 20));
      return delays.at(-1) ?? 0;
    };
    const fault = server.faults.inject('append', { kind: 'slow', delayMs }, 2);
    await append();
    await expect(append()).rejects.toMatchObject({ type: 'wrong-expected-version' });
    expect(fault.strikes()).toBe(2);
    const same = randomFrom(7);
    expect(delays).toEqual([Math.floor(same() * 20), Math.floor(same() * 20)]);
  });
});

describe('a read', () => {
  const reading = async (fault: Fault) => {
    const { server, client } = await runningServer();
    const events = someEvents(50);
    await client.appendToStream('run-a', events, exactly('no_stream'));
    const injected = server.faults.inject('read', fault, 1);
    const ids: (string | undefined)[] = [];
    const read = client.readAll();
    read.on('data', ({ event }) => ids.push(event?.id));
    return { server, client, events, injected, ids, read, all: events.map(({ id }) => id) };
  };

  test.each([
    [{ kind: 'drop' }, 0],
    [{ kind: 'unavailable' }, 0],
    [{ kind: 'errorAfter', events: 20 }, 20],
  ] as const)('%o: it breaks off with UNAVAILABLE after %i events', async (fault, count) => {
    const { ids, all, read } = await reading(fault);
    const [error] = await once(read, 'error').catch((error: unknown) => [error]);
    expect(error).toMatchObject({ type: 'unavailable' });
    expect(ids).toEqual(all.slice(0, count));
  });

  test('cutAfter: it breaks off with no more than the events before the cut', async () => {
    const { ids, all, read, client, server } = await reading({ kind: 'cutAfter', events: 20 });
    const [error] = await once(read, 'error').catch((error: unknown) => [error]);
    expect(error).toMatchObject({ type: 'unavailable' });
    expect(ids.length).toBeLessThanOrEqual(20);
    expect(ids).toEqual(all.slice(0, ids.length));
    await client.dispose();
    expect(await idsOf(clientOf(server.url).readAll())).toEqual(all);
  });

  test('endAfter: it ends as if that were all', async () => {
    const { ids, all, read } = await reading({ kind: 'endAfter', events: 20 });
    await once(read, 'end');
    expect(ids).toEqual(all.slice(0, 20));
  });

  test('silentAfter: it stalls in the middle and stays open', async () => {
    const { ids, injected, server, read, all } = await reading({ kind: 'silentAfter', events: 20 });
    while (ids.length < 20) await once(read, 'data');
    await injected.struck();
    expect(ids).toEqual(all.slice(0, 20));
    expect(server.openCalls()).toBe(1);
    await read.cancel();
    await server.whenIdle();
  });
});

describe('a subscription', () => {
  const subscribing = async (fault: Fault) => {
    const { server, client } = await runningServer();
    await client.appendToStream('run-a', someEvents(3), exactly('no_stream'));
    const injected = server.faults.inject('subscribe', fault, 1);
    const ids: (string | undefined)[] = [];
    const subscription = client.subscribeToAll();
    subscription.on('data', ({ event }) => ids.push(event?.id));
    const append = (events = someEvents(1)) => client.appendToStream('run-a', events, exactly('any'));
    return { server, client, injected, ids, subscription, append };
  };

  test('endAfter: a live one ends without an error', async () => {
    const { ids, subscription, append } = await subscribing({ kind: 'endAfter', events: 5 });
    await once(subscription, 'caughtUp');
    const ended = once(subscription, 'end');
    await append(someEvents(3));
    await ended;
    expect(ids).toHaveLength(5);
  });

  test('errorAfter: it ends with an error', async () => {
    const { ids, subscription, append } = await subscribing({ kind: 'errorAfter', events: 4 });
    await once(subscription, 'caughtUp');
    const failed = once(subscription, 'end').catch((error: unknown) => error);
    await append(someEvents(3));
    expect(await failed).toMatchObject({ type: 'unavailable' });
    expect(ids).toHaveLength(4);
  });

  test('silentAfter: it stays open and delivers nothing more', async () => {
    const { ids, subscription, append, injected, server, client } = await subscribing({
      kind: 'silentAfter',
      events: 4,
    });
    await once(subscription, 'caughtUp');
    await append(someEvents(3));
    await injected.struck();
    // Another one sees what this one does not.
    const other = client.subscribeToAll();
    const seen: unknown[] = [];
    other.on('data', (event) => seen.push(event));
    while (seen.length < 6) await once(other, 'data');
    expect(ids).toHaveLength(4);
    expect(server.openCalls()).toBe(2);
  });

  test('cutAfter none: the connection goes before the first event', async () => {
    const { ids, subscription } = await subscribing({ kind: 'cutAfter', events: 0 });
    const error = await once(subscription, 'end').catch((error: unknown) => error);
    expect(error).toMatchObject({ type: 'unavailable' });
    expect(ids).toEqual([]);
  });
});

test('a fault that a method cannot have is refused', async () => {
  const { server } = await runningServer();
  expect(() => server.faults.inject('gossip', { kind: 'hangAfterStoring' })).toThrow(
    'gossip has no fault hangAfterStoring',
  );
});

test('faults are used up in their order, and all can be lifted', async () => {
  const { server, append } = await running();
  server.faults.inject('append', { kind: 'deny' }, 1);
  server.faults.inject('append', { kind: 'noLeaderInfo' });
  await expect(append()).rejects.toMatchObject({ type: 'access-denied' });
  await expect(append()).rejects.toMatchObject({ type: 'unknown' });
  await expect(append()).rejects.toMatchObject({ type: 'unknown' });
  server.faults.liftAll();
  expect((await append()).success).toBe(true);
});

test('a killed server answers nobody and is back on the same port with what it had', async () => {
  const { server, client, append } = await running();
  const events = someEvents(2);
  await append(events);
  const hanging = server.faults.inject('read', { kind: 'hang' }, 1);
  const read = client.readAll();
  const broken = once(read, 'end').catch((error: unknown) => error);
  await hanging.struck();
  await server.kill();
  expect(await broken).toMatchObject({ type: 'unavailable' });
  await expect(append(events, clientOf(server.url))).rejects.toMatchObject({ type: 'unavailable' });
  const { port } = server;
  await server.restart();
  expect(server.port).toBe(port);
  expect(await idsOf(clientOf(server.url).readAll())).toEqual(events.map(({ id }) => id));
});

test('a stopped server answers the calls that are open', async () => {
  const { server, client } = await running();
  const subscription = client.subscribeToAll();
  await once(subscription, 'caughtUp');
  const ended = once(subscription.resume(), 'end').catch((error: unknown) => error);
  await server.stop();
  expect(await ended).toMatchObject({ type: 'unavailable' });
  expect(server.openCalls()).toBe(0);
});
