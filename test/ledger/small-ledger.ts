import { createHash } from 'node:crypto';
import { canonicalBytes, canonicalMembers } from '../../src/events/canonical.ts';
import { type Actor, payloadKeys, taxonomyVersion } from '../../src/events/core.ts';
import { chainStart, eventHash, sha256Hex } from '../../src/events/digest.ts';
import { placeItem, sealItem } from '../../src/events/envelope.ts';
import { keyedId } from '../../src/events/ids.ts';
import type { ItemDraft } from '../../src/events/item.ts';
import type { ReadyEvent } from '../../src/events/stored-event.ts';
import type { Bundle } from '../../src/ledger/bundle.ts';
import { checkpointText } from '../../src/ledger/checkpoint.ts';
import { type BundleParts, type LoggedEvent, makeBundle } from '../../src/ledger/make-bundle.ts';
import { nodeHash } from '../../src/ledger/node-hash.ts';
import { type SignerKey, signerKey, verifierKeyText } from '../../src/ledger/note-key.ts';
import { inclusionPath, type NodeReader, rootOf } from '../../src/ledger/proof.ts';
import { ledgerStream } from '../../src/ledger/ledger-stream.ts';
import { referencesOf } from '../../src/ledger/references.ts';
import { readCore } from '../../src/ledger/proven-core.ts';
import { headLeaf } from '../../src/ledger/heads-statement.ts';
import { signNote } from '../../src/ledger/signed-note.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A draft of an event with what stands beside the item. */
export type Drafted = ItemDraft & {
  readonly actor?: 'service' | 'client' | 'importer' | Actor;
  readonly id?: string;
  /** RFC 3339, UTC; else a second after the event before it in the log. */
  readonly time?: string;
};

type Kept = LoggedEvent & {
  readonly stream: string;
  readonly hash: Buffer;
  readonly ready: ReadyEvent;
};

/** A log with a signing key, in memory: everything of a real one that a bundle is made from, and nothing random. */
export type SmallLedger = {
  readonly add: (stream: string, ...drafts: readonly Drafted[]) => void;
  /** What the bundle of a run is made from, after the log has stated the heads of all runs and signed a checkpoint. */
  readonly partsOf: (run: string) => BundleParts;
  /** The events so far, as a store takes them. */
  readonly events: () => readonly { readonly stream: string; readonly ready: ReadyEvent }[];
};

export const testOrigin = 'runledger.test/vectors';
export const testKey = (origin = testOrigin, seed = 'seed'): SignerKey => signerKey(origin, digest(seed));

/** Of each stream. */
export const keyOfStream = (stream: string): Uint8Array => digest(stream);

export function smallLedger(key: SignerKey = testKey()): SmallLedger {
  const log: Kept[] = [];
  const streamed = (stream: string): readonly Kept[] => log.filter((event) => event.stream === stream);
  const add = (stream: string, ...drafts: readonly Drafted[]): void => {
    for (const draft of drafts) log.push(sealed(stream, streamed(stream), draft, log.length));
  };
  return {
    add,
    events: () => log,
    partsOf(run) {
      const runs = [...new Set(log.map(({ stream }) => stream))].filter((name) => name.startsWith('run-'));
      const heads = runs.map((name) => {
        const events = streamed(name);
        return headLeaf(name, events.length, events.at(-1)?.hash ?? Buffer.alloc(0)) ?? Buffer.alloc(0);
      });
      const headNode = nodesOf(heads);
      const metadata = {
        size: log.length,
        runs: heads.length,
        root: Buffer.from(rootOf(headNode, heads.length)).toString('hex'),
      };
      add(ledgerStream, { item_type: 'run_heads_recorded', metadata });
      const statement = log.at(-1);
      if (statement === undefined) throw new TypeError('the log has an event');
      const node = nodesOf(log.map(({ hash }) => hash));
      const text = checkpointText({
        origin: key.name,
        size: log.length,
        root: rootOf(node, log.length),
        extensions: [],
      });
      const index = runs.indexOf(run);
      const events = streamed(run);
      return {
        run,
        checkpoint: signNote(text, key),
        key: verifierKeyText(key),
        events,
        documents: documentsOf(log, events),
        heads: { event: statement, index, path: inclusionPath(headNode, index, heads.length) },
        node,
      };
    },
  };
}

