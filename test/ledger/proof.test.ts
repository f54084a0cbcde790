import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeHash } from '../../src/ledger/node-hash.ts';
import { isConsistent, isIncluded } from '../../src/ledger/proof-check.ts';
import { consistencyPath, inclusionPath, type NodeReader, rootOf } from '../../src/ledger/proof.ts';
import {
  leafOf,
  publishedConsistencies,
  publishedInclusions,
  publishedLeaves,
  publishedRoots,
  rootOfLeaves,
  rootOfNothing,
} from './published-tree.ts';

const rootOfSize = (size: number): Buffer => publishedRoots[size - 1] ?? Buffer.alloc(0);
const leafAt = (index: number): Buffer => publishedLeaves[index] ?? Buffer.alloc(0);

/** Nodes by the definition, which refuses what is not complete. */
const nodesOf =
  (leaves: readonly Buffer[]): NodeReader =>
  (level, index) => {
    const width = 2 ** level;
    const subtree = leaves.slice(index * width, (index + 1) * width);
    if (subtree.length !== width) throw new RangeError(`Subtree ${level}/${index} is not complete`);
    return rootOfLeaves(subtree);
  };

describe('the hashes of RFC 6962', () => {
  test('are those of the hasher constants of transparency-dev/merkle (rfc6962/rfc6962_test.go)', () => {
    expect(leafOf(Buffer.alloc(0)).toString('hex')).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
    expect(leafOf(Buffer.from('L123456')).toString('hex')).toBe(
      '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56',
    );
    expect(Buffer.from(rootOf(nodesOf([]), 0)).toString('hex')).toBe(rootOfNothing);
  });

  test('join two nodes as RFC 6962 does: the roots of two and of three published leaves', () => {
    const pair = nodeHash(leafAt(0), leafAt(1));
    expect(pair).toEqual(publishedRoots[1]);
    expect(nodeHash(pair, leafAt(2))).toEqual(publishedRoots[2]);
    expect(() => nodeHash(pair, pair.subarray(1))).toThrow();
  });
});

describe('the published proofs (RFC 6962 and 9162)', () => {
  test.each(publishedInclusions)('that leaf $index stands in a tree of $size', ({ index, size, path }) => {
    const claim = { leaf: leafAt(index), index, size, path, root: rootOfSize(size) };
    expect(isIncluded(claim)).toBe(true);
    expect(inclusionPath(nodesOf(publishedLeaves), index, size)).toEqual(path);
    for (const other of [-1, index - 1, index + 1, index ^ 2, size, 0.5, Number.NaN])
      expect(isIncluded({ ...claim, index: other })).toBe(false);
    for (const other of [0, size * 2, size / 2, -size]) {
      expect(isIncluded({ ...claim, size: other })).toBe(false);
    }
  });

  test.each(publishedConsistencies)(
    'that a tree of $to begins with the one of $from',
    ({ from, to, path }) => {
      const claim = {
        from: { size: from, root: rootOfSize(from) },
        to: { size: to, root: rootOfSize(to) },
        path,
      };
      expect(isConsistent(claim)).toBe(true);
      expect(consistencyPath(nodesOf(publishedLeaves), from, to)).toEqual(path);
      if (from === to) return;
      for (const size of [from - 1, from + 1, from ^ 2, to, to + 1, -from])
        expect(isConsistent({ ...claim, from: { ...claim.from, size } })).toBe(false);
      for (const size of [to * 2, Math.floor(to / 2), 0])
        expect(isConsistent({ ...claim, to: { ...claim.to, size } })).toBe(false);
      expect(isConsistent({ ...claim, from: { ...claim.from, root: rootOfSize(7) } })).toBe(false);
      expect(isConsistent({ ...claim, to: { ...claim.to, root: rootOfSize(7) } })).toBe(false);
    },
  );

  test('every tree begins with the empty one, whose root is known', () => {
    const to = { size: 8, root: rootOfSize(8) };
    const empty = Buffer.from(rootOfNothing, 'hex');
    expect(consistencyPath(nodesOf(publishedLeaves), 0, 8)).toEqual([]);
    expect(isConsistent({ from: { size: 0, root: empty }, to, path: [] })).toBe(true);
    expect(isConsistent({ from: { size: 0, root: to.root }, to, path: [] })).toBe(false);
    expect(isConsistent({ from: { size: 0, root: empty }, to, path: [to.root] })).toBe(false);
  });
});

