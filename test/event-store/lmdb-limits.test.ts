import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import { openEventStore } from '../../src/event-store/open.ts';
import { freshDirectory } from './lmdb-directory.ts';
import { collect, contents, readyEvents } from './ready-events.ts';

let directory = '';
beforeEach(async () => {
  directory = await freshDirectory();
});
afterEach(() => rmSync(directory, { recursive: true }));

test('beyond the limit of waiting appends: Unavailable, the others are stored', async () => {
  const log = await openLmdbLog({ directory, maxWaitingAppends: 10 });
  const results = await Promise.allSettled(
    Array.from({ length: 25 }, (_, number) => log.append(`run-${number}`, readyEvents(1), 'noStream')),
  );
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused).toHaveLength(15);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  expect((await log.append('run-24', readyEvents(1), 'noStream')).revision).toBe(0);
  expect(await contents(log)).toHaveLength(11);
  await log.close();
});

test('beyond the limit of waiting bytes: Unavailable, but one append always fits', async () => {
  const log = await openLmdbLog({ directory, maxWaitingBytes: 100_000 });
  const big = () => readyEvents(1, { coreBytes: 200_000 });
  const results = await Promise.allSettled([
    log.append('run-1', big(), 'noStream'),
    log.append('run-2', big(), 'noStream'),
  ]);
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected']);
  await log.append('run-2', big(), 'noStream');
  await log.close();
});

test('streams whose heads were dropped from memory are found again', async () => {
  const log = await openLmdbLog({ directory, maxCachedHeads: 3 });
  const names = Array.from({ length: 20 }, (_, number) => `run-${number}`);
  await Promise.all(names.map((name) => log.append(name, readyEvents(2), 'noStream')));
  for (const name of names) expect((await log.append(name, readyEvents(1), 1)).revision).toBe(2);
  await expect(log.append('run-0', readyEvents(1), 1)).rejects.toMatchObject({ params: { actual: 2 } });
  await log.close();
});

test('a head with appends on their way to the disk is never dropped from memory', async () => {
  const log = await openLmdbLog({ directory, maxCachedHeads: 1 });
  const begun = log.append('run-0', readyEvents(1), 'noStream');
  const others = [1, 2, 3].map((number) => log.append(`run-${number}`, readyEvents(1), 'noStream'));
  expect((await log.append('run-0', readyEvents(1), 0)).revision).toBe(1);
  await Promise.all([begun, ...others]);
  await log.close();
});

test('should another writer get past the lock, the first one to notice stops and stores nothing', async () => {
  const log = await openLmdbLog({ directory });
  await log.append('run-1', readyEvents(1), 'noStream');
  const root = open({ path: join(directory, 'data.mdb'), noSubdir: true, overlappingSync: false });
  const events = root.openDB<Buffer, Buffer>({ name: 'events', encoding: 'binary', keyEncoding: 'binary' });
  await events.put(Buffer.from([0, 0, 0, 0, 0, 2]), Buffer.from('of another process'));
  await expect(log.append('run-1', readyEvents(1), 0)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(log.append('run-2', readyEvents(1), 'noStream')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
  expect(await collect(log.readStream('run-1'))).toHaveLength(1);
  await log.close();
});

test('lmdb and lmdb:DIR name the embedded log; anything else is refused with the cure', async () => {
  const inside = await openEventStore({ store: 'lmdb', directory });
  await inside.close();
  const elsewhere = await openEventStore({
    store: `lmdb:${join(directory, 'elsewhere')}`,
    directory: '/nowhere',
  });
  await elsewhere.close();
  expect(elsewhere.storeId).not.toBe(inside.storeId);
  for (const store of ['', 'lmdb:', 'postgres', 'esdb://', 'esdb://localhost?nonsense=1']) {
    await expect(openEventStore({ store, directory })).rejects.toMatchObject({ code: 'UNKNOWN_STORE' });
  }
});
