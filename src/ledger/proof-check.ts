import { Buffer } from 'node:buffer';
import { emptyRoot, hashBytes, nodeHash } from './node-hash.ts';

/** That a leaf stands at a place of a tree. */
export type InclusionClaim = {
  /** Leaf hash, 32 bytes. */
  readonly leaf: Uint8Array;
  /** Its place, from 0. */
  readonly index: number;
  /** Leaves of the tree. */
  readonly size: number;
  /** Sibling hashes from the leaf upwards. */
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
};

/** That the larger tree begins with all leaves of the smaller one. */
export type ConsistencyClaim = {
  readonly from: { readonly size: number; readonly root: Uint8Array };
  readonly to: { readonly size: number; readonly root: Uint8Array };
  readonly path: readonly Uint8Array[];
};

/** RFC 9162, section 2.1.3.2, step by step. Total: what is no proof is just not one. */
export function isIncluded({ leaf, index, size, path, root }: InclusionClaim): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false;
  if (![leaf, root, ...path].every(isHash)) return false;
  // Not by shifting: a log may have more events than 32 bits count.
  let [place, last] = [index, size - 1];
  let node = leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(place) || place === last) {
      node = nodeHash(sibling, node);
      while (!isOdd(place) && place !== 0) [place, last] = [half(place), half(last)];
    } else {
      node = nodeHash(node, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && isEqual(node, root);
}

/** RFC 9162, section 2.1.4.2. Every tree begins with the empty one and with itself, and both need no hash to show it. */
export function isConsistent({ from, to, path }: ConsistencyClaim): boolean {
  if (!isSize(from.size) || !isSize(to.size) || from.size > to.size) return false;
  if (![from.root, to.root, ...path].every(isHash)) return false;
  if (from.size === to.size) return path.length === 0 && isEqual(from.root, to.root);
  if (from.size === 0) return path.length === 0 && isEqual(from.root, emptyRoot());
  let [place, last] = [from.size - 1, to.size - 1];
  while (isOdd(place)) [place, last] = [half(place), half(last)];
  // A size that is a power of two has its root as a node of the larger tree, so the path leaves it out.
  const [first, ...rest] = place === 0 ? [from.root, ...path] : path;
  if (first === undefined || path.length === 0) return false;
  let [smaller, larger] = [first, first];
  for (const node of rest) {
    if (last === 0) return false;
    if (isOdd(place) || place === last) {
      smaller = nodeHash(node, smaller);
      larger = nodeHash(node, larger);
      while (!isOdd(place) && place !== 0) [place, last] = [half(place), half(last)];
    } else {
      larger = nodeHash(larger, node);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && isEqual(smaller, from.root) && isEqual(larger, to.root);
}

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isHash = (value: Uint8Array): boolean => value.length === hashBytes;
const isOdd = (value: number): boolean => value % 2 === 1;
const half = (value: number): number => Math.floor(value / 2);
const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
