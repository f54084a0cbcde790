import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type EventStoreDbLimits, openEventStoreDb } from '../../src/event-store/eventstoredb/log.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { connect, exactly, someEvents } from '../protocol-server/a-client.ts';
import type { Fault } from '../protocol-server/faults.ts';
import { type ProtocolServer, type ServerOptions, startProtocolServer } from '../protocol-server/server.ts';
import { freshDirectory } from './lmdb-directory.ts';
import { collect, contents, fill, idsOf, readyEvents } from './ready-events.ts';

/** Short, so that a test sees patience end; each is long for a server on the same machine. */
const impatient = { callMs: 1_000, patienceMs: 500, idleMs: 100 };
const patient = { callMs: 1_000, patienceMs: 30_000, idleMs: 100 };

async function startServer(options: Partial<ServerOptions> = {}): Promise<ProtocolServer> {
  const directory = await freshDirectory();
  const server = await startProtocolServer({ directory, ...options });
  onTestFinished(async () => {
    await server.kill();
    await rm(directory, { recursive: true });
  });
  return server;
}

async function open(server: ProtocolServer, limits: Partial<EventStoreDbLimits>): Promise<EventStore> {
  const store = await openEventStoreDb({ connectionString: server.url, limits });
  onTestFinished(() => store.close());
  return store;
}

/** A log with three events in `run-1`, on a server of its own. */
async function begun(limits: Partial<EventStoreDbLimits> = patient) {
  const server = await startServer();
  const store = await open(server, limits);
  await store.append('run-1', readyEvents(3), 'noStream');
  return { server, store };
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('an append', () => {
  test('C26 to a hung server ends in Timeout, and is stored once when it is sent again', async () => {
    const { server, store } = await begun(impatient);
    const hang = server.faults.inject('append', { kind: 'hang' });
    const events = readyEvents(2);
    await expect(store.append('run-1', events, 2)).rejects.toThrow(code('TIMEOUT'));
    hang.lift();
    expect((await store.append('run-1', events, 2)).revision).toBe(4);
    expect(idsOf(await contents(store)).slice(3)).toEqual(idsOf(events));
  });

  test('C42 during an outage is Unavailable, and is stored once when the server is back', async () => {
    const { server, store } = await begun(impatient);
    const events = readyEvents(2);
    await server.kill();
    await expect(store.append('run-1', events, 2)).rejects.toThrow(code('UNAVAILABLE'));
    await server.restart();
    const { position } = await store.append('run-1', events, 2);
    const all = await contents(store);
    expect(idsOf(all).slice(3)).toEqual(idsOf(events));
    expect(position).toBe(all.at(-1)?.position);
  });

  test('outlasts a restart of the server without its caller knowing', async () => {
    const { server, store } = await begun();
    await server.kill();
    const appending = store.append('run-1', readyEvents(2), 2);
    await server.restart();
    expect((await appending).revision).toBe(4);
    expect(await contents(store)).toHaveLength(5);
  });

  const unanswered: readonly Fault[] = [
    { kind: 'dropAfterStoring' },
    { kind: 'hangAfterStoring' },
    { kind: 'drop' },
    { kind: 'unavailable' },
    { kind: 'noLeaderInfo' },
    { kind: 'hang' },
  ];
  test.each(unanswered)(
    'C43 that is cut by $kind succeeds by being sent again, and is stored once',
    async (fault) => {
      const { server, store } = await begun();
      const struck = server.faults.inject('append', fault, 1);
      const events = readyEvents(3);
      const appended = await store.append('run-1', events, 2);
      await struck.struck();
      const all = await contents(store);
      expect(appended).toEqual({ revision: 5, position: all.at(-1)?.position });
      expect(idsOf(all).slice(3)).toEqual(idsOf(events));
    },
  );

  test('that the server has forgotten is known by its ids in the stream', async () => {
    const { server, store } = await begun();
    server.faults.inject('append', { kind: 'dropAfterStoring' }, 1);
    server.faults.inject('append', { kind: 'forgetful' }, 1);
    const events = readyEvents(3);
    const appended = await store.append('run-1', events, 2);
    expect(appended).toEqual({ revision: 5, position: (await contents(store)).at(-1)?.position });
  });

  test('that is acknowledged without a position gets the one that it has', async () => {
    const { server, store } = await begun();
    server.faults.inject('append', { kind: 'ackWithoutPosition' }, 1);
    const { position } = await store.append('run-1', readyEvents(1), 2);
    expect(position).toBe(await store.head());
    expect(position).toBe((await contents(store)).at(-1)?.position);
  });

  test('always carries the leader wish, and never goes the way of batches', async () => {
    const { server, store } = await begun();
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.append(`run-a${n}`, readyEvents(1), 'noStream')),
    );
    expect(server.calls.count('batchAppend')).toBe(0);
    expect(server.calls.lastAppend()?.requiredLeader).toBe(true);
  });

  test('without permission is refused at once, with what to do', async () => {
    const { server, store } = await begun();
    server.faults.inject('append', { kind: 'deny' }, 1);
    await expect(store.append('run-1', readyEvents(1), 2)).rejects.toThrow(code('STORE_REFUSED'));
    expect(await contents(store)).toHaveLength(3);
  });

  test('is one of so many at a time; the others wait, and beyond a limit are Unavailable', async () => {
    const server = await startServer();
    const store = await open(server, { ...patient, maxCalls: 4, maxWaiting: 10 });
    const hang = server.faults.inject('append', { kind: 'hang' });
    const appends = Array.from({ length: 20 }, (_, n) =>
      store.append(`run-${n}`, readyEvents(1), 'noStream'),
    );
    const settled = Promise.allSettled(appends);
    await hang.struck(4);
    expect(server.openCalls()).toBeLessThanOrEqual(4);
    hang.lift();
    const results = await settled;
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? (result.reason as unknown) : [],
    );
    expect(refused).toHaveLength(6);
    for (const reason of refused) expect(reason).toEqual(code('UNAVAILABLE'));
    expect(await contents(store)).toHaveLength(14);
  });

  test('that is abandoned by its caller goes on, and is there once', async () => {
    const { server, store } = await begun();
    const hang = server.faults.inject('append', { kind: 'hang' }, 1);
    const control = new AbortController();
    const events = readyEvents(1);
    const appending = store.append('run-1', events, 2, control.signal);
    await hang.struck();
    control.abort(new Error('enough'));
    await expect(appending).rejects.toThrow('enough');
    expect((await store.append('run-1', events, 2)).revision).toBe(3);
    expect(await contents(store)).toHaveLength(4);
  });
});

