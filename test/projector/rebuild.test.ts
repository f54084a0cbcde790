import { setImmediate } from 'node:timers/promises';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import type { Projection } from '../../src/projector/projection.ts';
import { generateLog } from '../generated-log.ts';
import { createMemoryStore } from '../memory-store.ts';
import { record } from '../recorded-runs.ts';
import { adding, expectExact, oneItem, rowsOf } from './adding.ts';
import { caughtUp, opened, temporaryDirectory } from './opened.ts';

describe('a rebuild', () => {
  it('stands beside the live projection, which goes on, and equals it row by row in the end', async () => {
    const { store } = generateLog(200);
    const projector = await opened([adding('sums')], { directory: await temporaryDirectory(), store });
    await caughtUp(projector, store);
    const before = rowsOf(projector, 'sums');
    const rebuilding = projector.rebuild(['sums']);
    expect(rowsOf(projector, 'sums')).toEqual(before);
    for (let index = 0; index < 10; index++)
      expect(await projector.waitFor(record(store, 'meanwhile', oneItem), 10_000)).toMatchObject({
        reached: true,
      });
    await rebuilding;
    expectExact(projector, 'sums', store);
    await projector.waitFor(record(store, 'afterwards', oneItem), 10_000);
    expectExact(projector, 'sums', store);
  });

  it('takes over between two commits of the live one, however fast events arrive', async () => {
    const store = createMemoryStore();
    const projector = await opened([adding('sums')], { directory: await temporaryDirectory(), store });
    record(store, 'first', oneItem);
    await caughtUp(projector, store);
    for (let round = 0; round < 5; round++) {
      const state = { isDone: false };
      const rebuilding = projector.rebuild().then(() => (state.isDone = true));
      for (let index = 0; !state.isDone || index < 50; index++) {
        record(store, 'meanwhile', oneItem);
        await setImmediate();
      }
      await rebuilding;
      await caughtUp(projector, store);
      expectExact(projector, 'sums', store);
    }
  });

  it('mends a projection that had stopped', async () => {
    const store = createMemoryStore();
    let isBroken = true;
    const plain = adding('sums');
    const flaky: Projection = {
      ...plain,
      handle(events, view) {
        if (isBroken && events.some(({ stream }) => stream === 'run-bad')) throw new RangeError('broken');
        plain.handle(events, view);
      },
    };
    const projector = await opened([flaky], { directory: await temporaryDirectory(), store });
    record(store, 'good', oneItem);
    await caughtUp(projector, store);
    await projector.waitFor(record(store, 'bad', oneItem), 10_000);
    expect(() => projector.reader('sums')).toThrow(/broken/);
    await expect(projector.rebuild()).rejects.toThrow(/broken/);
    expect(() => projector.reader('sums')).toThrow(/broken/);
    isBroken = false;
    await projector.rebuild();
    expectExact(projector, 'sums', store);
    await projector.waitFor(record(store, 'good', oneItem), 10_000);
    expectExact(projector, 'sums', store);
  });

  it('follows a new version, another log and a log that was cut; the old tables go only then', async () => {
    const { store } = generateLog(20);
    const directory = await temporaryDirectory();
    const first = await opened([adding('sums')], { directory, store });
    await caughtUp(first, store);
    await first.close();

    const newer = await opened([adding('sums', { version: '2' })], { directory, store });
    expect(newer.status()).toMatchObject([{ state: 'building', version: '2' }]);
    await newer.close();
    const older = await opened([adding('sums')], { directory, store });
    expect(older.status()).toMatchObject([{ state: 'running', events: store.events.length }]);
    await older.close();
    const again = await opened([adding('sums', { version: '2' })], { directory, store });
    await caughtUp(again, store);
    expectExact(again, 'sums', store);
    await again.close();

    const other = createMemoryStore('other', store.events.slice(0, 9));
    const moved = await opened([adding('sums', { version: '2' })], { directory, store: other });
    await caughtUp(moved, other);
    expectExact(moved, 'sums', other);
    await moved.close();

    const cut = createMemoryStore('other', store.events.slice(0, 5));
    record(cut, 'instead', [...oneItem, ...oneItem, ...oneItem, ...oneItem, ...oneItem]);
    const restored = await opened([adding('sums', { version: '2' })], { directory, store: cut });
    await caughtUp(restored, cut);
    expectExact(restored, 'sums', cut);
    await restored.close();

    const environment = open({ path: directory, noSubdir: false, maxDbs: 64 });
    const tables = [...environment.getKeys()].filter((name) => String(name).includes('@'));
    await environment.close();
    expect(tables).toHaveLength(1);
  });

  it('that was cut short goes on where it was at the next start', async () => {
    const { store } = generateLog(2000, 3);
    const directory = await temporaryDirectory();
    let handled = 0;
    const plain = adding('sums');
    const counting: Projection = {
      ...plain,
      handle(events, view) {
        handled += events.length;
        plain.handle(events, view);
      },
    };
    let reach = (): void => {};
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const watched: Projection = {
      ...counting,
      handle(events, view) {
        counting.handle(events, view);
        if (handled > 4000) reach();
      },
    };
    const cutShort = await opened([watched], { directory, store });
    cutShort.start();
    await reached;
    await cutShort.close();
    handled = 0;
    const last = await opened([counting], { directory, store });
    await caughtUp(last, store);
    expectExact(last, 'sums', store);
    expect(handled).toBeLessThanOrEqual(store.events.length - 2000);
  });
});
