import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import type { EventStore, ExpectedRevision } from '../../src/event-store/port.ts';
import type { ReadyEvent } from '../../src/events/stored-event.ts';
import { keyedDigestOf } from '../../src/events/ids.ts';
import { eventHash, chainStart } from '../../src/events/digest.ts';
import type { RecordRequest, RunItem } from '../../src/run/recorder.ts';
import { runBench, type RunBench } from '../run-bench.ts';

const run = 'exec_20260101_000000_00000001';
const line = (content: string, more: Partial<RunItem> = {}): RunItem => ({
  draft: { item_type: 'log_entry', content },
  ...more,
});
const request = (items: readonly RunItem[], more: Partial<RecordRequest> = {}): RecordRequest => ({
  executionId: run,
  by: 'foreign',
  run: 'existing',
  items,
  ...more,
});

async function begun(wrap?: (store: EventStore) => EventStore): Promise<RunBench> {
  const bench = runBench(wrap);
  await bench.recorder.record(
    request([{ draft: { item_type: 'pipeline_start' }, clientId: 's' }], { run: 'new' }),
  );
  return bench;
}

const bytesOf = (bench: RunBench): unknown => structuredClone([...bench.store.streams]);

describe('one request', () => {
  test('stores all of its items, numbered and linked, and says who recorded them', async () => {
    const bench = runBench();
    const items = [{ draft: { item_type: 'pipeline_start', user_id: 'anna' } }, line('one'), line('two')];
    const recorded = await bench.recorder.record(
      request(items, { run: 'new', userId: 'anna', trace: '4bf92f3577b34da6a3ce929d0e0e4736' }),
    );
    expect(recorded).toMatchObject({ sequenceNumbers: [1, 2, 3], stored: true, state: { version: 2 } });
    const subject = keyedDigestOf(bench.naming, 'subject', 'anna');
    let prev = chainStart(`run-${run}`);
    for (const [index, stored] of (bench.store.streams.get(`run-${run}`) ?? []).entries()) {
      const { core } = bench.eventsOf(run)[index] ?? {};
      expect(core).toMatchObject({ seq: index + 1, prev, tax: '1.1', actor: { kind: 'client', id: 'http' } });
      expect(core?.subject).toBe(index === 0 ? subject : undefined);
      expect(core?.trace).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
      expect(core?.recorded).toBeUndefined();
      prev = eventHash(stored.core).toString('base64');
    }
    expect(JSON.stringify(bench.eventsOf(run).map(({ core }) => core))).not.toContain('anna');
  });

  test('keeps a time that came from outside, and says when it was recorded', async () => {
    const bench = await begun();
    await bench.recorder.record(request([line('x', { time: '2020-02-29T01:02:03.000004Z' })]));
    expect(bench.eventsOf(run)[1]?.core).toMatchObject({
      time: '2020-02-29T01:02:03.000004Z',
      recorded: expect.stringMatching(/^2026-01-02T/),
    });
  });

  test.each<[string, RunItem, string]>([
    ['cannot be recorded', line('\ud800'), 'UNRECORDABLE'],
    ['has a type that is no identifier', { draft: { item_type: 'A b' } }, 'ITEM_SHAPE'],
    ['has a time that is none', line('x', { time: 'yesterday' }), 'ITEM_SHAPE'],
    ['breaks a rule', { draft: { item_type: 'pipeline_start' } }, 'RULE_BROKEN'],
  ])('stores nothing where one of its items %s', async (_, item, code) => {
    const bench = await begun();
    const before = bytesOf(bench);
    await expect(bench.recorder.record(request([line('good'), item]))).rejects.toMatchObject({ code });
    expect(bytesOf(bench)).toEqual(before);
    expect(await bench.recorder.record(request([line('next')]))).toMatchObject({ sequenceNumbers: [2] });
  });

  test('begins a run only where there is none, and goes on only where there is one', async () => {
    const bench = await begun();
    await expect(bench.recorder.record(request([line('x')], { run: 'new' }))).rejects.toMatchObject({
      code: 'RUN_EXISTS',
    });
    await expect(bench.recorder.record(request([line('x')], { executionId: 'other' }))).rejects.toMatchObject(
      {
        code: 'EXECUTION_NOT_FOUND',
      },
    );
    expect(bench.store.streams.size).toBe(1);
  });

  test('with If-Match is refused where the run has another version', async () => {
    const bench = await begun();
    const refused = bench.recorder.record(request([line('x')], { expectedVersion: 3 }));
    await expect(refused).rejects.toMatchObject({
      code: 'VERSION_MISMATCH',
      params: { expected: 3, actual: 0 },
    });
    await expect(bench.recorder.record(request([line('x')], { expectedVersion: 0 }))).resolves.toBeDefined();
  });
});