describe('a read', () => {
  const broken: readonly Fault[] = [
    { kind: 'cutAfter', events: 7 },
    { kind: 'errorAfter', events: 7 },
    { kind: 'silentAfter', events: 7 },
    { kind: 'drop' },
    { kind: 'unavailable' },
    { kind: 'hang' },
  ];
  test.each(broken)('that breaks by $kind is taken up where it stood', async (fault) => {
    const { server, store } = await begun();
    await fill(store, 'run-2', 300);
    const ids = idsOf(await contents(store));
    for (const read of [store.readAll(), store.readStream('run-2')]) {
      server.faults.inject('read', fault, 2);
      const events = await collect(read);
      expect(idsOf(events)).toEqual(ids.slice(-events.length));
      expect(events.length).toBeGreaterThanOrEqual(300);
    }
  });

  test('C26 of a hung server ends in Timeout, and of a dead one in Unavailable', async () => {
    const { server, store } = await begun(impatient);
    const hang = server.faults.inject('read', { kind: 'hang' });
    await expect(contents(store)).rejects.toThrow(code('TIMEOUT'));
    await expect(collect(store.readStream('run-1'))).rejects.toThrow(code('TIMEOUT'));
    await expect(store.head()).rejects.toThrow(code('TIMEOUT'));
    hang.lift();
    await server.kill();
    await expect(contents(store)).rejects.toThrow(code('UNAVAILABLE'));
  });

  test('leaves no call open when its consumer goes', async () => {
    const { server, store } = await begun();
    await fill(store, 'run-2', 300);
    for (let round = 0; round < 200; round++) {
      for await (const event of store.readAll()) if (event.revision === 2) break;
      for await (const event of store.readStream('run-2')) if (event.revision === 2) break;
    }
    await expect.poll(server.openCalls).toBe(0);
  });
});

