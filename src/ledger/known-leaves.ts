import assert from 'node:assert/strict';
import { nodeHash } from './node-hash.ts';
import { type NodeReader, rangeRoot, splitOf } from './proof.ts';

/** A leaf that somebody holds, and where it is said to stand. */
export type KnownLeaf = {
  /** From 0. */
  readonly index: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
};

/**
 * The root over `size` leaves of which some are known and the rest comes as hashes of subtrees, in the order in which one
 * meets them from the left. One hash serves all leaves that need it, so many neighbours cost little more than one.
 * Undefined where the leaves are not in ascending order within the tree, or there is a hash too few or too many.
 */
export function rootOverKnown(
  size: number,
  leaves: readonly KnownLeaf[],
  hashes: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!isAscending(leaves, size)) return undefined;
  let used = 0;
  const rootOf = (range: Range): Uint8Array | undefined => {
    if (range.from === range.to) return hashes[used++];
    if (range.length === 1) return leaves[range.from]?.hash;
    const [left, right] = halves(range, leaves);
    const [first, second] = [rootOf(left), rootOf(right)];
    return first === undefined || second === undefined ? undefined : nodeHash(first, second);
  };
  const root = rootOf({ start: 0, length: size, from: 0, to: leaves.length });
  return used === hashes.length ? root : undefined;
}

/** The hashes that {@link rootOverKnown} needs beside these leaves; `indexes` ascend, and the tree holds them. */
export function hashesBeside(node: NodeReader, size: number, indexes: readonly number[]): Uint8Array[] {
  const leaves = indexes.map((index) => ({ index }));
  assert(isAscending(leaves, size));
  const hashes: Uint8Array[] = [];
  const visit = (range: Range): void => {
    if (range.from === range.to) hashes.push(rangeRoot(node, range.start, range.length));
    else if (range.length > 1) for (const half of halves(range, leaves)) visit(half);
  };
  visit({ start: 0, length: size, from: 0, to: leaves.length });
  return hashes;
}

/** Leaves of the tree, and which of the known ones are among them: those from `from` to before `to`. */
type Range = {
  readonly start: number;
  readonly length: number;
  readonly from: number;
  readonly to: number;
};

type Placed = Pick<KnownLeaf, 'index'>;

function isAscending(leaves: readonly Placed[], size: number): boolean {
  if (!Number.isSafeInteger(size) || size < 1) return false;
  let before = -1;
  for (const { index } of leaves) {
    if (!Number.isSafeInteger(index) || index <= before) return false;
    before = index;
  }
  return before < size;
}

function halves({ start, length, from, to }: Range, leaves: readonly Placed[]): readonly [Range, Range] {
  const split = splitOf(length);
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((leaves[middle]?.index ?? 0) < start + split) low = middle + 1;
    else high = middle;
  }
  return [
    { start, length: split, from, to: low },
    { start: start + split, length: length - split, from: low, to },
  ];
}