function sealed(stream: string, before: readonly Kept[], draft: Drafted, index: number): Kept {
  const { actor = 'service', id, time, ...item } = draft;
  const seq = before.length + 1;
  const placement = {
    id: id ?? keyedId(digest('id'), stream, String(seq)),
    stream,
    seq,
    tax: taxonomyVersion,
    time: time ?? new Date(Date.parse('2026-03-01T10:00:00Z') + index * 1_000).toISOString(),
    actor: typeof actor === 'string' ? { kind: actor, id: 'test' } : actor,
  };
  const salt = digest(`salt ${stream} ${seq}`);
  const placed = placeItem(item, placement);
  const prev = before.at(-1)?.hash.toString('base64') ?? chainStart(stream);
  const ready = sealItem(placed, prev, { key: keyOfStream(stream), salt, nonce: salt.subarray(0, 12) });
  const opening =
    placed.payload === null ? undefined : { salt, text: canonicalMembers(placed.payload, payloadKeys) };
  return { stream, core: ready.core, index, opening, hash: eventHash(ready.core), ready };
}

function documentsOf(log: readonly Kept[], events: readonly Kept[]): readonly LoggedEvent[] {
  const coreOf = ({ core }: Kept) => readCore(Buffer.from(core).toString());
  const wanted = events.flatMap((event) => {
    const core = coreOf(event);
    return core === undefined ? [] : referencesOf(core);
  });
  return log.filter((event) =>
    wanted.some(({ stream, sha256 }) => event.stream === stream && coreOf(event)?.facts['sha256'] === sha256),
  );
}

function nodesOf(leaves: readonly Uint8Array[]): NodeReader {
  const known = new Map<string, Uint8Array>();
  const node: NodeReader = (level, index) => {
    const name = `${level}/${index}`;
    const hash =
      known.get(name) ??
      (level === 0
        ? (leaves[index] ?? Buffer.alloc(0))
        : nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1)));
    known.set(name, hash);
    return hash;
  };
  return node;
}

const policyDocument = { id: 'workshop', version: 1, lists: [] };
const workflowDocument = { id: 'dada', context: 'Twelve gloves — ⟨Übung⟩' };
export const policy = {
  id: 'workshop',
  version: 1,
  sha256: sha256Hex(canonicalBytes(policyDocument)),
};
const workflow = { sha256: sha256Hex(canonicalBytes(workflowDocument)) };
export const pictureBytes = Buffer.from('a picture, or so it says');
export const picture = sha256Hex(pictureBytes);

/** Publishes what the runs below refer to. */
export function publish({ add }: Pick<SmallLedger, 'add'>): void {
  add('policy-workshop', {
    item_type: 'policy_published',
    metadata: { policy_id: 'workshop', version: 1, sha256: policy.sha256, document: policyDocument },
  });
  add('workflow-dada', {
    item_type: 'workflow_published',
    metadata: {
      workflow_id: 'dada',
      version: 1,
      ...workflow,
      source: 'bundled',
      document: workflowDocument,
    },
  });
}

/** A run that made a picture; `more` items stand before its end. */
export const pictureRun = (more = 0): readonly Drafted[] => [
  {
    item_type: 'pipeline_start',
    stage: 0,
    user_id: 'ada',
    metadata: { config_name: 'dada', workflow_sha256: workflow.sha256, policy },
  },
  { item_type: 'user_input_text', stage: 1, media_type: 'text', content: 'Eine Blume 🌼 "auf" der\nWiese' },
  ...Array.from({ length: more }, (_, at) => ({
    item_type: 'interception_iteration',
    stage: 2,
    stage_iteration: at + 1,
    media_type: 'text',
    content: `Step ${at + 1}: twelve gloves chase the letter V across a dyke`,
    model_used: 'local/gpt-oss:20b',
    execution_time: 0.25 + at / 7,
  })),
  {
    item_type: 'output_image',
    stage: 4,
    loop_iteration: 1,
    media_type: 'image',
    file_path: `/api/media/${picture}`,
    metadata: { sha256: picture, cfg_scale: 4.5 },
  },
];
export const completed: Drafted = { item_type: 'pipeline_complete', stage: 5 };

/** A log in which the run `run-one` has ended, among other runs. */
export function endedLedger(more = 0, key?: SignerKey): SmallLedger {
  const ledger = smallLedger(key);
  publish(ledger);
  ledger.add('run-other', { item_type: 'pipeline_start', stage: 0 });
  ledger.add('run-one', ...pictureRun(more));
  ledger.add('run-other', { item_type: 'user_input_text', stage: 1, content: 'Anderes' });
  ledger.add('run-one', completed);
  return ledger;
}

export const endedBundle = (more = 0, key?: SignerKey): Bundle =>
  makeBundle(endedLedger(more, key).partsOf('run-one'));
