import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import ledger from '../../projections/ledger.ts';
import { isLedgerError } from '../../src/errors.ts';
import { parseCheckpoint } from '../../src/ledger/checkpoint.ts';
import { isConsistent, isIncluded } from '../../src/ledger/proof-check.ts';
import { runHeadLeaf } from '../../src/ledger/run-head.ts';
import { isSignedBy, parseNote } from '../../src/ledger/signed-note.ts';
import type { Projector } from '../../src/projector/projector.ts';
import {
  checkpointCovering,
  checkpointOfSize,
  consistencyOf,
  headsNow,
  headsProof,
  latestCheckpoint,
  leafOf,
  proofOf,
  readTree,
  treeRoot,
} from '../../src/queries/ledger.ts';
import { executionIdOf } from '../../src/run/record.ts';
import { generateLog } from '../generated-log.ts';
import { createMemoryStore, type MemoryStore } from '../memory-store.ts';
import { caughtUp, opened, temporaryDirectory } from '../projector/opened.ts';
import { rootOfLeaves } from './published-tree.ts';
import { recordOwn, signedFacts, testKey } from './signed-log.ts';

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
const hashesOf = (store: MemoryStore): Buffer[] => store.events.map(({ hash }) => Buffer.from(hash));

/** The read model over a log, with all that it holds. */
async function modelOf(store: MemoryStore): Promise<Projector> {
  const projector = await opened([ledger()], { directory: await temporaryDirectory(), store });
  await caughtUp(projector, store);
  return projector;
}

/** Run heads by the definition: the last event of each run among the first leaves, in the order of first events. */
function headsByHand(store: MemoryStore, size: number): Map<string, { seq: number; head: string }> {
  const heads = new Map<string, { seq: number; head: string }>();
  for (const { stream, revision, hash } of store.events.slice(0, size)) {
    const run = executionIdOf(stream);
    if (run === undefined) continue;
    heads.set(run, { seq: revision + 1, head: Buffer.from(hash).toString('base64') });
  }
  return heads;
}

const headsRootByHand = (store: MemoryStore, size: number): string =>
  rootOfLeaves(Array.from(headsByHand(store, size), ([run, head]) => runHeadLeaf({ run, ...head }))).toString(
    'hex',
  );

/** Records run heads and signs what there is then, as the service does. */
function sign(store: MemoryStore): void {
  const size = store.events.length;
  recordOwn(store, 'run_heads_recorded', {
    size,
    runs: headsByHand(store, size).size,
    root: headsRootByHand(store, size),
  });
  const signed = store.events.length;
  recordOwn(store, 'checkpoint_signed', signedFacts(signed, rootOfLeaves(hashesOf(store))));
}

/** A log in which a checkpoint was signed after every so many events. */
function signedLog(runs: number, every: number, seed = 3): MemoryStore {
  const { store: source } = generateLog(runs, seed);
  const store = createMemoryStore();
  for (const [index, event] of source.events.entries()) {
    store.add(event.stream, [event]);
    if (index % every === every - 1) sign(store);
  }
  return store;
}

describe('the tree over all events', () => {
  test('has at every size the root of its definition, also beyond a full tile', async () => {
    const { store } = generateLog(140, 4);
    const projector = await modelOf(store);
    const hashes = hashesOf(store);
    expect(hashes.length).toBeGreaterThan(512);
    expect(readTree(projector)?.size).toBe(hashes.length);
    for (let size = 0; size <= hashes.length; size += size < 20 ? 1 : 17)
      expect(treeRoot(projector, size)).toEqual(rootOfLeaves(hashes.slice(0, size)));
    for (const size of [255, 256, 257, 511, 512, 513, hashes.length])
      expect(treeRoot(projector, size)).toEqual(rootOfLeaves(hashes.slice(0, size)));
  });

  test('proves any event at any size that holds it, and any two sizes', async () => {
    const { store } = generateLog(140, 4);
    const projector = await modelOf(store);
    const hashes = hashesOf(store);
    const twoSizes = fc.tuple(
      fc.integer({ min: 1, max: hashes.length }),
      fc.integer({ min: 1, max: hashes.length }),
    );
    fc.assert(
      fc.property(twoSizes, fc.nat(), ([a, b], pick) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const index = pick % to;
        const event = store.events[index];
        if (event === undefined) throw new Error('no event');
        const proof = proofOf(projector, event.stream, event.revision + 1, to);
        expect(proof.leaf).toBe(index);
        const root = rootOfLeaves(hashes.slice(0, to));
        const path = proof.path.map(bytes);
        expect(isIncluded({ leaf: event.hash, index, size: to, path, root })).toBe(true);
        const consistency = consistencyOf(projector, from, to).path.map(bytes);
        const smaller = { size: from, root: rootOfLeaves(hashes.slice(0, from)) };
        expect(isConsistent({ from: smaller, to: { size: to, root }, path: consistency })).toBe(true);
      }),
      { numRuns: 60, seed: 11 },
    );
  });

  test('refuses sizes that it does not have, and events that are not there', async () => {
    const { store } = generateLog(3, 4);
    const projector = await modelOf(store);
    const [first] = store.events;
    const [stream, size] = [first?.stream ?? '', store.events.length];
    const refusal = (ask: () => unknown): string => {
      try {
        ask();
      } catch (error) {
        for (const code of ['TREE_SIZE', 'EVENT_NOT_FOUND', 'EXECUTION_NOT_FOUND'] as const)
          if (isLedgerError(error, code)) return code;
        throw error;
      }
      return 'answered';
    };
    expect(refusal(() => treeRoot(projector, size + 1))).toBe('TREE_SIZE');
    expect(refusal(() => consistencyOf(projector, 2, 1))).toBe('TREE_SIZE');
    expect(refusal(() => proofOf(projector, stream, 1, size + 1))).toBe('TREE_SIZE');
    expect(refusal(() => proofOf(projector, stream, 2, 1))).toBe('TREE_SIZE');
    for (const seq of [0, -1, 1000])
      expect(refusal(() => proofOf(projector, stream, seq, size))).toBe('EVENT_NOT_FOUND');
    expect(refusal(() => proofOf(projector, 'run-none', 1, size))).toBe('EVENT_NOT_FOUND');
    expect(refusal(() => checkpointCovering(projector, 'none'))).toBe('EXECUTION_NOT_FOUND');
    expect(leafOf(projector, stream, 1)).toBe(0);
  });
});

