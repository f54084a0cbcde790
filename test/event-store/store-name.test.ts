import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import { openEventReader, openEventStore } from '../../src/event-store/open.ts';
import { isStoreName, parseStoreName, shownStoreName } from '../../src/event-store/store-name.ts';
import { freshDirectory } from './lmdb-directory.ts';

let directory = '';
beforeEach(async () => {
  directory = await freshDirectory();
});
afterEach(() => rmSync(directory, { recursive: true }));

const makeLog = async (place: string): Promise<string> => {
  const log = await openLmdbLog({ directory: place });
  await log.close();
  return log.storeId;
};

describe('the name of a store', () => {
  test('lmdb is the log of the data directory', () => {
    expect(parseStoreName('lmdb', 'data')).toEqual({ kind: 'lmdb', directory: join('data', 'log') });
  });

  test('lmdb:DIR is the log that stands in DIR', async () => {
    const place = join(directory, 'log');
    await makeLog(place);
    expect(parseStoreName(`lmdb:${place}`, 'data')).toEqual({ kind: 'lmdb', directory: place });
  });

  test('lmdb:DIR is the log of DIR as a data directory where none stands in DIR itself, also before there is one', async () => {
    const named = { kind: 'lmdb', directory: join(directory, 'new', 'log') };
    const store = `lmdb:${join(directory, 'new')}`;
    expect(parseStoreName(store, 'data')).toEqual(named);
    const made = await openEventStore({ store, directory: 'data' });
    await made.close();
    expect(parseStoreName(store, 'data')).toEqual(named);
    const again = await openEventStore({ store: 'lmdb', directory: join(directory, 'new') });
    await again.close();
    expect(again.storeId).toBe(made.storeId);
  });

  test.each(['esdb://localhost:2113', 'esdb+discover://a:b@node-1,node-2:2113?tls=true'])(
    '%s is a server',
    (store) => {
      expect(parseStoreName(store, 'data')).toEqual({ kind: 'eventstoredb', connectionString: store });
    },
  );

  test.each(['', 'lmdb:', 'LMDB', 'lmdb ', 'postgres://a', 'esdb:', 'esdb://', 'esdb+x://a'])(
    '"%s" is none: UNKNOWN_STORE, with the cure',
    (store) => {
      expect(isStoreName(store)).toBe(false);
      expect(() => parseStoreName(store, 'data')).toThrow(
        expect.objectContaining({
          code: 'UNKNOWN_STORE',
          message: expect.stringContaining('write lmdb for'),
        }),
      );
    },
  );

  test('means the same to the configuration and to whatever opens it', async () => {
    const place = join(directory, 'elsewhere');
    const storeId = await makeLog(place);
    const config = readConfig({ RUNLEDGER_STORE: `lmdb:${place}`, RUNLEDGER_DATA: directory });
    for (const open of [openEventStore, openEventReader]) {
      const opened = await open({ store: config.store, directory });
      expect(opened.storeId).toBe(storeId);
      await opened.close();
    }
  });
});

describe('a store that is opened for reading', () => {
  test('is not made where there is none', async () => {
    const place = join(directory, 'nothing');
    mkdirSync(place);
    const opening = openEventReader({ store: `lmdb:${place}`, directory });
    await expect(opening).rejects.toMatchObject({ code: 'NO_LOG' });
    expect(existsSync(join(place, 'log'))).toBe(false);
  });
});

describe('the password in the name of a server', () => {
  test.each([
    ['esdb://admin:changeit@127.0.0.1:2113?tls=false', 'esdb://admin:…@127.0.0.1:2113?tls=false'],
    ['esdb+discover://ops:pa:ss@w/rd?@cluster', 'esdb+discover://ops:…@cluster'],
    ['esdb://ops:a\nchangeit@h', 'esdb://ops:…@h'],
    ['ESDB://ops:changeit@h', 'ESDB://ops:…@h'],
    ['postgres://ops:changeit@h/db', 'postgres://ops:…@h/db'],
    ['esdb:ops:changeit@h', 'esdb:…@h'],
    ['ops:changeit@h', 'ops:…@h'],
    ['esdb://:changeit@h', 'esdb://:…@h'],
    ['esdb://127.0.0.1:2113?tls=false', 'esdb://127.0.0.1:2113?tls=false'],
    ['esdb://admin@127.0.0.1:2113', 'esdb://admin@127.0.0.1:2113'],
    ['lmdb:./a:b@c', 'lmdb:./a:b@c'],
    ['lmdb', 'lmdb'],
  ])('%j is shown as %j', (store, shown) => {
    expect(shownStoreName(store)).toBe(shown);
  });

  test.each(['postgres://ops:changeit@h', 'esdb:ops:changeit@h'])('stands in no refusal of %s', (store) => {
    expect(() => parseStoreName(store, 'data')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('changeit') }),
    );
    expect(() => readConfig({ RUNLEDGER_STORE: store })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('changeit') }),
    );
  });
});
