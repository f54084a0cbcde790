import { Buffer } from 'node:buffer';
import type { EventStore } from '../event-store/port.ts';
import { LedgerError } from '../errors.ts';
import type { LedgerDesk } from '../http/service.ts';
import { tileWidth } from '../ledger/tile.ts';
import {
  checkpointCovering,
  checkpointOfSize,
  consistencyOf,
  headsProof,
  latestCheckpoint,
  leafOf,
  type LedgerProjector,
  proofOf,
  publishedKeys,
  tileHashes,
  tileMark,
} from '../queries/ledger.ts';
import { streamOf } from '../run/record.ts';
import type { CheckpointSigner } from './checkpoint-signer.ts';

type Parts = {
  readonly store: Pick<EventStore, 'readAll'>;
  readonly projector: LedgerProjector;
  readonly signer: Pick<CheckpointSigner, 'signNow'>;
};

/** What can be asked of the ledger: only what was signed, so that whoever asks can check every answer with one key. */
export function ledgerDesk({ store, projector, signer }: Parts): LedgerDesk {
  const signed = <T>(found: T | undefined, what: string): T => {
    if (found === undefined) throw new LedgerError('CHECKPOINT_MISSING', { what });
    return found;
  };
  /** How many hashes of a tile the newest signed tree has. */
  const widthOf = (level: number, tile: number): number => {
    const size = latestCheckpoint(projector)?.size ?? 0;
    const there = Math.floor(size / tileWidth ** level) - tile * tileWidth;
    return Math.min(tileWidth, Math.max(0, there));
  };
  return {
    sign: (signal) => signer.signNow(signal),
    keys: () => publishedKeys(projector),
    checkpoint: (size) =>
      size === undefined
        ? signed(latestCheckpoint(projector), 'anything')
        : signed(checkpointOfSize(projector, size), `a tree of ${size} events`),
    consistency: (from, to) => consistencyOf(projector, from, to),
    proof(executionId, seq, size) {
      const stream = streamOf(executionId);
      const leaf = leafOf(projector, stream, seq);
      if (leaf === undefined) throw new LedgerError('EVENT_NOT_FOUND', { stream, sequence: seq });
      const wanted = Math.max(leaf + 1, size ?? 0);
      const checkpoint = signed(checkpointOfSize(projector, wanted), `event ${seq} of ${stream}`);
      const [hash = ''] = tileHashes(projector, 0, Math.floor(leaf / tileWidth)).slice(leaf % tileWidth);
      return { stream, seq, hash, checkpoint, proof: proofOf(projector, stream, seq, checkpoint.size) };
    },
    heads(executionId) {
      const checkpoint = signed(checkpointCovering(projector, executionId), `the head of ${executionId}`);
      const proof = headsProof(projector, executionId, checkpoint);
      return { checkpoint, proof: signed(proof, `the head of ${executionId}`) };
    },
    tile: ({ level, tile, width }) => {
      if (level === 'entries' || widthOf(level, tile) < width) return undefined;
      const hashes = tileHashes(projector, level, tile).slice(0, width);
      return Buffer.concat(hashes.map((hash) => Buffer.from(hash, 'base64')));
    },
    async entries({ tile, width }, signal) {
      const from = tileMark(projector, tile);
      if (from === undefined || widthOf(0, tile) < width) return undefined;
      const entries: Uint8Array[] = [];
      for await (const { core } of store.readAll({ from, limit: width, signal })) {
        const length = Buffer.allocUnsafe(2);
        length.writeUInt16BE(core.byteLength);
        // Copied: a store may hand out views of a buffer that it uses again.
        entries.push(length, Uint8Array.from(core));
      }
      return Buffer.concat(entries);
    },
  };
}
