import type { Buffer } from 'node:buffer';
import { canonicalText } from '../events/canonical.ts';
import { leafBytes, leafHash } from '../events/digest.ts';
import { nodeHash } from './node-hash.ts';
import type { NodeReader } from './proof.ts';

/** How far a run had come: the second tree is over these, a leaf for each run in the order of their first events. */
export type RunHead = {
  /** Execution id. */
  readonly run: string;
  /** Sequence number of its last event. */
  readonly seq: number;
  /** Hash of that event, base64. */
  readonly head: string;
};

/** SHA-256(0x00 ‖ JCS({head, run, seq})): the leaf of a run in the tree of run heads, 32 bytes. */
export function runHeadLeaf({ run, seq, head }: RunHead): Buffer {
  return leafHash(leafBytes(canonicalText({ head, run, seq })));
}

export type HeadNode = { readonly level: number; readonly index: number; readonly hash: Buffer };

/**
 * The nodes that are new once some leaves of a tree of `size` leaves are: the leaves themselves, and every complete subtree
 * above them, so a few for each change however many runs there are. `node` reads the tree as it was before.
 */
export function changedNodes(
  node: NodeReader,
  size: number,
  leaves: ReadonlyMap<number, Buffer>,
): readonly HeadNode[] {
  const nodes: HeadNode[] = [];
  let below = leaves;
  for (let level = 0; below.size > 0; level += 1) {
    for (const [index, hash] of below) nodes.push({ level, index, hash });
    const known = below;
    const read = (index: number): Uint8Array => known.get(index) ?? node(level, index);
    const parents = new Map<number, Buffer>();
    for (const index of known.keys()) {
      const parent = Math.floor(index / 2);
      if (parents.has(parent) || (parent + 1) * 2 ** (level + 1) > size) continue;
      parents.set(parent, nodeHash(read(2 * parent), read(2 * parent + 1)));
    }
    below = parents;
  }
  return nodes;
}

/** A tree with the changed nodes over it. */
export function withNodes(node: NodeReader, changed: readonly HeadNode[]): NodeReader {
  const known = new Map(changed.map(({ level, index, hash }) => [`${level} ${index}`, hash]));
  return (level, index) => known.get(`${level} ${index}`) ?? node(level, index);
}