describe('a subscription', () => {
  const dropped: readonly Fault[] = [
    { kind: 'endAfter', events: 5 },
    { kind: 'errorAfter', events: 5 },
    { kind: 'cutAfter', events: 5 },
    { kind: 'silentAfter', events: 5 },
    { kind: 'unavailable' },
    { kind: 'hang' },
    { kind: 'drop' },
  ];
  test.each(dropped)(
    'C41 that the server ends by $kind goes on without a gap or a duplicate',
    async (fault) => {
      const { server, store } = await begun();
      server.faults.inject('subscribe', fault, 3);
      const events = await followed(store, 63, async () => {
        for (let revision = 2; revision < 62; revision += 10)
          await store.append('run-1', readyEvents(10), revision);
      });
      expect(events).toEqual(idsOf(await contents(store)));
    },
  );

  test('C41 goes on over a restart of the server, in history and live', async () => {
    const { server, store } = await begun();
    const events = await followed(store, 303, async () => {
      for (let round = 0; round < 3; round++) {
        await fill(store, `run-a${round}`, 100);
        await server.restart();
      }
    });
    expect(events).toEqual(idsOf(await contents(store)));
  });

  test('tells its consumer that there is no server, when patience ends', async () => {
    const { server, store } = await begun(impatient);
    const following = followed(store, 4, () => server.kill());
    await expect(following).rejects.toThrow(code('UNAVAILABLE'));
  });

  test('tells of a refusal at once', async () => {
    const { server, store } = await begun();
    server.faults.inject('subscribe', { kind: 'deny' });
    await expect(followed(store, 4)).rejects.toThrow(code('STORE_REFUSED'));
  });

  test('leaves no call open when it is left', async () => {
    const { server, store } = await begun();
    for (let round = 0; round < 100; round++) await followed(store, 2);
    await expect.poll(server.openCalls).toBe(0);
  });

  test('C36 knows what was there before also of a server that does not say it', async () => {
    const server = await startServer({ sendsCaughtUp: false });
    const store = await open(server, patient);
    await fill(store, 'run-1', 30);
    const kinds: string[] = [];
    for await (const { kind } of store.subscribeAll()) {
      kinds.push(kind);
      if (kind === 'caughtUp') await store.append('run-1', readyEvents(1), 29);
      if (kinds.length === 32) break;
    }
    expect(kinds).toEqual([...Array(30).fill('event'), 'caughtUp', 'event']);
  });
});

