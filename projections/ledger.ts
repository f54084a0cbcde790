import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { catalogued } from '../src/events/catalogue.ts';
import { checkpointFacts, ledgerKeyFacts, runHeadsFacts } from '../src/events/facts.ts';
import { ledgerStream } from '../src/ledger/ledger-stream.ts';
import { nodeHash } from '../src/ledger/node-hash.ts';
import { type NodeReader, rootOf } from '../src/ledger/proof.ts';
import { changedNodes, runHeadLeaf, withNodes } from '../src/ledger/run-head.ts';
import { tileWidth } from '../src/ledger/tile.ts';
import {
  jsonTable,
  type ProjectedEvent,
  type Projection,
  type Table,
  textTable,
  type View,
} from '../src/projector/projection.ts';
import { leasedIn } from '../src/run/lease.ts';
import { executionIdOf } from '../src/run/record.ts';

const count = z.int().min(0);

const treeRow = z.strictObject({
  /** Leaves: the events of the log. */
  size: count,
  segments: count,
  runs: count,
  heads: count,
  checkpoints: count,
  /** Stream and sequence number of the last leaf. */
  last: z.tuple([z.string(), z.int()]),
  /** So many leaves there were with the last one that is neither the ledger's own nor a lease: what is worth signing. */
  news: count,
  /** So many leaves there were with the last one that ended a run. */
  ended: count,
  /** The first segment that the last recorded run heads do not cover to its end. */
  segment: count,
});
export type TreeRow = z.infer<typeof treeRow>;
const emptyTree: TreeRow = {
  size: 0,
  segments: 0,
  runs: 0,
  heads: 0,
  checkpoints: 0,
  last: ['', 0],
  news: 0,
  ended: 0,
  segment: 0,
};

const streamRow = z.strictObject({
  /** Events of the stream in the tree. */
  seq: z.int().min(1),
  /** Its place among the runs in the order of their first events; null for the stream of something else. */
  run: count.nullable(),
});

const segmentRow = z.strictObject({ leaf: count, stream: z.string(), seq: z.int().min(1) });
export type SegmentRow = z.infer<typeof segmentRow>;

const headsRow = z.strictObject({
  /** Of the event that recorded them, in the stream `ledger`. */
  seq: z.int().min(1),
  leaf: count,
  size: count,
  runs: count,
  /** As the tree says, hex; the event says the same, or fsck tells. */
  root: z.string(),
});
export type HeadsRow = z.infer<typeof headsRow>;

const checkpointRow = checkpointFacts.extend({
  /** Of its event, in the stream `ledger`. */
  seq: z.int().min(1),
  /** Number of the newest run heads that the signed tree holds; null before the first. */
  heads: count.nullable(),
});
export type CheckpointRow = z.infer<typeof checkpointRow>;

const keyRow = ledgerKeyFacts.omit({ key_id: true }).extend({ seq: z.int().min(1) });
export type LedgerKeyRow = z.infer<typeof keyRow>;

const headNodeRow = z.strictObject({ heads: count, hash: z.string() });

/** One row, by 0. */
export const treeTable: Table<TreeRow> = jsonTable('tree', treeRow);
/** By [tile level, index]: base64 of the hash over the 256^level leaves from leaf index × 256^level on. */
export const hashesTable = textTable('hashes', z.string());
/** By tile index: the position of the first event of that tile. */
export const marksTable = textTable('marks', z.string());
/** By stream. */
export const streamsTable = jsonTable('streams', streamRow);
/** By number: where in the log a piece of a stream begins that nothing else stands in. Their order is that of the leaves. */
export const segmentsTable: Table<SegmentRow> = jsonTable('segments', segmentRow);
/** By [stream, first sequence number of a segment]: its first leaf. */
export const placesTable: Table<number> = jsonTable('places', count);
/** By number. */
export const headsTable: Table<HeadsRow> = jsonTable('heads', headsRow);
/** By [level, index]: a node of the newest tree of run heads, and the number of the run heads it is from. */
export const headNodesTable = jsonTable('head-nodes', headNodeRow);
/** By [level, index, number of the run heads it is from]: nodes that have changed since, base64. */
export const oldHeadNodesTable = textTable('old-head-nodes', z.string());
/** By number, in the order of their events. */
export const checkpointsTable: Table<CheckpointRow> = jsonTable('checkpoints', checkpointRow);
/** By key id: every key that ever signed. */
export const ledgerKeysTable: Table<LedgerKeyRow> = jsonTable('keys', keyRow);

