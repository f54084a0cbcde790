import assert from 'node:assert/strict';
import { emptyRoot, nodeHash } from './node-hash.ts';

/**
 * Reads the hash over the 2^level leaves that begin at leaf index × 2^level; level 0 are the leaves. It is asked only for
 * subtrees that are complete at the size in question: those never change again.
 */
export type NodeReader = (level: number, index: number) => Uint8Array;

/** The root over the first `size` leaves, 32 bytes, from one node for each bit that is set in the size. */
export function rootOf(node: NodeReader, size: number): Uint8Array {
  return size === 0 ? emptyRoot() : rangeRoot(node, 0, size);
}

/** The sibling hashes of a leaf, from below upwards (RFC 9162, section 2.1.3.1): shows that it stands at `index` of `size`. */
export function inclusionPath(node: NodeReader, index: number, size: number): Uint8Array[] {
  assert(Number.isSafeInteger(index) && index >= 0 && index < size);
  const path: Uint8Array[] = [];
  let [start, length] = [0, size];
  while (length > 1) {
    const split = splitOf(length);
    if (index < start + split) {
      path.push(rangeRoot(node, start + split, length - split));
      length = split;
    } else {
      path.push(rangeRoot(node, start, split));
      [start, length] = [start + split, length - split];
    }
  }
  return path.toReversed();
}

/**
 * The hashes that show the tree of `to` leaves to begin with the tree of `from` leaves (RFC 9162, section 2.1.4.1);
 * none where `from` is 0 or `to`.
 */
export function consistencyPath(node: NodeReader, from: number, to: number): Uint8Array[] {
  assert(Number.isSafeInteger(from) && from >= 0 && from <= to);
  if (from === 0 || from === to) return [];
  const path: Uint8Array[] = [];
  let [start, length] = [0, to];
  while (start + length !== from) {
    const split = splitOf(length);
    if (from <= start + split) {
      path.push(rangeRoot(node, start + split, length - split));
      length = split;
    } else {
      path.push(rangeRoot(node, start, split));
      [start, length] = [start + split, length - split];
    }
  }
  // A smaller tree that is one whole subtree from the left: who checks has its root already.
  if (start > 0) path.push(rangeRoot(node, start, length));
  return path.toReversed();
}

/** The root over `length` leaves from `start`, which is a multiple of the smallest power of two that holds them. */
export function rangeRoot(node: NodeReader, start: number, length: number): Uint8Array {
  const level = Math.log2(length);
  if (Number.isInteger(level)) return node(level, start / length);
  const split = splitOf(length);
  return nodeHash(rangeRoot(node, start, split), rangeRoot(node, start + split, length - split));
}

/** The largest power of two below `length`. */
export function splitOf(length: number): number {
  let split = 1;
  while (split * 2 < length) split *= 2;
  return split;
}
