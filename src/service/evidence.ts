import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import { isLedgerError } from '../errors.ts';
import { decodeEvent } from '../events/envelope.ts';
import { mergeItem } from '../events/item.ts';
import { openPayload, saltBytes } from '../events/seal.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import type { Evidence } from '../exporters/evidence.ts';
import { bundlePieces } from '../ledger/bundle.ts';
import { ledgerStream } from '../ledger/ledger-stream.ts';
import { bundleOfTold, type LoggedEvent, type ToldEvent, toldEvent } from '../ledger/make-bundle.ts';
import { readCore } from '../ledger/proven-core.ts';
import { isPublication, type Reference, referencesOf } from '../ledger/references.ts';
import {
  checkpointOver,
  headsProof,
  leafOf,
  type LedgerProjector,
  publishedKeys,
  type SignedCheckpoint,
  treeNodes,
} from '../queries/ledger.ts';
import { streamOf } from '../run/record.ts';
import type { ReplaySource, WantedEvidence } from './replay.ts';

export type EvidenceSource = ReplaySource & {
  readonly projector: LedgerProjector;
  /** Has the ledger signed what the log holds now; the read model knows it once this resolves. */
  readonly signNow: (signal: AbortSignal) => Promise<unknown>;
};

/**
 * The evidence of a run, over the earliest checkpoint that covers the last item that is told. So a run that has ended has the
 * same bytes for ever; for an open one a checkpoint is signed where none covers it yet. Holds the bundle in memory.
 */
export async function evidenceOf(
  source: EvidenceSource,
  wanted: WantedEvidence,
  signal: AbortSignal,
): Promise<Evidence> {
  try {
    const covering = (): SignedCheckpoint | undefined =>
      checkpointOver(source.projector, streamOf(wanted.executionId), wanted.seq);
    let checkpoint = covering();
    if (checkpoint === undefined) {
      await source.signNow(signal);
      checkpoint = covering();
    }
    return checkpoint === undefined
      ? { kind: 'none', why: 'unsigned' }
      : { kind: 'bundle', bytes: await bundleOver(source, wanted, checkpoint, signal) };
  } catch (error) {
    if (isLedgerError(error, 'PROJECTION_STOPPED')) return { kind: 'none', why: 'stopped' };
    // Another node signs and does not end, or the read model is too far behind: the file says that it has none.
    if (isLedgerError(error, 'UNAVAILABLE')) return { kind: 'none', why: 'unsigned' };
    throw error;
  }
}

/** So many events are read, or written, in one turn of the event loop. */
const eventsATurn = 16;

async function bundleOver(
  source: EvidenceSource,
  { executionId, isShown }: WantedEvidence,
  checkpoint: SignedCheckpoint,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { projector } = source;
  const stream = streamOf(executionId);
  const heads = headsProof(projector, executionId, checkpoint);
  if (heads === undefined)
    throw new TypeError(`checkpoint ${checkpoint.number} does not cover ${executionId}`);
  const key = publishedKeys(projector).find((text) =>
    text.startsWith(`${checkpoint.origin}+${checkpoint.keyId}+`),
  );
  if (key === undefined) throw new TypeError(`key ${checkpoint.keyId} was never published`);
  const told: ToldEvent[] = [];
  const references = new Map<string, Reference & { readonly leaf: number }>();
  for await (const stored of source.store.readStream(stream, { limit: heads.seq, signal })) {
    const event = logged(source, stored);
    told.push(toldEvent(isOpen(source, stored, isShown) ? event : { ...event, opening: undefined }));
    const core = readCore(Buffer.from(stored.core).toString());
    for (const reference of core === undefined ? [] : referencesOf(core)) {
      const name = `${reference.stream}@${reference.sha256}`;
      if (!references.has(name)) references.set(name, { ...reference, leaf: event.index });
    }
    if (told.length % eventsATurn === 0) await setImmediate();
    signal.throwIfAborted();
  }
  const documents: LoggedEvent[] = [];
  for (const reference of references.values()) {
    const found = await publicationOf(source, reference, signal);
    if (found !== undefined) documents.push(found);
  }
  const statement = await firstOf(source, ledgerStream, heads.heads.seq, signal);
  const bundle = bundleOfTold({
    run: stream,
    checkpoint: checkpoint.note,
    key,
    told,
    documents,
    heads: {
      event: logged(source, statement),
      index: heads.leaf,
      path: heads.path.map((hash) => Buffer.from(hash, 'base64')),
    },
    node: treeNodes(projector),
  });
  const pieces: string[] = [];
  for (const piece of bundlePieces(bundle)) {
    pieces.push(piece);
    if (pieces.length % eventsATurn === 0) await setImmediate();
  }
  signal.throwIfAborted();
  return Buffer.from(pieces.join(''));
}

/** The event at its leaf, with what opens its payload where the key is there. */
function logged({ projector, keyOf }: EvidenceSource, stored: StoredEvent): LoggedEvent {
  const { stream, revision, core, sealed } = stored;
  const index = leafOf(projector, stream, revision + 1);
  if (index === undefined) throw new TypeError(`event ${revision + 1} of ${stream} is in no tree`);
  const key = keyOf(stream);
  const opened =
    sealed === null || key === undefined ? undefined : openPayload(sealed, stream, revision + 1, key);
  if (opened === undefined) return { core, index };
  const opening = { salt: opened.subarray(0, saltBytes), text: opened.toString('utf8', saltBytes) };
  return { core, index, opening };
}

function isOpen({ keyOf }: EvidenceSource, stored: StoredEvent, isShown: WantedEvidence['isShown']): boolean {
  const { core, payload, erased } = decodeEvent(stored, keyOf(stored.stream));
  return isShown(mergeItem(core, payload, erased));
}

/** The first publication of a document, if that was before the event that refers to it. */
async function publicationOf(
  source: EvidenceSource,
  reference: Reference & { readonly leaf: number },
  signal: AbortSignal,
): Promise<LoggedEvent | undefined> {
  try {
    for await (const stored of source.store.readStream(reference.stream, { signal })) {
      const core = readCore(Buffer.from(stored.core).toString());
      if (core === undefined || !isPublication(core, reference)) continue;
      const event = logged(source, stored);
      return event.index < reference.leaf ? event : undefined;
    }
  } catch (error) {
    if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
  }
  return undefined;
}

async function firstOf(
  { store }: EvidenceSource,
  stream: string,
  seq: number,
  signal: AbortSignal,
): Promise<StoredEvent> {
  for await (const stored of store.readStream(stream, { from: seq - 1, limit: 1, signal })) return stored;
  throw new TypeError(`event ${seq} of ${stream} is not there`);
}
