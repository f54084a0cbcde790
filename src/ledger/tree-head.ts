import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { emptyRoot, hashBytes, nodeHash } from './node-hash.ts';

/** The head of a Merkle tree (RFC 6962, section 2.1) that grows a leaf at a time; holds one hash for each bit of its size. */
export type TreeHead = {
  /** Leaves so far. */
  readonly size: () => number;
  /** The next leaf as its hash, 32 bytes: SHA-256(0x00 ‖ E), which is the hash of an event. */
  readonly append: (leaf: Uint8Array) => void;
  /** The root over all leaves so far, 32 bytes; of none it is SHA-256 of nothing. */
  readonly root: () => Buffer;
};

export function createTreeHead(): TreeHead {
  /** Roots of the full subtrees, the largest first: one for each bit that is set in the size. */
  const peaks: Uint8Array[] = [];
  let size = 0;
  return {
    size: () => size,
    append: (leaf) => {
      assert.equal(leaf.length, hashBytes);
      let node = leaf;
      // Not by shifting: a log may have more events than 32 bits count.
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) node = parentOf(peaks.pop(), node);
      peaks.push(node);
      size += 1;
    },
    root: () => {
      const [smallest, ...larger] = peaks.toReversed();
      if (smallest === undefined) return emptyRoot();
      return Buffer.from(larger.reduce((right, left) => parentOf(left, right), smallest));
    },
  };
}

/** The root over the first `size` of the leaves. Throws RangeError where there are fewer. */
export async function rootAt(leaves: AsyncIterable<Uint8Array>, size: number): Promise<Buffer> {
  const head = createTreeHead();
  if (size > 0) {
    for await (const leaf of leaves) {
      head.append(leaf);
      if (head.size() === size) break;
    }
  }
  if (head.size() < size) throw new RangeError(`A tree of ${head.size()} leaves has no root at ${size}`);
  return head.root();
}

function parentOf(left: Uint8Array | undefined, right: Uint8Array): Buffer {
  assert(left !== undefined);
  return nodeHash(left, right);
}