describe('a store', () => {
  test('is not opened where nobody answers, and says which', async () => {
    const server = await startServer();
    await server.kill();
    const opening = openEventStoreDb({ connectionString: server.url, limits: impatient });
    await expect(opening).rejects.toThrow(code('UNAVAILABLE'));
  });

  test('whose certificate file is not there, or whose option is none, is refused at once and without the password', async () => {
    for (const options of ['tlsCAFile=nowhere.pem', 'tls=perhaps']) {
      const opening = openEventStoreDb({ connectionString: `esdb://admin:changeit@127.0.0.1:1?${options}` });
      await expect(opening).rejects.toThrow(code('UNKNOWN_STORE'));
      await expect(opening).rejects.toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('changeit') }),
      );
    }
  });

  test('is named once, by however many nodes open it at the same time', async () => {
    const server = await startServer();
    const stores = await Promise.all(Array.from({ length: 8 }, () => open(server, patient)));
    expect(new Set(stores.map(({ storeId }) => storeId)).size).toBe(1);
    expect(await stores[0]?.head()).toBeNull();
  });

  test('of a newer release is refused', async () => {
    const server = await startServer();
    const store = await open(server, patient);
    expect(store.isShared).toBe(true);
    await connect(server.url).setStreamMetadata(
      'runledger',
      { storeId: store.storeId, format: 2 },
      exactly(0n),
    );
    await expect(open(server, patient)).rejects.toThrow(code('FORMAT_TOO_NEW'));
  });

  test('does not see other ledgers of the same server, and calls what others write damaged', async () => {
    const server = await startServer();
    const plain = await open(server, patient);
    const beside = await openEventStoreDb({ connectionString: `${server.url}&ledger=beside` });
    onTestFinished(() => beside.close());
    await plain.append('run-1', readyEvents(2), 'noStream');
    await beside.append('run-1', readyEvents(3), 'noStream');
    expect(await contents(plain)).toHaveLength(2);
    expect(await contents(beside)).toHaveLength(3);
    expect(await followed(beside, 3)).toHaveLength(3);
    const order = { ...someEvents(1)[0], metadata: { order: 1 } };
    await connect(server.url).appendToStream('orders-1', order as never, exactly('no_stream'));
    await expect(contents(plain)).rejects.toThrow(code('CORRUPT_EVENT'));
    expect(await contents(beside)).toHaveLength(3);
  });

  test('knows its head behind many large events of another ledger', async () => {
    const server = await startServer();
    const plain = await open(server, patient);
    const beside = await openEventStoreDb({ connectionString: `${server.url}&ledger=beside` });
    onTestFinished(() => beside.close());
    await plain.append('run-1', readyEvents(3), 'noStream');
    for (let revision = 0; revision < 12; revision += 1) {
      const large = readyEvents(1, { coreBytes: 200_000 });
      await beside.append('run-1', large, revision === 0 ? 'noStream' : revision - 1);
      if (revision !== 7) continue;
      const { position } = await plain.append('run-1', readyEvents(1), 2);
      expect(await plain.head()).toBe(position);
    }
    const again = await open(server, patient);
    expect(await again.head()).toBe((await contents(plain)).at(-1)?.position);
    expect(await contents(again)).toHaveLength(4);
  });

  test('closes while the server hangs: what is in flight ends with its deadline', async () => {
    const { server, store } = await begun(impatient);
    const hang = server.faults.inject('append', { kind: 'hang' });
    const appending = expect(store.append('run-1', readyEvents(1), 2)).rejects.toThrow(code('TIMEOUT'));
    await hang.struck();
    await Promise.all([store.close(), appending]);
  });

  test('asks for user and password over TLS, and says when they are wrong', async () => {
    const { key, cert, file } = await certificate();
    const server = await startServer({ tls: { key, cert }, users: { admin: 'right' } });
    const at = (user: string) =>
      `esdb://${user}127.0.0.1:${server.port}?tls=true&tlsCAFile=${encodeURIComponent(file)}`;
    const store = await openEventStoreDb({ connectionString: at('admin:right@'), limits: patient });
    onTestFinished(() => store.close());
    await store.append('run-1', readyEvents(2), 'noStream');
    expect(server.calls.lastAppend()?.hadCredentials).toBe(true);
    expect(await contents(store)).toHaveLength(2);
    for (const user of ['admin:wrong@', ''])
      await expect(openEventStoreDb({ connectionString: at(user), limits: patient })).rejects.toThrow(
        code('STORE_REFUSED'),
      );
  });
});

/** The ids of the first events of a subscription; `then` is done once it is live. */
async function followed(store: EventStore, count: number, then?: () => Promise<void>): Promise<string[]> {
  const ids: string[] = [];
  let work: Promise<void> | undefined;
  try {
    for await (const delivery of store.subscribeAll()) {
      if (delivery.kind === 'caughtUp') work ??= then?.();
      if (delivery.kind === 'event') ids.push(delivery.event.id);
      if (ids.length === count) return ids;
    }
    return ids;
  } finally {
    await work;
  }
}

/** A certificate for this machine, signed by itself. */
async function certificate() {
  const directory = await freshDirectory();
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'cert.pem');
  const keyFile = join(directory, 'key.pem');
  const request =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1';
  const files = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', file];
  await promisify(execFile)('openssl', [...request.split(' '), ...files]);
  return { key: await readFile(keyFile), cert: await readFile(file), file };
}
