import { describe, expect, test } from 'vitest';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { chainStart } from '../../src/events/digest.ts';
import { placeItem, sealItem } from '../../src/events/envelope.ts';
import { keyedId } from '../../src/events/ids.ts';
import { checkRun } from '../../src/service/check-run.ts';
import { createMemoryStore, type MemoryStore } from '../memory-store.ts';
import { keyOf } from '../recorded-runs.ts';
import { faultsIn } from '../ledger/checked-runs.ts';

const id = 'exec_20260301_100000_00000001';
const policy = { id: 'house', version: 1, sha256: 'ab'.repeat(32) };

/** Appends items to a stream as one chain, one second apart. */
function append(
  store: MemoryStore,
  stream: string,
  ...items: readonly Parameters<typeof placeItem>[0][]
): void {
  let prev = chainStart(stream);
  const ready = items.map((item, index) => {
    const seq = index + 1;
    const time = new Date(Date.UTC(2026, 2, 1, 10) + seq * 1_000).toISOString();
    const actor = { kind: 'service', id: 'test' } as const;
    const placed = placeItem(item, {
      id: keyedId(keyOf(stream), stream, String(seq)),
      stream,
      seq,
      tax: '1.1',
      time,
      actor,
    });
    const salt = Buffer.alloc(32, seq);
    const event = sealItem(placed, prev, { key: keyOf(stream), salt, nonce: salt.subarray(0, 12) });
    prev = Buffer.from(event.hash).toString('base64');
    return event;
  });
  store.add(stream, ready);
}
const start = { item_type: 'pipeline_start', stage: 0, metadata: { policy }, user_id: 'anonymous' };
const input = { item_type: 'user_input_text', stage: 1, content: 'Eine Blume' };
const error = { item_type: 'pipeline_error', stage: 1, content: 'gone', metadata: { error_type: 'timeout' } };
const publication = {
  item_type: 'policy_published',
  stage: 0,
  metadata: { policy_id: 'house', version: 1, sha256: policy.sha256, document: { lists: [] } },
};

function recorded(): MemoryStore {
  const store = createMemoryStore();
  append(store, 'policy-house', publication);
  append(store, `run-${id}`, start, input, error);
  return store;
}

async function faults(store: MemoryStore, keys: typeof keyOf | (() => undefined) = keyOf): Promise<unknown> {
  const checked = await checkRun({ store, keyOf: keys }, id, {}, new AbortController().signal);
  return checked === undefined ? undefined : faultsIn(checked.results);
}

/** The same log with one event of the run changed. */
const changed = (
  store: MemoryStore,
  seq: number,
  change: (event: StoredEvent) => Partial<StoredEvent>,
): MemoryStore =>
  createMemoryStore(
    'memory',
    store.events.map((event) =>
      event.stream === `run-${id}` && event.revision === seq - 1 ? { ...event, ...change(event) } : event,
    ),
  );

describe('the invariants of a stored run', () => {
  test('all pass, and an erased payload is fine', async () => {
    expect(await faults(recorded())).toEqual({});
    expect(await faults(recorded(), () => undefined)).toEqual({});
  });

  test('a policy that was published after the run had named it', async () => {
    const store = createMemoryStore();
    append(store, `run-${id}`, start, input, error);
    append(store, 'policy-house', publication);
    expect(await faults(store)).toEqual({ I4: [1] });
  });

  test('a payload that does not open its commitment', async () => {
    const store = changed(recorded(), 2, ({ sealed }) => ({
      sealed: Buffer.from(sealed ?? []).fill(7, 20, 24),
    }));
    expect(await faults(store)).toEqual({ I9: [2] });
  });

  test('a core whose bytes have changed, and the reading goes on behind it', async () => {
    const store = changed(recorded(), 2, ({ core }) => ({
      core: Buffer.from(Buffer.from(core).toString().replace('"stage":1', '"stage":2')),
    }));
    expect(await faults(store)).toEqual({ I10: [2] });
  });

  test('an event that is gone', async () => {
    const events = recorded().events.filter(
      ({ stream, revision }) => stream !== `run-${id}` || revision !== 1,
    );
    expect(await faults(createMemoryStore('memory', events))).toEqual({ I10: [3] });
  });

  test('an event that stands in the log before the one it follows', async () => {
    const store = recorded();
    const [published] = store.events;
    expect(await faults(changed(store, 3, () => ({ position: published?.position ?? '' })))).toEqual({
      I5: [3],
    });
  });

  test('an unknown run has none', async () => {
    expect(await faults(createMemoryStore())).toBeUndefined();
  });
});