describe('a retry with client ids', () => {
  test.each([
    ['in the same process', false],
    ['in another process', true],
  ])('gets the same numbers and stores nothing, %s', async (_, elsewhere) => {
    const bench = await begun();
    const items = [line('a', { clientId: 'a' }), line('b', { clientId: 'b', time: '2025-01-01T00:00:00Z' })];
    const first = await bench.recorder.record(request(items, { expectedVersion: 0 }));
    await bench.recorder.record(request([line('between')]));
    const before = bytesOf(bench);
    const recorder = elsewhere ? bench.another() : bench.recorder;
    const again = await recorder.record(request(items, { expectedVersion: 0 }));
    expect(again).toMatchObject({ sequenceNumbers: first.sequenceNumbers, stored: false, position: null });
    expect(again.state.version).toBe(3);
    expect(bytesOf(bench)).toEqual(before);
  });

  test('of the start is harmless too', async () => {
    const bench = await begun();
    const start = request([{ draft: { item_type: 'pipeline_start' }, clientId: 's' }], { run: 'new' });
    expect(await bench.another().record(start)).toMatchObject({ sequenceNumbers: [1], stored: false });
  });

  test.each<[string, readonly RunItem[]]>([
    ['another content', [line('A', { clientId: 'a' })]],
    ['another type', [{ draft: { item_type: 'usage_recorded', content: 'a' }, clientId: 'a' }]],
    ['a member more', [{ draft: { item_type: 'log_entry', content: 'a', stage: 1 }, clientId: 'a' }]],
    ['another time', [line('a', { clientId: 'a', time: '2025-01-01T00:00:00Z' })]],
    ['a part that is new', [line('a', { clientId: 'a' }), line('c', { clientId: 'c' })]],
    ['a part without a name', [line('a', { clientId: 'a' }), line('c')]],
  ])('that comes with %s is refused, and nothing is stored', async (_, items) => {
    const bench = await begun();
    await bench.recorder.record(request([line('a', { clientId: 'a' })]));
    const before = bytesOf(bench);
    for (const recorder of [bench.recorder, bench.another()]) {
      await expect(recorder.record(request(items))).rejects.toMatchObject({ code: 'OTHER_CONTENT' });
    }
    expect(bytesOf(bench)).toEqual(before);
  });

  test('that leaves a member out is refused', async () => {
    const bench = await begun();
    const full = { item_type: 'log_entry', content: 'a', stage: 1, metadata: {} };
    await bench.recorder.record(request([{ draft: full, clientId: 'a' }]));
    const less = request([{ draft: { item_type: 'log_entry', content: 'a' }, clientId: 'a' }]);
    await expect(bench.recorder.record(less)).rejects.toMatchObject({ code: 'OTHER_CONTENT' });
  });

  test('is recognised after the payloads were erased', async () => {
    const bench = await begun();
    await bench.recorder.record(request([line('abc', { clientId: 'a' })]));
    bench.keys.clear();
    const recorder = bench.another();
    expect(await recorder.record(request([line('abc', { clientId: 'a' })]))).toMatchObject({ stored: false });
    await expect(recorder.record(request([line('abcd', { clientId: 'a' })]))).rejects.toMatchObject({
      code: 'OTHER_CONTENT',
    });
  });

  test('of one name in two runs makes two items', async () => {
    const bench = await begun();
    const other = request([line('a', { clientId: 's' })], { executionId: 'other', run: 'new' });
    expect(await bench.recorder.record(other)).toMatchObject({ stored: true, sequenceNumbers: [1] });
  });
});

