import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Subject } from './conformance.ts';
import { collect, contents, fill, first, idsOf, readyEvents } from './ready-events.ts';

export function readTests({ store, another }: Subject): void {
  test('C23 forwards/backwards, from a revision inclusive, limit, last event', async () => {
    await store().append('run-0', readyEvents(3), 'noStream');
    await store().append('run-1', readyEvents(4), 'noStream');
    await store().append('run-2', readyEvents(3), 'noStream');
    await store().append('run-1', readyEvents(1), 3);
    await store().append('run-1', readyEvents(5), 4);
    const revisions = async (options: Parameters<ReturnType<typeof store>['readStream']>[1]) =>
      (await collect(store().readStream('run-1', options))).map((event) => event.revision);
    expect(await revisions({})).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await revisions({ direction: 'backwards' })).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(await revisions({ from: 2, limit: 4 })).toEqual([2, 3, 4, 5]);
    expect(await revisions({ from: 6, direction: 'backwards', limit: 4 })).toEqual([6, 5, 4, 3]);
    expect(await revisions({ from: 2, direction: 'backwards' })).toEqual([2, 1, 0]);
    expect(await revisions({ direction: 'backwards', limit: 1 })).toEqual([9]);
    expect(await revisions({ from: 9 })).toEqual([9]);
    expect(await revisions({ limit: 0 })).toEqual([]);
  });

  test('C24 missing stream → NotFound result; beyond the head → empty', async () => {
    await store().append('run-1', readyEvents(3), 'noStream');
    await expect(first(store().readStream('run-2'))).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
    await expect(first(store().readStream('run'))).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
    expect(await collect(store().readStream('run-1', { from: 3 }))).toEqual([]);
    expect(await collect(store().readStream('run-1', { from: 1000 }))).toEqual([]);
  });

  test('C25 lazy with back-pressure: 100,000 events with a slow consumer in bounded memory', async () => {
    await fill(store(), 'run-1', 100_000, 600);
    const before = heldMemory();
    let peak = 0;
    let seen = 0;
    for await (const event of store().readStream('run-1')) {
      expect(event.revision).toBe(seen);
      seen += 1;
      if (seen % 500 === 0) await turn();
      if (seen % 5000 === 0) peak = Math.max(peak, heldMemory() - before);
    }
    expect(seen).toBe(100_000);
    // The events alone are 70 MB; what is held at a time must not grow with them.
    expect(peak).toBeLessThan(24 * 1024 * 1024);
  }, 240_000);

  test('C25 1,000 early breaks leak nothing', async () => {
    await fill(store(), 'run-1', 1000);
    for (let round = 0; round < 1000; round++) {
      await first(store().readStream('run-1', { from: round % 7 }));
      await first(store().readAll());
      await first(store().subscribeAll());
    }
    // A leaked reader would pin old pages or exhaust the table of readers.
    await store().append('run-1', readyEvents(1), 999);
    expect(await contents(store(), 'run-1')).toHaveLength(1001);
  }, 240_000);

  test('C27 read-your-write after the ack', async () => {
    for (let revision = 0; revision < 50; revision++) {
      const { position } = await store().append(
        'run-1',
        readyEvents(1),
        revision === 0 ? 'noStream' : revision - 1,
      );
      const last = await first(store().readStream('run-1', { direction: 'backwards' }));
      expect(last?.revision).toBe(revision);
      expect(await store().head()).toBe(position);
      expect((await collect(store().readAll({ from: position }))).map((event) => event.revision)).toEqual([
        revision,
      ]);
    }
  });

  test('C28 readAll inclusive from a position, commit order, system events filtered out', async () => {
    for (let round = 0; round < 10; round++) {
      for (const stream of ['run-1', 'access', 'policy-1']) {
        await store().append(stream, readyEvents(2), round === 0 ? 'noStream' : round * 2 - 1);
      }
    }
    const all = await contents(store());
    expect(all).toHaveLength(60);
    expect(all.every((event) => !event.stream.startsWith('$') && !event.type.startsWith('$'))).toBe(true);
    for (const start of [0, 1, 29, 59]) {
      const from = all[start]?.position ?? '';
      expect(idsOf(await collect(store().readAll({ from })))).toEqual(idsOf(all.slice(start)));
      expect(idsOf(await collect(store().readAll({ from, limit: 2 })))).toEqual(
        idsOf(all.slice(start, start + 2)),
      );
    }
    for (const [index, event] of all.entries()) {
      expect(store().compare(event.position, event.position)).toBe(0);
      const next = all[index + 1];
      if (next === undefined) continue;
      expect(store().compare(event.position, next.position)).toBeLessThan(0);
      expect(store().compare(next.position, event.position)).toBeGreaterThan(0);
    }
  });

  test('C29 position from readStream equals the one from readAll', async () => {
    await store().append('run-1', readyEvents(3), 'noStream');
    const { position } = await store().append('run-2', readyEvents(3), 'noStream');
    await store().append('run-1', readyEvents(3), 2);
    const all = new Map((await contents(store())).map((event) => [event.id, event.position]));
    for (const stream of ['run-1', 'run-2']) {
      for (const event of await contents(store(), stream)) expect(event.position).toBe(all.get(event.id));
    }
    expect((await contents(store(), 'run-2')).at(-1)?.position).toBe(position);
  });

  test('C30 a position of another store is refused', async () => {
    const foreign = await another();
    expect(foreign.storeId).not.toBe(store().storeId);
    await store().append('run-1', readyEvents(1), 'noStream');
    const { position } = await foreign.append('run-1', readyEvents(1), 'noStream');
    const refused = { code: 'FOREIGN_POSITION' };
    await expect(collect(store().readAll({ from: position }))).rejects.toMatchObject(refused);
    await expect(first(store().subscribeAll({ from: position }))).rejects.toMatchObject(refused);
    expect(() => store().compare(position, position)).toThrow(expect.objectContaining(refused));
    for (const from of ['', '0', 'nonsense', `${position}x`]) {
      await expect(collect(foreign.readAll({ from }))).rejects.toMatchObject(refused);
    }
  });

  test('an empty log has no head and nothing to read', async () => {
    expect(await store().head()).toBeNull();
    expect(await contents(store())).toEqual([]);
  });

  test('a read stops with the reason of its signal', async () => {
    await fill(store(), 'run-1', 300);
    for (const read of [store().readAll.bind(store()), store().readStream.bind(store(), 'run-1')]) {
      const control = new AbortController();
      let seen = 0;
      const reading = (async () => {
        for await (const event of read({ signal: control.signal })) {
          seen = event.revision + 1;
          if (seen === 10) control.abort(new Error('enough'));
        }
      })();
      await expect(reading).rejects.toThrow('enough');
      expect(seen).toBe(10);
    }
  });
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in use, in bytes: garbage that only waits for its collector does not count. */
function heldMemory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