describe('checkpoints in the log', () => {
  test('are found again as the very notes that were signed', async () => {
    const store = signedLog(12, 7);
    const projector = await modelOf(store);
    const latest = latestCheckpoint(projector);
    const note = parseNote(latest?.note ?? '');
    expect(note !== undefined && isSignedBy(note, testKey)).toBe(true);
    const checkpoint = parseCheckpoint(note?.text ?? '');
    expect(checkpoint).toMatchObject({ origin: testKey.name, size: latest?.size, extensions: [] });
    expect(checkpoint?.root).toEqual(treeRoot(projector, latest?.size ?? 0));
  });

  test('the earliest one that covers a run is the first that was signed over all its events and their run heads', async () => {
    const store = signedLog(25, 9);
    const projector = await modelOf(store);
    const leaves = [...store.events.entries()];
    const signed = leaves.flatMap(([, { type, stream, core }]) =>
      stream === 'ledger' && type === 'checkpoint_signed'
        ? [Number(JSON.parse(Buffer.from(core).toString('utf8')).facts.size)]
        : [],
    );
    const runs = new Map(leaves.map(([leaf, { stream }]) => [executionIdOf(stream), leaf] as const));
    let covered = 0;
    for (const [run, last] of runs) {
      if (run === undefined) continue;
      // The run heads of a checkpoint are its last leaf, over all leaves before.
      const expected = signed.find((size) => size - 1 > last);
      expect(checkpointCovering(projector, run)?.size).toBe(expected);
      if (expected !== undefined) covered += 1;
    }
    expect(covered).toBeGreaterThan(15);
    for (const size of [1, 9, 10, 11, 30])
      expect(checkpointOfSize(projector, size)?.size).toBe(signed.find((each) => each >= size));
  });
});

describe('run heads', () => {
  test('come to the root of their definition whenever they are recorded', async () => {
    const store = signedLog(40, 5);
    const projector = await modelOf(store);
    for (const run of headsByHand(store, store.events.length).keys()) {
      const checkpoint = checkpointCovering(projector, run);
      if (checkpoint?.heads === null || checkpoint === undefined) continue;
      expect(checkpoint.heads.root).toBe(headsRootByHand(store, checkpoint.heads.size));
    }
    const size = store.events.length;
    expect(headsNow(projector, size)).toEqual({
      size,
      runs: headsByHand(store, size).size,
      root: headsRootByHand(store, size),
    });
  });

  test('prove at every checkpoint the head that a run had then, however it went on', async () => {
    const store = signedLog(40, 6);
    const projector = await modelOf(store);
    let proven = 0;
    for (let size = 1; size <= store.events.length; size += 5) {
      const checkpoint = checkpointOfSize(projector, size);
      if (checkpoint?.heads === null || checkpoint === undefined) continue;
      const heads = headsByHand(store, checkpoint.heads.size);
      const root = Buffer.from(checkpoint.heads.root, 'hex');
      for (const run of headsByHand(store, store.events.length).keys()) {
        const proof = headsProof(projector, run, checkpoint);
        const head = heads.get(run);
        expect(proof === undefined).toBe(head === undefined);
        if (proof === undefined || head === undefined) continue;
        expect({ seq: proof.seq, head: proof.head }).toEqual(head);
        const claim = { index: proof.leaf, size: checkpoint.heads.runs, path: proof.path.map(bytes), root };
        expect(isIncluded({ ...claim, leaf: runHeadLeaf(proof) })).toBe(true);
        expect(isIncluded({ ...claim, leaf: runHeadLeaf({ ...proof, seq: proof.seq - 1 }) })).toBe(false);
        const recorded = store.events[checkpoint.heads.leaf];
        const inclusion = {
          leaf: recorded?.hash ?? Buffer.alloc(0),
          index: proof.inclusion.leaf,
          size: checkpoint.size,
          path: proof.inclusion.path.map(bytes),
          root: Buffer.from(checkpoint.root, 'hex'),
        };
        expect(isIncluded(inclusion)).toBe(true);
        proven += 1;
      }
    }
    expect(proven).toBeGreaterThan(200);
  });
});
