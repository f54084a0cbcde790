import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { checkSignedRoots } from '../../src/service/signed-roots.ts';
import { rootOfLeaves } from '../ledger/published-tree.ts';
import { type SignerKey, signerKey } from '../../src/ledger/note-key.ts';
import { keyFacts, recordOwn, signedFacts, testKey } from '../ledger/signed-log.ts';
import { generateLog } from '../generated-log.ts';
import { createMemoryStore, type MemoryStore } from '../memory-store.ts';

/** A published key, and what `key` signed after 20 events and at the end. */
function signedLog(key: SignerKey = testKey): MemoryStore {
  const store = createMemoryStore();
  const sign = (): void => {
    const root = rootOfLeaves(store.events.map(({ hash }) => Buffer.from(hash)));
    recordOwn(store, 'checkpoint_signed', signedFacts(store.events.length, root, key));
  };
  recordOwn(store, 'ledger_key_published', keyFacts());
  for (const [index, event] of generateLog(12, 2).store.events.entries()) {
    store.add(event.stream, [event]);
    if (index === 19) sign();
  }
  sign();
  return store;
}

const faultsOf = (events: MemoryStore['events']): ReturnType<typeof checkSignedRoots> =>
  checkSignedRoots(createMemoryStore('memory', events));

describe('fsck compares the log with what was signed', () => {
  test('and finds nothing in the log that was signed', async () => {
    expect(await faultsOf(signedLog().events)).toEqual([]);
  });

  test.each([3, 30])('and names the checkpoint that event %i, left out, fails first', async (left) => {
    const events = signedLog().events.toSpliced(left, 1);
    const [fault] = await faultsOf(events);
    expect(fault).toMatchObject({ stream: 'ledger', sequence: left < 20 ? 2 : 3, kind: 'unlinked' });
    expect(fault?.what).toContain(`events ${left < 20 ? 1 : 22} to`);
  });

  test('and names a checkpoint that none of the published keys signed, though the log is what it says', async () => {
    const stranger = signerKey(testKey.name, Buffer.alloc(32, 8));
    const unpublished = await faultsOf(signedLog(stranger).events);
    expect(unpublished.map(({ stream, sequence }) => [stream, sequence])).toEqual([
      ['ledger', 2],
      ['ledger', 3],
    ]);
    expect(unpublished[0]?.what).toContain(stranger.keyId);
    // It bears the id of the published key and was made with another.
    const forger = { ...stranger, keyId: testKey.keyId };
    expect(await faultsOf(signedLog(forger).events)).toHaveLength(2);
  });

  test('and finds a changed event and two that changed places', async () => {
    const { events } = signedLog();
    const [a, b] = [events[5], events[6]];
    if (a === undefined || b === undefined) throw new Error('no events');
    expect(await faultsOf(events.with(5, { ...a, hash: Buffer.alloc(32, 9) }))).toHaveLength(1);
    expect(await faultsOf(events.with(5, b).with(6, a))).toHaveLength(1);
  });
});
