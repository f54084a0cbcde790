import { Buffer } from 'node:buffer';
import {
  type CheckpointRow,
  checkpointsTable,
  hashesTable,
  headNodesTable,
  headsAt,
  type HeadsRow,
  headsTable,
  ledgerKeysTable,
  marksTable,
  oldHeadNodesTable,
  placesTable,
  streamsTable,
  type TreeRow,
  treeTable,
} from '../../projections/ledger.ts';
import type { Position } from '../event-store/port.ts';
import { LedgerError } from '../errors.ts';
import { ledgerStream, noteOfCheckpoint } from '../ledger/ledger-stream.ts';
import { type VerifierKey, verifierKeyText } from '../ledger/note-key.ts';
import { consistencyPath, inclusionPath, type NodeReader, rootOf } from '../ledger/proof.ts';
import type { RunHead } from '../ledger/run-head.ts';
import { nodesOfTiles, tileWidth } from '../ledger/tile.ts';
import type { Reader } from '../projector/projection.ts';
import type { Projector } from '../projector/projector.ts';
import { streamOf } from '../run/record.ts';

/** That an event is a leaf of the tree of `size` leaves. Hashes are base64, from the leaf's sibling upwards. */
export type InclusionProof = {
  readonly leaf: number;
  readonly size: number;
  readonly path: readonly string[];
};

/** That the tree of `to` leaves begins with that of `from` leaves. Hashes are base64. */
export type ConsistencyProof = {
  readonly from: number;
  readonly to: number;
  readonly path: readonly string[];
};

/** A checkpoint as it stands in the log. */
export type SignedCheckpoint = {
  /** From 0, in the order of their events. */
  readonly number: number;
  /** Sequence number of its event in the stream `ledger`; that event is no leaf of its own tree. */
  readonly seq: number;
  readonly origin: string;
  readonly size: number;
  /** Hex. */
  readonly root: string;
  readonly keyId: string;
  /** The signed note, byte for byte. */
  readonly note: string;
  /** The newest run heads that the signed tree holds; null before the first. */
  readonly heads: RecordedHeads | null;
};

/** A `run_heads_recorded` event: the root over the heads that all runs had in the first `size` leaves. */
export type RecordedHeads = {
  readonly number: number;
  /** Sequence number of the event in the stream `ledger`, and its leaf. */
  readonly seq: number;
  readonly leaf: number;
  readonly size: number;
  readonly runs: number;
  /** Hex. */
  readonly root: string;
};

/** That a run had this head in the run heads which a checkpoint signs. */
export type HeadsProof = RunHead & {
  /** Of the run in the tree of run heads, and its sibling hashes, base64. */
  readonly leaf: number;
  readonly path: readonly string[];
  readonly heads: RecordedHeads;
  /** That the event of these run heads is in the signed tree. */
  readonly inclusion: InclusionProof;
};

/** The read model of the ledger, all answers of one moment while the event loop does not turn. */
const readerOf = (projector: Pick<Projector, 'reader'>): Reader => projector.reader('ledger');

export type LedgerProjector = Pick<Projector, 'reader'>;

/** How large the tree is that the read model has, and what of it is not signed. */
export function readTree(projector: LedgerProjector): TreeRow | undefined {
  return readerOf(projector).get(treeTable, 0);
}

/** The root over the first `size` leaves, 32 bytes. Throws TREE_SIZE beyond what there is. */
export function treeRoot(projector: LedgerProjector, size: number): Buffer {
  const reader = readerOf(projector);
  refuseBeyond(reader, size);
  return Buffer.from(rootOf(nodesOf(reader), size));
}

/** The leaf of an event; undefined where the read model has none. */
export function leafOf(projector: LedgerProjector, stream: string, seq: number): number | undefined {
  return leafIn(readerOf(projector), stream, seq);
}

/**
 * The proof that event `seq` of a stream is in the tree of `size` leaves. Throws EVENT_NOT_FOUND, and TREE_SIZE where the
 * tree of that size ends before the event, or is beyond what there is.
 */
export function proofOf(
  projector: LedgerProjector,
  stream: string,
  seq: number,
  size: number,
): InclusionProof {
  return proofIn(readerOf(projector), stream, seq, size);
}

/** The proof between two sizes of the tree. Throws TREE_SIZE where they do not follow each other in what there is. */
export function consistencyOf(projector: LedgerProjector, from: number, to: number): ConsistencyProof {
  const reader = readerOf(projector);
  refuseBeyond(reader, to);
  if (from > to) throw new LedgerError('TREE_SIZE', { size: from, what: `is larger than ${to}` });
  return { from, to, path: base64Of(consistencyPath(nodesOf(reader), from, to)) };
}

