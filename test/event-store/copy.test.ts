import { afterEach, describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { type Appended, type EventStore, maxAppendBytes } from '../../src/event-store/port.ts';
import type { ReadyEvent, StoredEvent } from '../../src/events/stored-event.ts';
import { rootAt } from '../../src/ledger/tree-head.ts';
import { copyLog, type CopyProgress } from '../../src/service/copy-log.ts';
import { compareLogs } from '../../src/service/log-comparison.ts';
import { randomFrom } from '../crash/random.ts';
import type { Harness } from './conformance.ts';
import { openFreshLmdb } from './lmdb-directory.ts';
import { openFreshOnServer } from './shared-server.ts';
import { contents, given, readyEvents } from './ready-events.ts';

type Open = () => Promise<Harness>;

/** From which store into which; the laws are the same for all of them. */
const pairs: readonly (readonly [string, Open, Open])[] = [
  ['lmdb into lmdb', openFreshLmdb, openFreshLmdb],
  ['lmdb into eventstoredb', openFreshLmdb, openFreshOnServer],
  ['eventstoredb into lmdb', openFreshOnServer, openFreshLmdb],
];

const never = new AbortController().signal;
const quick = { attempts: 4, firstWaitMs: 0, longestWaitMs: 0 };

describe.each(pairs)('a copy of %s', (_, openSource, openTarget) => {
  let harnesses: Harness[] = [];
  afterEach(async () => {
    const used = harnesses;
    harnesses = [];
    for (const harness of used) await harness.destroy();
  });
  const opened = async (open: Open): Promise<EventStore> => {
    const harness = await open();
    harnesses.push(harness);
    return harness.store;
  };
  const both = async () => ({ source: await opened(openSource), target: await opened(openTarget) });
  const copied = (
    source: EventStore,
    target: EventStore,
    more: Partial<Parameters<typeof copyLog>[0]> = {},
  ) => copyLog({ source, target, signal: never, persistence: quick, ...more });

  test('C55 keeps order, ids, bytes and hashes, has the same ledger root, and re-running it adds nothing', async () => {
    const { source, target } = await both();
    const { events, streams } = await tell(source, 60);
    const root = (await rootAt(hashesOf(source), events)).toString('base64');
    expect(await copied(source, target)).toEqual({ events, streams, root, added: events });
    expect(await wholeOf(target)).toEqual(await wholeOf(source));
    expect((await rootAt(hashesOf(target), events)).toString('base64')).toBe(root);
    expect(await copied(source, target)).toEqual({ events, streams, root, added: 0 });
    expect(await contents(target)).toHaveLength(events);
    for (const stream of new Set((await contents(source)).map((event) => event.stream)))
      expect((await contents(target, stream)).map(given)).toEqual(
        (await contents(source, stream)).map(given),
      );
  });

  test('C55 and back again gives the identical log', async () => {
    const { source, target } = await both();
    const { events } = await tell(source, 40);
    const back = await opened(openSource);
    const there = await copied(source, target);
    expect(await copied(target, back)).toEqual(there);
    expect(there.events).toBe(events);
    expect(await wholeOf(back)).toEqual(await wholeOf(source));
  });

  test('goes on from any beginning of the source, also from the middle of what was one append', async () => {
    const source = await opened(openSource);
    await source.append('run-1', readyEvents(4), 'noStream');
    await source.append('run-2', readyEvents(3), 'noStream');
    await source.append('run-1', readyEvents(2), 3);
    const all = await contents(source);
    for (let length = 0; length <= all.length; length += 1) {
      const target = await opened(openTarget);
      for (const event of all.slice(0, length)) await appendAlone(target, event);
      expect(await copied(source, target)).toMatchObject({ events: 9, added: 9 - length });
      expect(await wholeOf(target)).toEqual(await wholeOf(source));
    }
  });

  test('takes over what came to the source later when it is run again', async () => {
    const { source, target } = await both();
    await source.append('run-1', readyEvents(3), 'noStream');
    await copied(source, target);
    await source.append('run-1', readyEvents(2), 2);
    await source.append('run-2', readyEvents(1), 'noStream');
    expect(await copied(source, target)).toMatchObject({ events: 6, streams: 2, added: 3 });
    expect(await wholeOf(target)).toEqual(await wholeOf(source));
  });

  test('holds what the source held at its beginning, whatever is appended to that meanwhile', async () => {
    const { source, target } = await both();
    await source.append('run-1', readyEvents(3), 'noStream');
    await source.append('run-2', readyEvents(3), 'noStream');
    let revision = 2;
    const busy = {
      ...target,
      append: async (...args: Parameters<EventStore['append']>) => {
        revision = (await source.append('run-1', readyEvents(1), revision)).revision;
        return target.append(...args);
      },
    };
    expect(await copied(source, busy)).toMatchObject({ events: 6, added: 6 });
    expect(await wholeOf(target)).toEqual((await wholeOf(source)).slice(0, 6));
  });

  test('of an empty log is an empty log', async () => {
    const { source, target } = await both();
    const root = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
    expect(await copied(source, target)).toEqual({ events: 0, streams: 0, root, added: 0 });
    expect(await target.head()).toBeNull();
  });

  test('is no append larger than a store takes, though neighbours of a stream go together', async () => {
    const { source, target } = await both();
    const large = Math.floor(maxAppendBytes / 2);
    for (const [at, coreBytes] of [100, 100, large, large, 100].entries())
      await source.append('run-1', readyEvents(1, { coreBytes }), at === 0 ? 'noStream' : at - 1);
    await source.append('run-2', readyEvents(1), 'noStream');
    await source.append('run-1', readyEvents(3), 4);
    await source.append('run-3', readyEvents(700), 'noStream');
    const sent: string[] = [];
    const watched = spied(target, (stream, events) => sent.push(`${stream} ${events.length}`));
    await copied(source, watched);
    expect(sent).toEqual(['run-1 3', 'run-1 2', 'run-2 1', 'run-1 3', 'run-3 512', 'run-3 188']);
    expect(await wholeOf(target)).toEqual(await wholeOf(source));
  });

  test('has one append under way at a time', async () => {
    const { source, target } = await both();
    await tell(source, 20);
    let [underWay, most] = [0, 0];
    const watched = {
      ...target,
      append: async (...args: Parameters<EventStore['append']>) => {
        most = Math.max(most, (underWay += 1));
        const appended = await target.append(...args);
        underWay -= 1;
        return appended;
      },
    };
    await copied(source, watched);
    expect(most).toBe(1);
  });

  describe('into a store that holds anything else is refused with COPY_TARGET, and writes nothing', () => {
    const differing: readonly (readonly [string, (event: ReadyEvent) => Partial<StoredEvent>, RegExp])[] = [
      ['another id', () => ({ id: '0190a000-0000-7000-8000-000000000000' }), /its id is 0190a000/],
      ['another type', () => ({ type: 'other_type' }), /its type is other_type, in the source stage_output/],
      ['another core', () => withoutPlace(readyEvents(1)[0]), /its core has other bytes/],
      ['another payload', () => ({ sealed: Buffer.from('other') }), /its sealed payload has other bytes/],
      ['no payload', () => ({ sealed: null }), /its sealed payload has other bytes/],
      ['another stream', () => ({ stream: 'run-9', revision: 0 }), /the source has item 2 of run-1/],
    ];

    test.each(differing)('%s', async (_name, change, sentence) => {
      const { source, target } = await both();
      await source.append('run-1', readyEvents(4), 'noStream');
      const [first, second] = (await contents(source)) as [StoredEvent, StoredEvent];
      const other = { ...second, ...change(second) };
      for (const event of [first, other]) await appendAlone(target, event);
      const before = await wholeOf(target);
      await expect(copied(source, target)).rejects.toMatchObject({
        code: 'COPY_TARGET',
        params: { event: 2, stream: other.stream, sequence: other.revision + 1 },
        message: expect.stringMatching(sentence) as string,
      });
      expect(await wholeOf(target)).toEqual(before);
    });

    test('events of its own behind those of the source', async () => {
      const { source, target } = await both();
      await source.append('run-1', readyEvents(2), 'noStream');
      await copied(source, target);
      await target.append('run-1', readyEvents(1), 1);
      await expect(copied(source, target)).rejects.toMatchObject({
        code: 'COPY_TARGET',
        params: { event: 3, stream: 'run-1', sequence: 3, what: 'the source has ended' },
      });
      expect(await contents(target)).toHaveLength(3);
    });

    test('events, where the source has none', async () => {
      const { source, target } = await both();
      await target.append('run-1', readyEvents(1), 'noStream');
      await expect(copied(source, target)).rejects.toMatchObject({
        code: 'COPY_TARGET',
        params: { event: 1 },
      });
    });

    test('events that somebody else appends meanwhile, to the same stream', async () => {
      const { source, target } = await both();
      await source.append('run-1', readyEvents(2), 'noStream');
      const intruded = {
        ...target,
        append: async (...args: Parameters<EventStore['append']>) => {
          await target.append('run-1', readyEvents(1), 'noStream');
          return target.append(...args);
        },
      };
      await expect(copied(source, intruded)).rejects.toMatchObject({
        code: 'COPY_TARGET',
        params: { event: 1, stream: 'run-1', sequence: 1 },
      });
    });

    test('events that somebody else appends meanwhile, to another stream: found when both are read again', async () => {
      const { source, target } = await both();
      await source.append('run-1', readyEvents(2), 'noStream');
      await source.append('run-2', readyEvents(2), 'noStream');
      const intruded = spied(target, async (stream) => {
        if (stream === 'run-2') await target.append('run-9', readyEvents(1), 'noStream');
      });
      await expect(copied(source, intruded)).rejects.toMatchObject({
        code: 'COPY_TARGET',
        params: { event: 3, stream: 'run-9', sequence: 1 },
      });
    });
  });

  describe('into a store that fails now and then', () => {
    test('sends the same bytes again, whether or not they were stored, and stores each event once', async () => {
      const { source, target } = await both();
      await tell(source, 30);
      const random = randomFrom(7);
      let failures = 0;
      const shaky = {
        ...target,
        append: async (...args: Parameters<EventStore['append']>): Promise<Appended> => {
          const [before, after] = [random() < 0.2, random() < 0.2];
          failures += before || after ? 1 : 0;
          if (before) throw new LedgerError('UNAVAILABLE', { what: 'Cut off', cure: 'wait' });
          const appended = await target.append(...args);
          if (after) throw new LedgerError('TIMEOUT', { what: 'The append', timeoutMs: 1 });
          return appended;
        },
      };
      await copied(source, shaky, { persistence: { ...quick, attempts: 30 } });
      expect(failures).toBeGreaterThan(10);
      expect(await wholeOf(target)).toEqual(await wholeOf(source));
    });

    test('stops with COPY_STOPPED after its attempts, says how far it came, and goes on from there', async () => {
      const { source, target } = await both();
      await source.append('run-1', readyEvents(2), 'noStream');
      await source.append('run-2', readyEvents(2), 'noStream');
      let attempts = 0;
      const cut = {
        ...target,
        append: async (...args: Parameters<EventStore['append']>): Promise<Appended> => {
          if (args[0] === 'run-1') return target.append(...args);
          attempts += 1;
          throw new LedgerError('UNAVAILABLE', { what: 'Cut off', cure: 'wait' });
        },
      };
      await expect(copied(source, cut)).rejects.toMatchObject({
        code: 'COPY_STOPPED',
        message:
          'The copy stopped behind event 2 of the log, for the target takes no more (Cut off: wait): mend that, then run the same command again; it goes on from there.',
      });
      expect(attempts).toBe(quick.attempts);
      expect(await copied(source, target)).toMatchObject({ events: 4, added: 2 });
    });

    test.each([
      ['a full disk', new LedgerError('STORAGE_FULL', { what: 'The append' }), 'COPY_STOPPED'],
      [
        'damage',
        new LedgerError('CORRUPT_EVENT', { stream: 's', sequence: 1, what: 'torn' }),
        'CORRUPT_EVENT',
      ],
    ])('does not try again for %s', async (_name, error, code) => {
      const { source, target } = await both();
      await source.append('run-1', readyEvents(2), 'noStream');
      let attempts = 0;
      const full = {
        ...target,
        append: async () => {
          attempts += 1;
          throw error;
        },
      };
      await expect(copied(source, full)).rejects.toMatchObject({ code });
      expect(attempts).toBe(1);
    });
  });

  test('that is interrupted stops behind the append in flight, has told how far it came, and goes on from there', async () => {
    const { source, target } = await both();
    const { events } = await tell(source, 20);
    const leaving = new AbortController();
    const reason = new Error('Ctrl-C');
    let appends = 0;
    const left = spied(target, () => {
      appends += 1;
      if (appends === 5) leaving.abort(reason);
    });
    const told: CopyProgress[] = [];
    const onProgress = (progress: CopyProgress) => void told.push(progress);
    await expect(copied(source, left, { signal: leaving.signal, onProgress })).rejects.toBe(reason);
    expect(appends).toBe(5);
    const stored = (await contents(target)).length;
    expect(told.at(-1)).toEqual({ step: 'copied', events: stored });
    expect(await wholeOf(target)).toEqual((await wholeOf(source)).slice(0, stored));
    expect(await copied(source, target)).toMatchObject({ events, added: events - stored });
  });

  test('that waits to try again is interrupted at once', async () => {
    const { source, target } = await both();
    await source.append('run-1', readyEvents(2), 'noStream');
    const leaving = new AbortController();
    const reason = new Error('Ctrl-C');
    const cut = {
      ...target,
      append: async () => {
        queueMicrotask(() => leaving.abort(reason));
        throw new LedgerError('UNAVAILABLE', { what: 'Cut off', cure: 'wait' });
      },
    };
    const longWaits = { attempts: 2, firstWaitMs: 2 ** 30, longestWaitMs: 2 ** 30 };
    const copying = copied(source, cut, { signal: leaving.signal, persistence: longWaits });
    await expect(copying).rejects.toBe(reason);
  });

  test('is told from the source by a comparison alone, also where events are missing at its end', async () => {
    const { source, target } = await both();
    await source.append('run-1', readyEvents(3), 'noStream');
    const quiet = { signal: never, onProgress: () => undefined };
    await copied(source, target);
    expect(await compareLogs(source, target, quiet)).toMatchObject({ events: 3, streams: 1 });
    await source.append('run-1', readyEvents(1), 2);
    await expect(compareLogs(source, target, quiet)).rejects.toMatchObject({
      code: 'COPY_TARGET',
      params: { event: 4, stream: 'run-1', sequence: 4, what: 'the target has ended' },
    });
    expect(await contents(target)).toHaveLength(3);
  });
});

/** A log of several streams whose appends, of one to six events, alternate; how many events and streams it has. */
async function tell(store: EventStore, appends: number): Promise<{ events: number; streams: number }> {
  const random = randomFrom(appends);
  const heads = new Map<string, number>();
  let events = 0;
  for (let append = 0; append < appends; append += 1) {
    const stream = `run-${Math.floor(random() * 7)}`;
    const batch = readyEvents(1 + Math.floor(random() * 6));
    const { revision } = await store.append(stream, batch, heads.get(stream) ?? 'noStream');
    heads.set(stream, revision);
    events += batch.length;
  }
  return { events, streams: heads.size };
}

/** Everything that two logs have in common when they are the same: all but the positions. */
const wholeOf = async (store: EventStore) =>
  (await contents(store)).map((event) => ({
    stream: event.stream,
    revision: event.revision,
    ...given(event),
  }));

async function* hashesOf(store: EventStore): AsyncGenerator<Uint8Array> {
  for await (const { hash } of store.readAll()) yield hash;
}

const appendAlone = (store: EventStore, event: StoredEvent): Promise<Appended> =>
  store.append(event.stream, [event], event.revision === 0 ? 'noStream' : event.revision - 1);

const withoutPlace = (event: ReadyEvent | undefined): Partial<StoredEvent> =>
  event === undefined ? {} : { core: event.core, hash: event.hash };

/** The store, with a word before each append. */
const spied = (
  store: EventStore,
  before: (stream: string, events: readonly ReadyEvent[]) => unknown,
): EventStore => ({
  ...store,
  append: async (stream, events, expected, signal) => {
    await before(stream, events);
    return store.append(stream, events, expected, signal);
  },
});
