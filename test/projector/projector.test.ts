import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { isLedgerError } from '../../src/errors.ts';
import type { Projection } from '../../src/projector/projection.ts';
import { generateLog } from '../generated-log.ts';
import { createMemoryStore, type MemoryStore } from '../memory-store.ts';
import { record } from '../recorded-runs.ts';
import { adding, expectExact, oneItem, perStream, poisonedAt, rowsOf } from './adding.ts';
import { caughtUp, opened, temporaryDirectory } from './opened.ts';

describe('a projector', () => {
  it('lets every event take effect exactly once, history and live', async () => {
    const { store } = generateLog(60);
    const projector = await opened([adding('sums')], { directory: await temporaryDirectory(), store });
    await caughtUp(projector, store);
    expectExact(projector, 'sums', store);
    for (let index = 0; index < 20; index++) record(store, 'late', oneItem);
    await caughtUp(projector, store);
    expectExact(projector, 'sums', store);
    expect(projector.status()).toMatchObject([
      { name: 'sums', state: 'running', lagEvents: 0, lagSeconds: 0 },
    ]);
  });

  it('goes on at its checkpoint after it was closed at any point, and takes no event twice', async () => {
    const { store: whole } = generateLog(40);
    const directory = await temporaryDirectory();
    const store = createMemoryStore();
    for (const [index, event] of whole.events.entries()) {
      store.add(event.stream, [event]);
      if (index % 23 !== 0) continue;
      const projector = await opened([adding('sums')], { directory, store });
      projector.start();
      // Not waited for: it is closed while it works.
      await projector.close();
    }
    const projector = await opened([adding('sums')], { directory, store });
    await caughtUp(projector, store);
    expectExact(projector, 'sums', store);
  });

  it('rows and checkpoint are of one moment: an environment put back to an older commit catches up exactly', async () => {
    const { store } = generateLog(30);
    const directory = await temporaryDirectory();
    const copy = await temporaryDirectory();
    const first = await opened([adding('sums')], { directory, store });
    await caughtUp(first, store);
    await first.close();
    const environment = open({ path: directory, noSubdir: false, maxDbs: 64 });
    await environment.backup(copy, false);
    await environment.close();
    record(store, 'later', [...oneItem, ...oneItem]);
    const ahead = await opened([adding('sums')], { directory, store });
    await caughtUp(ahead, store);
    await ahead.close();
    const behind = await opened([adding('sums')], { directory: copy, store });
    await caughtUp(behind, store);
    expectExact(behind, 'sums', store);
  });

  it('stops only the projection that cannot handle an event, with what stands before it, and says where', async () => {
    const { store } = generateLog(20);
    record(store, 'bad', oneItem);
    record(store, 'after', oneItem);
    const stops: string[] = [];
    const projector = await opened([adding('sums'), poisonedAt('weak', 'run-bad', 1)], {
      directory: await temporaryDirectory(),
      store,
      onStopped: (name, { stream, seq }) => stops.push(`${name} ${stream} ${seq}`),
    });
    await caughtUp(projector, store);
    expectExact(projector, 'sums', store);
    expect(() => projector.reader('weak')).toThrow(/stopped before event 1 of stream run-bad .*rebuild weak/);
    expect(stops).toEqual(['weak run-bad 1']);
    const status = projector.status().find(({ name }) => name === 'weak');
    expect(status).toMatchObject({
      state: 'stopped',
      error: { code: 'PROJECTION_STOPPED' },
      events: store.events.length - 2,
      lagEvents: 2,
    });
  });

  it('a live projection that stops leaves the others running, and later events are not offered to it again', async () => {
    const store = createMemoryStore();
    let offered = 0;
    const weak = poisonedAt('weak', 'run-bad', 1);
    const counted: Projection = {
      ...weak,
      handle(events, view) {
        offered += 1;
        weak.handle(events, view);
      },
    };
    const projector = await opened([adding('sums'), counted], {
      directory: await temporaryDirectory(),
      store,
    });
    record(store, 'good', oneItem);
    await caughtUp(projector, store);
    await projector.waitFor(record(store, 'bad', oneItem), 10_000);
    const before = offered;
    for (let index = 0; index < 5; index++) await projector.waitFor(record(store, 'good', oneItem), 10_000);
    expectExact(projector, 'sums', store);
    expect(offered).toBe(before);
    expect(projector.status().map(({ name, state }) => [name, state])).toEqual([
      ['sums', 'running'],
      ['weak', 'stopped'],
    ]);
  });

  it('a stopped projection goes on at the next start, once its code can handle the event', async () => {
    const store = createMemoryStore();
    const directory = await temporaryDirectory();
    const broken = await opened([poisonedAt('sums', 'run-bad', 1)], { directory, store });
    record(store, 'good', oneItem);
    record(store, 'bad', oneItem);
    await caughtUp(broken, store);
    await broken.close();
    const mended = await opened([adding('sums')], { directory, store });
    await caughtUp(mended, store);
    expectExact(mended, 'sums', store);
  });

  it('an event whose bytes are damaged stops the projections that want it, and no other', async () => {
    const store = createMemoryStore();
    const projector = await opened(
      [adding('all'), adding('starts', { types: ['pipeline_start'], version: '1' })],
      { directory: await temporaryDirectory(), store },
    );
    record(store, 'good', oneItem);
    await caughtUp(projector, store);
    const [event] = store.events;
    if (event === undefined) throw new Error('no event');
    await projector.waitFor(store.add('run-bad', [{ ...event, hash: new Uint8Array(32) }]), 10_000);
    const position = record(store, 'more', oneItem);
    expect(await projector.waitFor(position, 10_000)).toEqual({ reached: true, behind: [] });
    expect(() => projector.reader('all')).toThrow(/its bytes do not have its hash/);
    expect(projector.reader('starts').count(perStream)).toBe(0);
  });

  it('hands over only the item types a projection wants, under today’s words', async () => {
    const store = createMemoryStore();
    const time = '2025-11-03T20:52:39.000Z';
    record(store, 'a', [
      { item_type: 'interception_result', content: 'old word', time },
      { item_type: 'user_input_text', content: 'x', time },
    ]);
    const wanting = adding('finals', { types: ['interception_final'] });
    const projector = await opened([wanting], { directory: await temporaryDirectory(), store });
    await caughtUp(projector, store);
    expect(rowsOf(projector, 'finals')).toMatchObject([{ row: { events: 1 } }]);
    expect(projector.status()).toMatchObject([{ events: 2, lagEvents: 0 }]);
  });

  it('waitFor tells who is behind when the time is over, and ends at once when it is aborted', async () => {
    const store = createMemoryStore();
    const projector = await opened([adding('sums')], { directory: await temporaryDirectory(), store });
    record(store, 'a', oneItem);
    await caughtUp(projector, store);
    await projector.close();
    const idle = await opened([adding('sums')], { directory: await temporaryDirectory(), store });
    await caughtUp(idle, store);
    const missing = '000000099';
    expect(await idle.waitFor(missing, 1)).toEqual({ reached: false, behind: [{ name: 'sums', events: 1 }] });
    const { reached } = await idle.waitFor(missing, 60_000, AbortSignal.abort());
    expect(reached).toBe(false);
  });

  it('stops all with the cause when the log cannot be followed at all', async () => {
    const store: MemoryStore = {
      ...createMemoryStore(),
      subscribeAll() {
        throw new TypeError('no such thing');
      },
    };
    const projector = await opened([adding('sums')], { directory: await temporaryDirectory(), store });
    projector.start();
    await projector.built();
    expect(() => projector.reader('sums')).toThrow(/could not go on \(no such thing\): restart the service/);
    expect(projector.status()).toMatchObject([
      { state: 'stopped', error: { code: 'PROJECTIONS_UNWRITABLE' } },
    ]);
    await expect(projector.rebuild()).rejects.toThrow(/no such thing/);
  });

  it('says how long and by how much it is behind what was read of the log', async () => {
    const store = createMemoryStore();
    let clock = 1000;
    const projector = await opened([adding('sums'), poisonedAt('weak', 'run-bad', 1)], {
      directory: await temporaryDirectory(),
      store,
      now: () => clock,
    });
    record(store, 'good', oneItem);
    await caughtUp(projector, store);
    clock = 5000;
    await projector.waitFor(record(store, 'bad', oneItem), 10_000);
    await projector.waitFor(record(store, 'good', oneItem), 10_000);
    clock = 12_000;
    expect(projector.status()).toMatchObject([
      { name: 'sums', lagEvents: 0, lagSeconds: 0 },
      { name: 'weak', lagEvents: 2, lagSeconds: 7 },
    ]);
  });

  it('an unknown name is refused with the names there are', async () => {
    const store = createMemoryStore();
    const projector = await opened([adding('sums')], { directory: await temporaryDirectory(), store });
    expect(() => projector.reader('other')).toThrow(/There is no projection other: name one of sums/);
    await expect(projector.rebuild(['other'])).rejects.toMatchObject({ code: 'UNKNOWN_PROJECTION' });
  });

  it('answers PROJECTION_BUILDING until it was built', async () => {
    const { store } = generateLog(5);
    const projector = await opened([adding('sums')], { directory: await temporaryDirectory(), store });
    try {
      projector.reader('sums');
      expect.unreachable();
    } catch (error) {
      expect(isLedgerError(error, 'PROJECTION_BUILDING')).toBe(true);
    }
    expect(projector.status()).toMatchObject([{ state: 'building', position: null }]);
  });
});