const manyLeaves = Array.from({ length: 300 }, (_, index) => leafOf(Buffer.from(`leaf ${index}`)));
const manyNodes = nodesOf(manyLeaves);
const rootsOfMany = Array.from({ length: 301 }, (_, size) => rootOfLeaves(manyLeaves.slice(0, size)));
const rootOfMany = (size: number): Buffer => rootsOfMany[size] ?? Buffer.alloc(0);

/** The path with one bit of one hash turned, one hash dropped, doubled or two swapped: never the same path again. */
function* spoiltPaths(path: readonly Uint8Array[], bit: number): Generator<readonly Uint8Array[]> {
  for (const [at, node] of path.entries()) {
    const turned = Buffer.from(node);
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield path.with(at, turned);
    yield path.toSpliced(at, 1);
    yield path.toSpliced(at, 0, node);
    yield path.with(at, node.subarray(1));
    const next = path[at + 1];
    if (next !== undefined) yield path.with(at, next).with(at + 1, node);
  }
  yield [...path, Buffer.alloc(32)];
  yield [Buffer.alloc(32), ...path];
}

const bits = fc.integer({ min: 0, max: 255 });

describe('proofs of trees of up to 300 leaves', () => {
  test('a generated inclusion proof holds for its own leaf, and no spoilt one does', () => {
    const place = fc
      .integer({ min: 1, max: 300 })
      .chain((size) =>
        fc.record({ size: fc.constant(size), index: fc.integer({ min: 0, max: size - 1 }), bit: bits }),
      );
    fc.assert(
      fc.property(place, ({ size, index, bit }) => {
        const path = inclusionPath(manyNodes, index, size);
        const leaf = manyLeaves[index] ?? Buffer.alloc(0);
        const claim = { leaf, index, size, path, root: rootOfMany(size) };
        expect(isIncluded(claim)).toBe(true);
        expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
        expect([...spoiltPaths(path, bit)].filter((path) => isIncluded({ ...claim, path }))).toEqual([]);
        const others = manyLeaves.toSpliced(index, 1);
        expect(others.filter((leaf) => isIncluded({ ...claim, leaf }))).toEqual([]);
      }),
      { numRuns: 150, seed: 6962 },
    );
  });

  test('a generated consistency proof holds for its own two roots, and no spoilt one does', () => {
    const sizes = fc
      .integer({ min: 1, max: 300 })
      .chain((to) => fc.record({ to: fc.constant(to), from: fc.integer({ min: 1, max: to }), bit: bits }));
    fc.assert(
      fc.property(sizes, ({ from, to, bit }) => {
        const path = consistencyPath(manyNodes, from, to);
        const claim = {
          from: { size: from, root: rootOfMany(from) },
          to: { size: to, root: rootOfMany(to) },
          path,
        };
        expect(isConsistent(claim)).toBe(true);
        expect([...spoiltPaths(path, bit)].filter((path) => isConsistent({ ...claim, path }))).toEqual([]);
        // Of other sizes only the empty tree needs no proof, and its proof is empty.
        const others = rootsOfMany.map((root, size) => ({ size, root })).slice(1);
        expect(others.filter((other) => isConsistent({ ...claim, from: other }))).toEqual([claim.from]);
        expect(others.filter((other) => isConsistent({ ...claim, to: other }))).toEqual([claim.to]);
      }),
      { numRuns: 150, seed: 9162 },
    );
  });

  test('the root at every size is that of the definition', () => {
    for (const [size, root] of rootsOfMany.entries()) expect(rootOf(manyNodes, size)).toEqual(root);
  });
});
