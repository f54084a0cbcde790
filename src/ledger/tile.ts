import { nodeHash } from './node-hash.ts';
import type { NodeReader } from './proof.ts';

/** Levels of the tree in one tile (C2SP tlog-tiles). */
export const tileHeight = 8;
/** Hashes of a full tile. */
export const tileWidth = 2 ** tileHeight;

/** The hash over the 256^level leaves that begin at leaf index × 256^level. */
export type TileHashes = (level: number, index: number) => Uint8Array;

/** Every node of the tree out of the hashes that tiles keep; what lies between two of their levels is hashed anew. */
export function nodesOfTiles(hashes: TileHashes): NodeReader {
  const node: NodeReader = (level, index) =>
    level % tileHeight === 0
      ? hashes(level / tileHeight, index)
      : nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1));
  return node;
}