type Tree = { -readonly [Member in keyof TreeRow]: TreeRow[Member] };

/** The Merkle tree over all events of the log, the tree over the heads of its runs, and what was signed of them. */
export default function ledger(): Projection {
  return {
    name: 'ledger',
    version: '1',
    tables: [
      treeTable,
      hashesTable,
      marksTable,
      streamsTable,
      segmentsTable,
      placesTable,
      headsTable,
      headNodesTable,
      oldHeadNodesTable,
      checkpointsTable,
      ledgerKeysTable,
    ],
    handle(events, view) {
      const tree: Tree = { ...(view.get(treeTable, 0) ?? emptyTree) };
      const before = tree.size;
      for (const event of events) take(view, tree, event);
      if (tree.size > before) view.put(treeTable, 0, tree);
    },
  };
}

function take(view: View, tree: Tree, { event, stream, position, hash }: ProjectedEvent): void {
  const { core, type } = event;
  const known = view.get(streamsTable, stream);
  // A stream that is told from its beginning again (content_erased): the leaves stand, whatever became of the payload.
  if (known !== undefined && core.seq <= known.seq) return;
  const leaf = tree.size;
  view.put(hashesTable, [0, leaf], hash);
  if (leaf % tileWidth === 0) view.put(marksTable, leaf / tileWidth, position);
  closeTiles(view, leaf);
  const run = known === undefined ? (executionIdOf(stream) === undefined ? null : tree.runs++) : known.run;
  view.put(streamsTable, stream, { seq: core.seq, run });
  if (tree.last[0] !== stream || tree.last[1] !== core.seq - 1) {
    view.put(segmentsTable, tree.segments++, { leaf, stream, seq: core.seq });
    view.put(placesTable, [stream, core.seq], leaf);
  }
  tree.last = [stream, core.seq];
  tree.size = leaf + 1;
  if (stream === ledgerStream) {
    takeOwn(view, tree, event);
    return;
  }
  if (leasedIn(stream) !== undefined) return;
  tree.news = tree.size;
  if (run !== null && endsRun(type)) tree.ended = tree.size;
}

const endsRun = (type: string): boolean =>
  ['complete', 'fail_run', 'block_run', 'cancel_run'].includes(catalogued(type)?.effect ?? 'none');

/** Each tile that the leaf fills gets its hash at the level above. */
function closeTiles(view: View, leaf: number): void {
  let end = leaf + 1;
  for (let level = 0; end % tileWidth === 0; level += 1) {
    end /= tileWidth;
    let row: Uint8Array[] = Array.from({ length: tileWidth }, (_, index) =>
      hashAt(view, level, (end - 1) * tileWidth + index),
    );
    while (row.length > 1) row = pairsOf(row).map(([left, right]) => nodeHash(left, right));
    const [top] = row;
    if (top !== undefined) view.put(hashesTable, [level + 1, end - 1], Buffer.from(top).toString('base64'));
  }
}

const pairsOf = (row: readonly Uint8Array[]): readonly (readonly [Uint8Array, Uint8Array])[] =>
  row.flatMap((right, index) => {
    const left = row[index - 1];
    return index % 2 === 1 && left !== undefined ? [[left, right] as const] : [];
  });

function hashAt(view: View, level: number, index: number): Buffer {
  return decoded(view.get(hashesTable, [level, index]), `hash ${level}/${index}`);
}

