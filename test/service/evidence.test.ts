import { describe, expect, test } from 'vitest';
import ledger from '../../projections/ledger.ts';
import { LedgerError } from '../../src/errors.ts';
import type { ExecutionItem } from '../../src/events/item.ts';
import type { Evidence } from '../../src/exporters/evidence.ts';
import { verifierKeyText } from '../../src/ledger/note-key.ts';
import type { Verdict } from '../../src/ledger/verdict.ts';
import { verifyBundle } from '../../src/ledger/verify.ts';
import type { Projector } from '../../src/projector/projector.ts';
import { headsNow, treeRoot } from '../../src/queries/ledger.ts';
import { evidenceOf, type EvidenceSource } from '../../src/service/evidence.ts';
import { completed, keyOfStream, pictureRun, publish, smallLedger } from '../ledger/small-ledger.ts';
import { recordOwn, signedFacts, testKey } from '../ledger/signed-log.ts';
import { createMemoryStore, type MemoryStore } from '../memory-store.ts';
import { caughtUp, opened, temporaryDirectory } from '../projector/opened.ts';

const never = new AbortController().signal;
const everything = (): boolean => true;
const known = { keys: [verifierKeyText(testKey)], media: new Map<string, string>() };

type Bench = {
  readonly store: MemoryStore;
  readonly source: EvidenceSource;
  /** Appends what the log got meanwhile. */
  readonly grow: () => Promise<void>;
  readonly sign: () => Promise<void>;
};

/** A log on a store, its read model, and somebody who signs when told to. */
async function benchOf(small: ReturnType<typeof smallLedger>): Promise<Bench> {
  const store = createMemoryStore();
  let taken = 0;
  const take = (): void => {
    for (const { stream, ready } of small.events().slice(taken)) store.add(stream, [ready]);
    taken = small.events().length;
  };
  take();
  const { name: origin, keyId: key_id, publicKey } = testKey;
  const public_key = Buffer.from(publicKey).toString('base64url');
  recordOwn(store, 'ledger_key_published', { origin, key_id, public_key });
  const projector = await opened([ledger()], {
    directory: await temporaryDirectory(),
    store,
    keyOf: keyOfStream,
  });
  await caughtUp(projector, store);
  const sign = async (): Promise<void> => {
    recordOwn(store, 'run_heads_recorded', headsNow(projector, store.events.length));
    await caughtUp(projector, store);
    const size = store.events.length;
    recordOwn(store, 'checkpoint_signed', signedFacts(size, treeRoot(projector, size)));
    await caughtUp(projector, store);
  };
  const source = { store, keyOf: keyOfStream, projector, signNow: async () => undefined };
  return {
    store,
    source,
    sign,
    grow: async () => {
      take();
      await caughtUp(projector, store);
    },
  };
}

const ended = (): ReturnType<typeof smallLedger> => {
  const small = smallLedger();
  publish(small);
  small.add('run-other', { item_type: 'pipeline_start', stage: 0 });
  small.add('run-one', ...pictureRun(20), completed);
  return small;
};

const bytesOf = (evidence: Evidence): Uint8Array => {
  if (evidence.kind === 'none') throw new TypeError(`no evidence: ${evidence.why}`);
  return evidence.bytes;
};
const verdictOn = (evidence: Evidence): Verdict => verifyBundle(bytesOf(evidence), known);
const wanted = { executionId: 'one', seq: 24, isShown: everything };

describe('the evidence of a run', () => {
  test('is verified: its events, the policy and the workflow that they name', async () => {
    const { source, sign } = await benchOf(ended());
    await sign();
    const { outcome, faults, seen } = verdictOn(await evidenceOf(source, wanted, never));
    expect([outcome, faults]).toEqual(['verified', []]);
    expect(seen).toMatchObject({ items: 24, documents: ['policy-workshop', 'workflow-dada'] });
  });

  test('has the same bytes for ever once the run has ended, however the log goes on', async () => {
    const small = ended();
    const { source, sign, grow } = await benchOf(small);
    await sign();
    const before = bytesOf(await evidenceOf(source, wanted, never));
    small.add('run-other', { item_type: 'user_input_text', stage: 1, content: 'Anderes' });
    await grow();
    await sign();
    await sign();
    expect(Buffer.compare(bytesOf(await evidenceOf(source, wanted, never)), before)).toBe(0);
  });

  test('of an open run is signed when it is asked for, and is found to be open', async () => {
    const small = smallLedger();
    publish(small);
    small.add('run-one', ...pictureRun());
    const { source, sign } = await benchOf(small);
    const signing = { ...source, signNow: sign };
    const open = await evidenceOf(signing, { ...wanted, seq: 3 }, never);
    expect(verdictOn(open).outcome).toBe('open');
  });

  test('tells of as many events as the run had when it was signed, not only of those that were exported', async () => {
    const { source, sign } = await benchOf(ended());
    await sign();
    expect(verdictOn(await evidenceOf(source, { ...wanted, seq: 3 }, never)).seen?.items).toBe(24);
  });

  test('keeps its proof where the texts are erased', async () => {
    const { source, sign } = await benchOf(ended());
    await sign();
    const erased = {
      ...source,
      keyOf: (stream: string) => (stream === 'run-one' ? undefined : keyOfStream(stream)),
    };
    const { outcome, seen } = verdictOn(await evidenceOf(erased, wanted, never));
    expect(outcome).toBe('incomplete');
    expect(seen?.withoutPayload).toHaveLength(23);
  });

  test('leaves closed what a reader is not to see', async () => {
    const { source, sign } = await benchOf(ended());
    await sign();
    const isShown = ({ item_type }: ExecutionItem): boolean => item_type === 'output_image';
    const evidence = await evidenceOf(source, { ...wanted, isShown }, never);
    expect(Buffer.from(bytesOf(evidence)).toString()).not.toContain('Eine Blume');
    expect(verdictOn(evidence)).toMatchObject({ outcome: 'incomplete', faults: [] });
  });

  test('is none where nothing signs, and says so', async () => {
    const { source } = await benchOf(ended());
    expect(await evidenceOf(source, wanted, never)).toEqual({ kind: 'none', why: 'unsigned' });
  });

  test('is none where the read model has stopped, and says so', async () => {
    const { source } = await benchOf(ended());
    const reader: Projector['reader'] = (projection) => {
      throw new LedgerError('PROJECTION_STOPPED', {
        name: projection,
        stream: 'run-one',
        seq: 1,
        why: 'a test',
      });
    };
    const stopped = { ...source, projector: { reader } };
    expect(await evidenceOf(stopped, wanted, never)).toEqual({ kind: 'none', why: 'stopped' });
  });
});