/** The newest checkpoint; undefined before the first. */
export function latestCheckpoint(projector: LedgerProjector): SignedCheckpoint | undefined {
  const reader = readerOf(projector);
  return checkpointIn(reader, (reader.get(treeTable, 0)?.checkpoints ?? 0) - 1);
}

/** The earliest checkpoint of at least so many leaves; undefined where none was signed yet. */
export function checkpointOfSize(projector: LedgerProjector, size: number): SignedCheckpoint | undefined {
  return earliest(readerOf(projector), (checkpoint) => checkpoint.size >= size);
}

/**
 * The earliest checkpoint that covers the present head of a run: the signed tree holds the run's last event, and run heads
 * that were recorded after it. The same one for ever once the run gets no more events. Undefined where it is not signed yet.
 * Throws EXECUTION_NOT_FOUND.
 */
export function checkpointCovering(
  projector: LedgerProjector,
  executionId: string,
): SignedCheckpoint | undefined {
  const reader = readerOf(projector);
  const stream = streamOf(executionId);
  const seq = reader.get(streamsTable, stream)?.seq;
  const leaf = seq === undefined ? undefined : leafIn(reader, stream, seq);
  if (leaf === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
  return earliest(reader, ({ heads }) => heads !== null && heads.size > leaf);
}

/**
 * The earliest checkpoint whose run heads cover event `seq` of a run: for ever the same one. Undefined where none is signed
 * yet, or the read model does not have the event.
 */
export function checkpointOver(
  projector: LedgerProjector,
  stream: string,
  seq: number,
): SignedCheckpoint | undefined {
  const reader = readerOf(projector);
  const leaf = leafIn(reader, stream, seq);
  return leaf === undefined
    ? undefined
    : earliest(reader, ({ heads }) => heads !== null && heads.size > leaf);
}

/** The nodes of the tree that are complete. */
export const treeNodes = (projector: LedgerProjector): NodeReader => nodesOf(readerOf(projector));

/**
 * The proof of the head that a run had in the run heads of a checkpoint. Undefined where the run began after them.
 * Throws EXECUTION_NOT_FOUND.
 */
export function headsProof(
  projector: LedgerProjector,
  executionId: string,
  checkpoint: SignedCheckpoint,
): HeadsProof | undefined {
  const reader = readerOf(projector);
  const stream = streamOf(executionId);
  const place = reader.get(streamsTable, stream)?.run ?? undefined;
  if (place === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
  const { heads } = checkpoint;
  if (heads === null || place >= heads.runs) return undefined;
  const { seq, leaf } = headIn(reader, stream, heads.size);
  const head = reader.get(hashesTable, [0, leaf]);
  if (head === undefined) throw new TypeError(`leaf ${leaf} is missing`);
  return {
    run: executionId,
    seq,
    head,
    leaf: place,
    path: base64Of(inclusionPath(headNodesOf(reader, heads.number), place, heads.runs)),
    heads,
    inclusion: proofIn(reader, ledgerStream, heads.seq, checkpoint.size),
  };
}

/** What the run heads over the first `size` leaves come to: what is recorded before a checkpoint is signed. */
export function headsNow(
  projector: LedgerProjector,
  size: number,
): { readonly size: number; readonly runs: number; readonly root: string } {
  const reader = readerOf(projector);
  const tree = reader.get(treeTable, 0);
  if (tree === undefined)
    throw new LedgerError('TREE_SIZE', { size, what: 'is larger than the tree, which is empty' });
  const before = reader.get(headsTable, tree.heads - 1);
  const { runs, root } = headsAt(reader, tree, before?.runs ?? 0, size);
  return { size, runs, root };
}

/** The position of the first event of a tile of leaves; undefined where the tree does not reach it. */
export const tileMark = (projector: LedgerProjector, tile: number): Position | undefined =>
  readerOf(projector).get(marksTable, tile);

/** The hashes of a tile, base64, as many as there are so far; of level 0 they are the leaves, of level 1 the full tiles below. */
export function tileHashes(projector: LedgerProjector, level: number, tile: number): readonly string[] {
  const range = { start: [level, tile * tileWidth], end: [level, (tile + 1) * tileWidth] };
  return Array.from(readerOf(projector).range(hashesTable, range), ({ row }) => row);
}

/** Every key that the log ever published, as it is pinned, in the order of their events; the last one signs. */
export function publishedKeys(projector: LedgerProjector): readonly string[] {
  return Array.from(readerOf(projector).range(ledgerKeysTable), ({ key, row }) => ({
    keyId: String(key),
    ...row,
  }))
    .sort((a, b) => a.seq - b.seq)
    .map(
      ({ keyId, origin, public_key }): VerifierKey => ({
        name: origin,
        keyId,
        publicKey: Buffer.from(public_key, 'base64url'),
      }),
    )
    .map(verifierKeyText);
}

const base64Of = (path: readonly Uint8Array[]): readonly string[] =>
  path.map((hash) => Buffer.from(hash).toString('base64'));

function refuseBeyond(reader: Reader, size: number): void {
  const there = reader.get(treeTable, 0)?.size ?? 0;
  if (size > there)
    throw new LedgerError('TREE_SIZE', { size, what: `is larger than the tree, which has ${there}` });
}

function nodesOf(reader: Reader): NodeReader {
  return nodesOfTiles((level, index) => {
    const hash = reader.get(hashesTable, [level, index]);
    if (hash === undefined) throw new TypeError(`hash ${level}/${index} is missing`);
    return Buffer.from(hash, 'base64');
  });
}

/** The tree of the run heads that were recorded as number `heads`: of each node the newest one that is not newer. */
function headNodesOf(reader: Reader, heads: number): NodeReader {
  return (level, index) => {
    const newest = reader.get(headNodesTable, [level, index]);
    if (newest !== undefined && newest.heads <= heads) return Buffer.from(newest.hash, 'base64');
    const range = { start: [level, index, heads], end: [level, index, -1], reverse: true, limit: 1 };
    for (const { row } of reader.range(oldHeadNodesTable, range)) return Buffer.from(row, 'base64');
    throw new TypeError(`run heads ${heads} have no node ${level}/${index}`);
  };
}

function leafIn(reader: Reader, stream: string, seq: number): number | undefined {
  if (seq < 1 || seq > (reader.get(streamsTable, stream)?.seq ?? 0)) return undefined;
  const range = { start: [stream, seq], end: [stream, 0], reverse: true, limit: 1 };
  for (const { key, row } of reader.range(placesTable, range))
    if (typeof key === 'object' && typeof key[1] === 'number') return row + seq - key[1];
  return undefined;
}

function proofIn(reader: Reader, stream: string, seq: number, size: number): InclusionProof {
  const leaf = leafIn(reader, stream, seq);
  if (leaf === undefined) throw new LedgerError('EVENT_NOT_FOUND', { stream, sequence: seq });
  refuseBeyond(reader, size);
  if (leaf >= size)
    throw new LedgerError('TREE_SIZE', { size, what: `ends before the event, which is leaf ${leaf}` });
  return { leaf, size, path: base64Of(inclusionPath(nodesOf(reader), leaf, size)) };
}

/** The last event of a stream among the first `size` leaves; it has one there. */
function headIn(
  reader: Reader,
  stream: string,
  size: number,
): { readonly seq: number; readonly leaf: number } {
  let [low, high] = [1, reader.get(streamsTable, stream)?.seq ?? 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((leafIn(reader, stream, middle) ?? size) < size) low = middle;
    else high = middle - 1;
  }
  return { seq: low, leaf: leafIn(reader, stream, low) ?? 0 };
}

/** By halves: whatever `covers` a checkpoint asks holds for every later one, too. */
function earliest(
  reader: Reader,
  covers: (checkpoint: SignedCheckpoint) => boolean,
): SignedCheckpoint | undefined {
  let low = 0;
  let high = reader.get(treeTable, 0)?.checkpoints ?? 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const checkpoint = checkpointIn(reader, middle);
    if (checkpoint !== undefined && covers(checkpoint)) high = middle;
    else low = middle + 1;
  }
  return checkpointIn(reader, low);
}

function checkpointIn(reader: Reader, number: number): SignedCheckpoint | undefined {
  const row = number < 0 ? undefined : reader.get(checkpointsTable, number);
  return row === undefined ? undefined : signedCheckpoint(reader, number, row);
}

function signedCheckpoint(reader: Reader, number: number, row: CheckpointRow): SignedCheckpoint {
  const { seq, origin, size, root, key_id, heads } = row;
  const recorded: HeadsRow | undefined = heads === null ? undefined : reader.get(headsTable, heads);
  return {
    number,
    seq,
    origin,
    size,
    root,
    keyId: key_id,
    note: noteOfCheckpoint(row),
    heads: heads === null || recorded === undefined ? null : { number: heads, ...recorded },
  };
}
