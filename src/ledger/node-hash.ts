import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';

/** Bytes of every hash in the tree. */
export const hashBytes = 32;

/** The root of a tree without leaves: SHA-256 of nothing (RFC 6962, section 2.1). */
export const emptyRoot = (): Buffer => hash('sha256', '', 'buffer');

/** SHA-256(0x01 ‖ left ‖ right), 32 bytes: a node above two others, never to be taken for a leaf (RFC 6962, section 2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  assert(left.length === hashBytes && right.length === hashBytes);
  const node = Buffer.allocUnsafe(1 + 2 * hashBytes);
  node[0] = 1;
  node.set(left, 1);
  node.set(right, 1 + hashBytes);
  return hash('sha256', node, 'buffer');
}
