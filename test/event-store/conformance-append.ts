import { expect, test } from 'vitest';
import { isLedgerError } from '../../src/errors.ts';
import { type EventStore, maxAppendBytes } from '../../src/event-store/port.ts';
import type { ReadyEvent } from '../../src/events/stored-event.ts';
import type { Subject } from './conformance.ts';
import { collect, contents, given, idsOf, readyEvents } from './ready-events.ts';

export function appendTests({ store, reopen }: Subject): void {
  test('C1 new stream with noStream: revisions 0..n-1, same ids, types, bytes and order read back', async () => {
    const events = readyEvents(5);
    const appended = await store().append('run-1', events, 'noStream');
    expect(appended.revision).toBe(4);
    const stored = await collect(store().readStream('run-1'));
    expect(stored.map((event) => event.revision)).toEqual([0, 1, 2, 3, 4]);
    expect(stored.map(given)).toEqual(events.map(given));
    expect(stored.map((event) => event.stream)).toEqual(Array(5).fill('run-1'));
    expect(stored.at(-1)?.position).toBe(appended.position);
  });

  test('C2 noStream on an existing stream: Conflict with expected and actual, nothing stored', async () => {
    await store().append('run-1', readyEvents(2), 'noStream');
    await expectConflict(store().append('run-1', readyEvents(1), 'noStream'), 'no stream', 1);
    expect(await contents(store())).toHaveLength(2);
  });

  test('C3 exact revision equal to head stores; smaller or larger is Conflict', async () => {
    await store().append('run-1', readyEvents(3), 'noStream');
    expect((await store().append('run-1', readyEvents(2), 2)).revision).toBe(4);
    await expectConflict(store().append('run-1', readyEvents(1), 3), 'revision 3', 4);
    await expectConflict(store().append('run-1', readyEvents(1), 5), 'revision 5', 4);
    expect(await contents(store())).toHaveLength(5);
  });

  test('C4 exact on a missing stream: Conflict actual=none', async () => {
    await expectConflict(store().append('run-1', readyEvents(1), 0), 'revision 0', 'none');
    expect(await contents(store())).toEqual([]);
  });

  test('C7 a batch is atomic, in the stream and in the whole log', async () => {
    const batches = await Promise.all(
      Array.from({ length: 20 }, async (_, number) => {
        const events = readyEvents(7);
        await store().append(`run-${number}`, events, 'noStream');
        return idsOf(events);
      }),
    );
    await expectConflict(store().append('run-3', readyEvents(7), 3), 'revision 3', 6);
    const all = idsOf(await contents(store()));
    expect(all).toHaveLength(140);
    for (const [number, ids] of batches.entries()) {
      const start = all.indexOf(ids[0] ?? '');
      expect(all.slice(start, start + 7)).toEqual(ids);
      expect(idsOf(await contents(store(), `run-${number}`))).toEqual(ids);
    }
  });

  test('C8 50 concurrent appends with the same expected revision: exactly 1 success, 49 Conflicts', async () => {
    await store().append('run-1', readyEvents(1), 'noStream');
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => store().append('run-1', readyEvents(1), 0)),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(49);
    for (const { reason } of refused) expect(isLedgerError(reason, 'CONFLICT')).toBe(true);
    expect(await contents(store())).toHaveLength(2);
  });

  test('C9 concurrent appends to different streams all succeed', async () => {
    const names = Array.from({ length: 100 }, (_, number) => `run-${number}`);
    const results = await Promise.all(names.map((name) => store().append(name, readyEvents(2), 'noStream')));
    expect(results.map((result) => result.revision)).toEqual(names.map(() => 1));
    for (const name of names) expect(await contents(store(), name)).toHaveLength(2);
  });

  test('C10 awaited appends appear in that order in the whole log', async () => {
    const order: string[] = [];
    for (let number = 0; number < 30; number++) {
      const events = readyEvents(2);
      const stream = `run-${number % 3}`;
      const expected = number < 3 ? 'noStream' : Math.floor(number / 3) * 2 - 1;
      await store().append(stream, events, expected);
      order.push(...idsOf(events));
    }
    expect(idsOf(await contents(store()))).toEqual(order);
  });

  test('C11 retry with the same ids and the same expected revision: success, same result, nothing new – also after closing and opening store and client', async () => {
    await store().append('run-1', readyEvents(1), 'noStream');
    const events = readyEvents(3);
    const result = await store().append('run-1', events, 0);
    expect(await store().append('run-1', events, 0)).toEqual(result);
    await store().append('run-1', readyEvents(2), 3);
    expect(await store().append('run-1', events, 0)).toEqual(result);
    const reopened = await reopen();
    expect(await reopened.append('run-1', events, 0)).toEqual(result);
    expect(await contents(reopened)).toHaveLength(6);
  });

  test('C11 a retry beside the first try, before either is answered, gets the same result', async () => {
    const events = readyEvents(3);
    const [one, two] = await Promise.all([
      store().append('run-1', events, 'noStream'),
      store().append('run-1', events, 'noStream'),
    ]);
    expect(two).toEqual(one);
    expect(await contents(store())).toHaveLength(3);
  });

  test('C12 the same from noStream', async () => {
    const events = readyEvents(3);
    const result = await store().append('run-1', events, 'noStream');
    expect(await store().append('run-1', events, 'noStream')).toEqual(result);
    const reopened = await reopen();
    expect(await reopened.append('run-1', events, 'noStream')).toEqual(result);
    expect(await contents(reopened)).toHaveLength(3);
  });

  test('C13 retry with a prefix of the batch: success', async () => {
    const events = readyEvents(4);
    await store().append('run-1', events, 'noStream');
    const retried = await store().append('run-1', events.slice(0, 2), 'noStream');
    const [, second] = await contents(store(), 'run-1');
    expect(retried).toEqual({ revision: 1, position: second?.position });
    expect(await contents(store())).toHaveLength(4);
  });

  test('C14 old ids plus one new id: Conflict', async () => {
    const events = readyEvents(2);
    await store().append('run-1', events, 'noStream');
    await expectConflict(store().append('run-1', [...events, ...readyEvents(1)], 'noStream'), 'no stream', 1);
    await expectConflict(
      store().append('run-1', [...events.slice(1), ...readyEvents(1)], 0),
      'revision 0',
      1,
    );
    expect(await contents(store())).toHaveLength(2);
  });

  test('C15 same expected, different ids: Conflict', async () => {
    await store().append('run-1', readyEvents(2), 'noStream');
    await store().append('run-1', readyEvents(2), 1);
    await expectConflict(store().append('run-1', readyEvents(2), 1), 'revision 1', 3);
    expect(await contents(store())).toHaveLength(4);
  });

  test('C18 duplicate ids in a batch, empty batch, empty names, non-UUID id, names starting with `$`, names > 200 bytes: Validation before I/O', async () => {
    const [event] = readyEvents(1) as [ReadyEvent];
    const refused: [string, readonly ReadyEvent[]][] = [
      ['run-1', [event, event]],
      ['run-1', []],
      ['', [event]],
      ['run-1', [{ ...event, id: 'not-a-uuid' }]],
      ['run-1', [{ ...event, id: event.id.toUpperCase() }]],
      ['run-1', [{ ...event, type: '' }]],
      ['run-1', [{ ...event, type: 'x'.repeat(65) }]],
      ['run-1', [{ ...event, hash: event.hash.subarray(1) }]],
      ['$run-1', [event]],
      ['ü'.repeat(101), [event]],
      ['run-\ud800', [event]],
    ];
    for (const [stream, events] of refused) {
      await expectCode(store().append(stream, events, 'noStream'), 'INVALID_APPEND');
    }
    for (const revision of [-1, 0.5, Number.NaN, 2 ** 32]) {
      await expectCode(store().append('run-1', [event], revision), 'INVALID_APPEND');
    }
    expect(await contents(store())).toEqual([]);
    expect((await store().append('ü'.repeat(100), [event], 'noStream')).revision).toBe(0);
  });

  test('C20 over the size limit: TooLarge locally', async () => {
    const size = (coreBytes: number) => readyEvents(1, { coreBytes, sealedBytes: 100 });
    const overhead = 32 + 100;
    await expectCode(store().append('run-1', size(maxAppendBytes - overhead + 1), 'noStream'), 'TOO_LARGE');
    expect(await contents(store())).toEqual([]);
    const largest = size(maxAppendBytes - overhead);
    await store().append('run-1', largest, 'noStream');
    expect((await contents(store())).map(given)).toEqual(largest.map(given));
  });

  test('C21 200 events of 4 KiB each, payload included, in one append', async () => {
    const events = readyEvents(200, { coreBytes: 2048, sealedBytes: 2048 });
    expect((await store().append('run-1', events, 'noStream')).revision).toBe(199);
    expect((await contents(store(), 'run-1')).map(given)).toEqual(events.map(given));
  });

  test('an append whose signal has aborted is not made', async () => {
    const signal = AbortSignal.abort(new Error('changed my mind'));
    await expect(store().append('run-1', readyEvents(1), 'noStream', signal)).rejects.toThrow(
      'changed my mind',
    );
    expect(await contents(store())).toEqual([]);
  });

  test('close waits for what is in flight, and every later call is refused', async () => {
    const closing = store();
    const appends = Array.from({ length: 20 }, (_, n) =>
      closing.append(`run-${n}`, readyEvents(2), 'noStream'),
    );
    await closing.close();
    await Promise.all(appends);
    await expectCode(closing.append('run-1', readyEvents(1), 1), 'UNAVAILABLE');
    await expectCode(closing.head(), 'UNAVAILABLE');
    await expectCode(collect(closing.readAll()), 'UNAVAILABLE');
    await expectCode(collect(closing.readStream('run-1')), 'UNAVAILABLE');
    expect(await contents(await reopen())).toHaveLength(40);
  });
}

async function expectCode(
  work: ReturnType<EventStore['append']> | Promise<unknown>,
  code: string,
): Promise<void> {
  await expect(work).rejects.toMatchObject({ code });
}

async function expectConflict(
  work: Promise<unknown>,
  expected: string,
  actual: number | 'none',
): Promise<void> {
  await expect(work).rejects.toMatchObject({ code: 'CONFLICT', params: { expected, actual } });
}