describe('many writers', () => {
  test('of one run in one process get the numbers 1 to 50 without a gap', async () => {
    const bench = runBench();
    const first = bench.recorder.record(request([line('0')], { run: 'new' }));
    const others = Array.from({ length: 49 }, (_, index) =>
      bench.recorder.record(request([line(`${index + 1}`)])),
    );
    const recorded = await Promise.all([first, ...others]);
    expect(recorded.flatMap(({ sequenceNumbers }) => sequenceNumbers)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    expect(bench.eventsOf(run).map(({ payload }) => payload?.content)).toEqual(
      Array.from({ length: 50 }, (_, index) => `${index}`),
    );
    expect(bench.recordOf(run).version).toBe(49);
  });

  test('a refused request leaves its queue to the next one', async () => {
    const bench = await begun();
    const both = await Promise.allSettled([
      bench.recorder.record(request([{ draft: { item_type: 'pipeline_start' } }])),
      bench.recorder.record(request([line('x')])),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  test('another process that came first is seen: the run is folded and decided anew', async () => {
    const bench = await begun();
    const other = bench.another();
    await other.record(request([line('theirs')]));
    expect(await bench.recorder.record(request([line('ours')]))).toMatchObject({ sequenceNumbers: [3] });
    await other.record(request([{ draft: { item_type: 'pipeline_complete' } }]));
    const late = bench.recorder.record(request([{ draft: { item_type: 'user_input_text' } }]));
    await expect(late).rejects.toMatchObject({
      code: 'RULE_BROKEN',
      params: { rule: 'item_after_terminal' },
    });
  });

  test('who always comes second gives up after five decisions', async () => {
    let appends = 0;
    const bench = await begun((store) => ({
      ...store,
      append: async (stream, events, expected) => {
        if (expected === 'noStream') return store.append(stream, events, expected);
        appends += 1;
        throw new LedgerError('CONFLICT', { stream, expected: String(expected), actual: 9 });
      },
    }));
    await expect(bench.recorder.record(request([line('x')]))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(appends).toBe(5);
  });
});

type Sent = { readonly events: readonly ReadyEvent[]; readonly expected: ExpectedRevision };

/** A store whose appends of log lines end in these errors first, before or after they stored. */
function shaky(faults: ('before' | 'after')[], sent: Sent[]): (store: EventStore) => EventStore {
  return (store) => ({
    ...store,
    append: async (stream, events, expected) => {
      if (expected === 'noStream') return store.append(stream, events, expected);
      sent.push({ events: structuredClone(events), expected });
      const fault = faults.shift();
      if (fault === 'before') throw new LedgerError('UNAVAILABLE', { what: 'The test', cure: 'wait' });
      const appended = await store.append(stream, events, expected);
      if (fault === 'after') throw new LedgerError('TIMEOUT', { what: 'The test', timeoutMs: 1 });
      return appended;
    },
  });
}

describe('after an error that leaves open whether it was stored', () => {
  test.each<['before' | 'after']>([['before'], ['after']])(
    'the same bytes are sent again at the same revision (%s storing)',
    async (fault) => {
      const sent: Sent[] = [];
      const bench = await begun(shaky([fault], sent));
      expect(await bench.recorder.record(request([line('x')]))).toMatchObject({
        sequenceNumbers: [2],
        stored: true,
      });
      expect(sent).toHaveLength(2);
      expect(sent[1]).toEqual(sent[0]);
      expect(bench.eventsOf(run)).toHaveLength(2);
    },
  );

  test('that stays, the caller is told, and its retry by id stores once', async () => {
    const sent: Sent[] = [];
    const bench = await begun(shaky(['after', 'after'], sent));
    const item = request([line('x', { clientId: 'x' })]);
    await expect(bench.recorder.record(item)).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(await bench.recorder.record(item)).toMatchObject({ sequenceNumbers: [2], stored: false });
    expect(await bench.recorder.record(request([line('y')]))).toMatchObject({ sequenceNumbers: [3] });
    expect(bench.eventsOf(run)).toHaveLength(3);
  });
});

test('a stream whose links do not hold takes no further events', async () => {
  const bench = await begun();
  await bench.recorder.record(request([line('a')]));
  const other = runBench();
  await other.recorder.record(
    request([{ draft: { item_type: 'pipeline_start' }, clientId: 'z' }], { run: 'new' }),
  );
  const [foreign] = other.store.streams.get(`run-${run}`) ?? [];
  const stream = bench.store.streams.get(`run-${run}`);
  if (foreign === undefined || stream === undefined) throw new Error('both runs were begun');
  stream[0] = foreign;
  const refused = bench.another().record(request([line('b')]));
  await expect(refused).rejects.toMatchObject({
    code: 'CORRUPT_EVENT',
    message: expect.stringContaining('linked'),
  });
});

test('an erased run takes no new payload, because a new key would make the erased ones read as damaged', async () => {
  const bench = await begun();
  await bench.recorder.record(request([line('a')]));
  bench.keys.clear();
  for (const recorder of [bench.recorder, bench.another()]) {
    await expect(recorder.record(request([line('b')]))).rejects.toMatchObject({ code: 'RUN_ERASED' });
  }
  expect(bench.recordOf(run)).toMatchObject({ erased: true, version: 1 });
});

test('an erased run still takes what may follow', async () => {
  const bench = await begun();
  await bench.recorder.record(request([line('a')]));
  bench.keys.clear();
  const erased = request([{ draft: { item_type: 'content_erased' } }]);
  expect(await bench.another().record(erased)).toMatchObject({ sequenceNumbers: [3] });
});
