import { Buffer } from 'node:buffer';
import { hashesTable, segmentsTable, treeTable } from '../../projections/ledger.ts';
import { isLedgerError } from '../errors.ts';
import { isIncluded } from '../ledger/proof-check.ts';
import { runHeadLeaf } from '../ledger/run-head.ts';
import type { Reader } from '../projector/projection.ts';
import { headsProof, latestCheckpoint, type SignedCheckpoint, treeRoot } from '../queries/ledger.ts';
import { executionIdOf } from '../run/record.ts';
import type { Fault } from './fsck.ts';
import type { LogSnapshot } from './log-snapshot.ts';

/** A part of a stream that stands in one piece in the tree. */
type Piece = { readonly seq: number; readonly leaf: number; readonly end: number };

/**
 * Names what a log lacks, or has otherwise, of what was signed: per stream the first such event. The leaves are those that
 * the read model of the ledger keeps, which count only where they come to the root of the newest checkpoint in it: none
 * otherwise, or where no event is another one and something was put in between.
 */
export async function differingEvents(
  source: Pick<LogSnapshot, 'readStream'>,
  rows: Reader,
): Promise<readonly Fault[]> {
  const ledger = { reader: () => rows };
  const checkpoint = latestCheckpoint(ledger);
  if (checkpoint === undefined) return [];
  if (treeRoot(ledger, checkpoint.size).toString('hex') !== checkpoint.root) return [];
  const faults: Fault[] = [];
  for (const [stream, pieces] of piecesUpTo(rows, checkpoint.size)) {
    const sequence = await firstDifference(source, rows, stream, pieces);
    if (sequence === undefined) continue;
    const { isMissing, at } = sequence;
    const what = isMissing
      ? `it is missing: ${toldOf(rows, stream, pieces, checkpoint)}`
      : `it is not the event that checkpoint ${checkpoint.number + 1} signed`;
    faults.push({ stream, sequence: at, kind: 'unlinked', what });
  }
  return faults;
}

function piecesUpTo(rows: Reader, size: number): ReadonlyMap<string, readonly Piece[]> {
  const streams = new Map<string, Piece[]>();
  let last: Omit<Piece, 'end'> | undefined;
  let stream = '';
  const finish = (end: number): void => {
    if (last === undefined || last.leaf >= size) return;
    const pieces = streams.get(stream) ?? [];
    pieces.push({ ...last, end: Math.min(end, size) });
    streams.set(stream, pieces);
  };
  for (const { row } of rows.range(segmentsTable)) {
    finish(row.leaf);
    last = { seq: row.seq, leaf: row.leaf };
    stream = row.stream;
  }
  finish(rows.get(treeTable, 0)?.size ?? 0);
  return streams;
}

/** Items of a stream in the tree, by its pieces in their order. */
const itemsIn = (pieces: readonly Piece[]): number => {
  const last = pieces.at(-1);
  return last === undefined ? 0 : last.seq + last.end - last.leaf - 1;
};

async function firstDifference(
  { readStream }: Pick<LogSnapshot, 'readStream'>,
  rows: Reader,
  stream: string,
  pieces: readonly Piece[],
): Promise<{ readonly at: number; readonly isMissing: boolean } | undefined> {
  const items = itemsIn(pieces);
  let piece = 0;
  let at = 0;
  try {
    for await (const { hash, revision } of readStream(stream)) {
      at = revision + 1;
      if (at > items) return undefined;
      while ((pieces[piece + 1]?.seq ?? Infinity) <= at) piece += 1;
      const { seq, leaf } = pieces[piece] ?? { seq: at, leaf: -1 };
      if (rows.get(hashesTable, [0, leaf + at - seq]) !== Buffer.from(hash).toString('base64'))
        return { at, isMissing: false };
    }
  } catch (error) {
    if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
  }
  return at < items ? { at: at + 1, isMissing: true } : undefined;
}

/** By the run heads that the checkpoint signs, where it is a run that they have; else by the tree. */
function toldOf(
  rows: Reader,
  stream: string,
  pieces: readonly Piece[],
  checkpoint: SignedCheckpoint,
): string {
  const by = `checkpoint ${checkpoint.number + 1}`;
  const run = executionIdOf(stream);
  const proof = run === undefined ? undefined : headsProof({ reader: () => rows }, run, checkpoint);
  const isProven =
    proof !== undefined &&
    isIncluded({
      leaf: runHeadLeaf(proof),
      index: proof.leaf,
      size: proof.heads.runs,
      path: proof.path.map((hash) => Buffer.from(hash, 'base64')),
      root: Buffer.from(proof.heads.root, 'hex'),
    });
  return isProven
    ? `the run heads that ${by} signs say that the run had ${proof.seq} items`
    : `${by} signs ${itemsIn(pieces)} items of this stream`;
}
