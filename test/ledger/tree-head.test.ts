import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createTreeHead, rootAt } from '../../src/ledger/tree-head.ts';

/**
 * Inputs and roots of the trees of one to eight leaves with which Certificate Transparency tests its own Merkle tree
 * (github.com/google/certificate-transparency, python/ct/crypto/merkle_test.py; the same in transparency-dev/merkle).
 */
const inputs = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const rootOfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer');
const leafOf = (input: Uint8Array): Buffer => sha256(Buffer.of(0), input);
const publishedLeaves = inputs.map((input) => leafOf(Buffer.from(input, 'hex')));

/** RFC 6962, section 2.1, word for word: slow, and with all leaves in hand. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.of(1), rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}

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
      expect(head.root().toString('hex')).toBe(roots[index]);
    }
  });

  test('is that of the definition at every size up to 300, and asking for it changes nothing', () => {
    const leaves = Array.from({ length: 300 }, (_, index) => leafOf(Buffer.from(`leaf ${index}`)));
    const head = createTreeHead();
    for (const [index, leaf] of leaves.entries()) {
      head.append(leaf);
      expect(head.root()).toEqual(rootOf(leaves.slice(0, index + 1)));
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
    expect((await rootAt(counted(), 5)).toString('hex')).toBe(roots[4]);
    expect(read).toBe(5);
    expect((await rootAt(counted(), 0)).toString('hex')).toBe(rootOfNothing);
    expect(read).toBe(5);
  });

  test('is refused beyond what there is', async () => {
    await expect(rootAt(oneByOne(publishedLeaves), 9)).rejects.toThrow(RangeError);
  });
});
