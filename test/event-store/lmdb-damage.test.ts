import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLmdbLog, openLmdbSnapshot } from '../../src/event-store/lmdb/log.ts';
import type { EventReader } from '../../src/event-store/port.ts';
import { freshDirectory } from './lmdb-directory.ts';
import { collect, first, readyEvents } from './ready-events.ts';

let directory = '';
beforeEach(async () => {
  directory = await freshDirectory();
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('any change of one stored byte is noticed', () => {
  test('each byte of a record, in the stream and in the whole log', async () => {
    const log = await openLmdbLog({ directory });
    const events = readyEvents(2);
    await log.append('run-1', events, 'noStream');
    await log.close();
    const file = join(directory, 'data.mdb');
    const bytes = readFileSync(file);
    const [event] = events;
    if (event?.sealed === null || event === undefined) throw new Error('The first event has a payload');
    // Head of 69 bytes, type, zero, core, sealed: see src/event-store/lmdb/record.ts.
    const start = bytes.indexOf(event.core) - 1 - event.type.length - 69;
    const end = bytes.indexOf(event.core) + event.core.length + event.sealed.length;
    for (let at = start; at < end; at++) {
      for (const mask of [1, 255]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ mask;
        writeFileSync(file, damaged);
        await expectDamage((log) => collect(log.readStream('run-1')), 'run-1', 1);
        await expectDamage((log) => collect(log.readAll()), 'unknown', 'unknown');
      }
    }
    writeFileSync(file, bytes);
    const whole = await openLmdbSnapshot({ directory });
    expect(await collect(whole.readAll())).toHaveLength(2);
    await whole.close();
  });

  test('an index that leads to another event, a record that is gone, a name that is lost', async () => {
    const log = await openLmdbLog({ directory });
    await log.append('run-1', readyEvents(1), 'noStream');
    await log.append('run-2', readyEvents(1), 'noStream');
    await log.close();
    const lead = (ordinal: number) => Buffer.from([0, 0, 0, 0, 0, ordinal, 0, 1]);
    await change('index', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]), lead(2));
    await expectDamage((log) => collect(log.readStream('run-1')), 'run-1', 1);
    await change('index', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]), lead(1));
    await change('names', Buffer.from([0, 0, 0, 0, 1]), Buffer.from('run-2'));
    await expectDamage((log) => collect(log.readAll()), 'number 1', 'unknown');
    await change('names', Buffer.from([0, 0, 0, 0, 1]), Buffer.from('run-1'));
    await change('events', Buffer.from([0, 0, 0, 0, 0, 1]), null);
    await expectDamage((log) => collect(log.readStream('run-1')), 'run-1', 1);
    await expectDamage((log) => collect(log.readAll()), 'unknown', 'unknown');
  });

  async function expectDamage(
    read: (log: EventReader) => Promise<unknown>,
    stream: string,
    sequence: number | 'unknown',
  ): Promise<void> {
    const snapshot = await openLmdbSnapshot({ directory });
    try {
      await expect(read(snapshot)).rejects.toMatchObject({
        code: 'CORRUPT_EVENT',
        params: { stream, sequence },
      });
    } finally {
      await snapshot.close();
    }
  }
});

describe('opening', () => {
  test('a log of a newer format is refused, by the writer and by a reader', async () => {
    await (await openLmdbLog({ directory })).close();
    await change('meta', 'format', Buffer.from('2'));
    const refused = { code: 'FORMAT_TOO_NEW', params: { directory, format: 2, newestKnown: 1 } };
    await expect(openLmdbLog({ directory })).rejects.toMatchObject(refused);
    await expect(openLmdbSnapshot({ directory })).rejects.toMatchObject(refused);
    await change('meta', 'format', Buffer.from('1'));
    await (await openLmdbLog({ directory })).close();
  });

  test('a snapshot needs a log, and sees it as it was when it was opened', async () => {
    await expect(openLmdbSnapshot({ directory })).rejects.toMatchObject({ code: 'NO_LOG' });
    const log = await openLmdbLog({ directory });
    await log.append('run-1', readyEvents(2), 'noStream');
    const snapshot = await openLmdbSnapshot({ directory });
    await log.append('run-1', readyEvents(2), 1);
    await log.append('run-2', readyEvents(1), 'noStream');
    expect(snapshot.storeId).toBe(log.storeId);
    expect(await collect(snapshot.readAll())).toHaveLength(2);
    expect(await collect(snapshot.readStream('run-1'))).toHaveLength(2);
    expect((await first(snapshot.readStream('run-1', { direction: 'backwards' })))?.revision).toBe(1);
    await expect(collect(snapshot.readStream('run-2'))).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
    await snapshot.close();
    await log.close();
  });

  test('the log keeps its id and the positions it gave', async () => {
    const log = await openLmdbLog({ directory });
    const { position } = await log.append('run-1', readyEvents(1), 'noStream');
    await log.close();
    const again = await openLmdbLog({ directory });
    expect(again.storeId).toBe(log.storeId);
    expect(await again.head()).toBe(position);
    await again.close();
  });
});

/** Reaches past the adapter, as a broken disk would. */
async function change(table: string, key: string | Buffer, value: Buffer | null): Promise<void> {
  const keyEncoding = typeof key === 'string' ? 'ordered-binary' : 'binary';
  const root = open<Buffer, string>({
    path: join(directory, 'data.mdb'),
    noSubdir: true,
    overlappingSync: false,
  });
  const database = root.openDB<Buffer, string | Buffer>({ name: table, encoding: 'binary', keyEncoding });
  await (value === null ? database.remove(key) : database.put(key, value));
  await root.close();
}
