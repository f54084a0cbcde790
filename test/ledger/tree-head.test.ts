import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { createTreeHead, rootAt } from '../../src/ledger/tree-head.ts';
import { leafOf, publishedLeaves, publishedRoots, rootOfLeaves, rootOfNothing } from './published-tree.ts';

async function* oneByOne(leaves: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* leaves;
}

describe('the head of a Merkle tree', () => {
  test('has the published roots of RFC 6962 trees of none to eight leaves', () => {
    const head = createTreeHead();
    expect(head.root().toString('hex')).toBe(rootOfNothing);
    for (const [index, leaf] of publishedLeaves.entries()) {
      head.append(leaf);
      expect(head.size()).toBe(index + 1);
      expect(head.root()).toEqual(publishedRoots[index]);
    }
  });

  test('is that of the definition at every size up to 300, and asking for it changes nothing', () => {
    const leaves = Array.from({ length: 300 }, (_, index) => leafOf(Buffer.from(`leaf ${index}`)));
    const head = createTreeHead();
    for (const [index, leaf] of leaves.entries()) {
      head.append(leaf);
      expect(head.root()).toEqual(rootOfLeaves(leaves.slice(0, index + 1)));
    }
  });

  test('is another one where two leaves change places', () => {
    const [first, second, ...rest] = publishedLeaves;
    const [head, swapped] = [createTreeHead(), createTreeHead()];
    for (const leaf of publishedLeaves) head.append(leaf);
    for (const leaf of [second, first, ...rest]) if (leaf !== undefined) swapped.append(leaf);
    expect(swapped.root()).not.toEqual(head.root());
  });

  test('takes only whole hashes', () => {
    expect(() => createTreeHead().append(Buffer.alloc(31))).toThrow();
  });
});

describe('the root at a size', () => {
  test('is that of the tree when it had this size, and reads no further', async () => {
    let read = 0;
    async function* counted(): AsyncGenerator<Buffer> {
      for (const leaf of publishedLeaves) {
        read += 1;
        yield leaf;
      }
    }
    expect(await rootAt(counted(), 5)).toEqual(publishedRoots[4]);
    expect(read).toBe(5);
    expect((await rootAt(counted(), 0)).toString('hex')).toBe(rootOfNothing);
    expect(read).toBe(5);
  });

  test('is refused beyond what there is', async () => {
    await expect(rootAt(oneByOne(publishedLeaves), 9)).rejects.toThrow(RangeError);
  });
});