/** An event of the ledger's own stream. What it says wrong is not taken here, and told by fsck. */
function takeOwn(view: View, tree: Tree, { type, core }: ProjectedEvent['event']): void {
  const { seq, facts } = core;
  const heads = type === 'run_heads_recorded' ? runHeadsFacts.safeParse(facts).data : undefined;
  if (heads !== undefined) recordHeads(view, tree, heads.size, seq);
  const signed = type === 'checkpoint_signed' ? checkpointFacts.safeParse(facts).data : undefined;
  if (signed !== undefined && signed.size < tree.size) {
    view.put(checkpointsTable, tree.checkpoints++, {
      ...signed,
      seq,
      heads: headsIn(view, tree, signed.size),
    });
  }
  const key = type === 'ledger_key_published' ? ledgerKeyFacts.safeParse(facts).data : undefined;
  if (key === undefined) return;
  const { key_id, ...row } = key;
  view.put(ledgerKeysTable, key_id, { ...row, seq });
}

function headsIn(view: View, tree: Tree, size: number): number | null {
  for (let number = tree.heads - 1; number >= 0; number -= 1) {
    const row = view.get(headsTable, number);
    if (row !== undefined && row.leaf < size) return number;
  }
  return null;
}

function recordHeads(view: View, tree: Tree, size: number, seq: number): void {
  const leaf = tree.size - 1;
  const before = tree.heads === 0 ? undefined : view.get(headsTable, tree.heads - 1);
  if (size > leaf || size < (before?.size ?? 0)) return;
  const number = tree.heads++;
  const { nodes, runs, root, segment } = headsAt(view, tree, before?.runs ?? 0, size);
  for (const { level, index, hash } of nodes) {
    const old = view.get(headNodesTable, [level, index]);
    if (old !== undefined) view.put(oldHeadNodesTable, [level, index, old.heads], old.hash);
    view.put(headNodesTable, [level, index], { heads: number, hash: hash.toString('base64') });
  }
  tree.segment = segment;
  view.put(headsTable, number, { seq, leaf, size, runs, root });
}

/** The tree of run heads over the first `size` leaves, told as what changed since it was last recorded. */
export type HeadsThen = {
  readonly nodes: ReturnType<typeof changedNodes>;
  readonly runs: number;
  /** Hex. */
  readonly root: string;
  /** The first segment that it does not cover to its end. */
  readonly segment: number;
};

/** `size` is at least that of the run heads that were recorded last, over `runsBefore` runs. */
export function headsAt(
  view: Pick<View, 'get'>,
  tree: Pick<TreeRow, 'size' | 'segment' | 'segments'>,
  runsBefore: number,
  size: number,
): HeadsThen {
  const leaves = new Map<number, Buffer>();
  let runs = runsBefore;
  let { segment } = tree;
  for (let number = segment; number < tree.segments; number += 1) {
    const piece = view.get(segmentsTable, number);
    if (piece === undefined || piece.leaf >= size) break;
    segment = number;
    const end = view.get(segmentsTable, number + 1)?.leaf ?? tree.size;
    const run = executionIdOf(piece.stream);
    const place = view.get(streamsTable, piece.stream)?.run ?? null;
    if (run === undefined || place === null) continue;
    const last = Math.min(end, size) - 1;
    const head = view.get(hashesTable, [0, last]);
    if (head === undefined) throw new TypeError(`leaf ${last} is missing`);
    leaves.set(place, runHeadLeaf({ run, seq: piece.seq + last - piece.leaf, head }));
    runs = Math.max(runs, place + 1);
  }
  const known: NodeReader = (level, index) =>
    decoded(view.get(headNodesTable, [level, index])?.hash, `run heads ${level}/${index}`);
  const nodes = changedNodes(known, runs, leaves);
  const root = Buffer.from(rootOf(withNodes(known, nodes), runs)).toString('hex');
  return { nodes, runs, root, segment };
}

function decoded(base64: string | undefined, what: string): Buffer {
  if (base64 === undefined) throw new TypeError(`${what} is missing`);
  return Buffer.from(base64, 'base64');
}
