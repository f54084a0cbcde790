import { Buffer } from 'node:buffer';
import { canonicalText } from '../events/canonical.ts';
import { chainStart, eventHash, sha256Hex } from '../events/digest.ts';
import { commitment, saltedBytes } from '../events/seal.ts';
import type { Bundle, ProvenEvent } from './bundle.ts';
import { invariantsIn } from './bundle-invariants.ts';
import { isObject, readCanonical } from './canonical-json.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { headLeaf, headsStatement } from './heads-statement.ts';
import { rootOverKnown } from './known-leaves.ts';
import { namedMedia } from './named-media.ts';
import { parseVerifierKey } from './note-key.ts';
import { documentIn, type ProvenCore, readCore } from './proven-core.ts';
import { isIncluded } from './proof-check.ts';
import { isMalformed, readBundle } from './read-bundle.ts';
import { isPublication, type Reference, referencesOf } from './references.ts';
import { isSignedBy, parseNote } from './signed-note.ts';
import type { Fault, FaultCode, Outcome, Seen, Verdict } from './verdict.ts';

/** What the person who checks has beside the file. */
export type Known = {
  /** Public keys that were got some other way, as `runledger ledger-key` prints them; none: nothing is pinned. */
  readonly keys: readonly string[];
  /** SHA-256, in hex, of media files, by the digest that their names say. */
  readonly media: ReadonlyMap<string, string>;
};

/** An event with what was read of it. */
type Read = ProvenEvent & {
  readonly hash: Buffer;
  readonly read: ProvenCore | undefined;
  readonly opened: Readonly<Record<string, unknown>> | undefined;
};

/**
 * Checks the bytes of a bundle against nothing but themselves and what is known. Total: whatever the bytes are, there is a
 * verdict. It says that what stands there was recorded so and not changed since; never that it is what happened. Whether what
 * was recorded keeps the rules for a run is told beside it, and changes no outcome.
 */
export function verifyBundle(bytes: Uint8Array, known: Known): Verdict {
  const bundle = readBundle(bytes);
  if (isMalformed(bundle)) return { outcome: 'malformed', faults: [], malformed: bundle };
  const note = parseNote(bundle.checkpoint);
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text);
  if (note === undefined || checkpoint === undefined)
    return {
      outcome: 'malformed',
      faults: [],
      malformed: { pointer: '/checkpoint', expected: 'a checkpoint' },
    };
  const events = bundle.events.map(readEvent);
  const documents = bundle.documents.map(readEvent);
  const key = parseVerifierKey(bundle.key);
  const faults: Fault[] = [];
  if (checkpoint.origin !== bundle.origin) faults.push({ code: 'other_origin', what: checkpoint.origin });
  if (key === undefined || !isSignedBy(note, key)) faults.push({ code: 'bad_signature' });
  if (known.keys.length > 0 && !known.keys.includes(bundle.key))
    faults.push({ code: 'other_key', what: bundle.key });
  faults.push(
    ...rootFaults(bundle, events, documents, checkpoint),
    ...chainFaults(bundle.run, events),
    ...events.flatMap(({ payload, read, opened }, index) =>
      payload !== undefined && read !== undefined && opened === undefined
        ? [{ code: 'wrong_payload', item: index + 1 } as const]
        : [],
    ),
    ...documentFaults(events, documents),
    ...headFaults(bundle, events),
    ...mediaFaults(bundle, events, known),
  );
  const seen = seenOf(bundle, checkpoint, events, documents, known);
  const outcome = outcomeOf(faults, seen, known);
  if (faults.length > 0) return { outcome, faults, seen };
  return { outcome, faults, seen, invariants: invariantsIn(events, documents) };
}

function outcomeOf(faults: readonly Fault[], seen: Seen, known: Known): Outcome {
  if (faults.length > 0) return 'tampered';
  if (known.keys.length === 0) return 'unpinned';
  if (seen.endedBy === undefined) return 'open';
  return seen.withoutPayload.length + seen.missingDocuments.length > 0 ? 'incomplete' : 'verified';
}

function readEvent(event: ProvenEvent): Read {
  const read = readCore(event.core);
  return { ...event, hash: eventHash(Buffer.from(event.core)), read, opened: openedBy(event, read) };
}

/** The payload, where it opens its commitment and is what a payload is. */
function openedBy({ payload }: ProvenEvent, core: ProvenCore | undefined): Read['opened'] {
  if (payload === undefined || core?.payload === undefined) return undefined;
  const salted = saltedBytes(Buffer.from(payload.salt, 'base64'), payload.text);
  if (commitment(salted) !== core.payload.commit) return undefined;
  if (Buffer.byteLength(payload.text) !== core.payload.bytes) return undefined;
  const opened = readCanonical(payload.text);
  return isObject(opened) ? opened : undefined;
}

function rootFaults(
  { heads, proof }: Bundle,
  events: readonly Read[],
  documents: readonly Read[],
  { size, root }: Checkpoint,
): readonly Fault[] {
  const leaves = [...events, ...documents, { ...heads.event, hash: eventHash(Buffer.from(heads.event.core)) }]
    .map(({ index, hash }) => ({ index, hash }))
    .sort((a, b) => a.index - b.index);
  const hashes = proof.map((text) => Buffer.from(text, 'base64'));
  const reached = rootOverKnown(size, leaves, hashes);
  return reached !== undefined && Buffer.compare(reached, root) === 0 ? [] : [{ code: 'other_root' }];
}

/** I10: numbered without a gap, each pointing to the one before, all of this run, in the order of the log. */
function chainFaults(run: string, events: readonly Read[]): readonly Fault[] {
  const faults: Fault[] = [];
  let prev = chainStart(run);
  let before = -1;
  for (const [at, { read, hash, index }] of events.entries()) {
    const item = at + 1;
    const note = (code: FaultCode): void => void faults.push({ code, item });
    if (read === undefined) note('bad_core');
    else {
      if (read.stream !== run) note('foreign_event');
      if (read.seq !== item || index <= before) note('wrong_place');
      if (read.prev !== prev) note('broken_chain');
    }
    prev = hash.toString('base64');
    before = index;
  }
  return faults;
}

/** I4: whatever is referred to was published before, and is here. */
function documentFaults(events: readonly Read[], documents: readonly Read[]): readonly Fault[] {
  const references = distinctReferences(events);
  const found: Fault[] = [];
  const taken = new Set<string>();
  for (const [at, { read, payload, opened, index }] of documents.entries()) {
    const note = (code: FaultCode): void => void found.push({ code, document: at, what: read?.stream });
    const reference =
      read && references.find((each) => isPublication(read, each) && !taken.has(nameOf(each)));
    if (read === undefined) note('bad_core');
    else if (reference === undefined) note('needless_document');
    else {
      taken.add(nameOf(reference));
      if (index >= reference.firstIndex) note('late_document');
    }
    if (payload === undefined || read === undefined) continue;
    if (opened === undefined) note('wrong_payload');
    else if (sha256Hex(canonicalText(documentIn(opened) ?? null)) !== read.facts['sha256'])
      note('wrong_document');
  }
  return found;
}

type Used = Reference & {
  /** The leaf of the first event that refers to it. */
  readonly firstIndex: number;
};

function distinctReferences(events: readonly Read[]): readonly Used[] {
  const references = new Map<string, Used>();
  for (const { read, index } of events) {
    for (const reference of read === undefined ? [] : referencesOf(read))
      if (!references.has(nameOf(reference)))
        references.set(nameOf(reference), { ...reference, firstIndex: index });
  }
  return [...references.values()];
}

const nameOf = ({ stream, sha256 }: Reference): string => `${stream}@${sha256}`;

/** That the run ends with its last event here: the log itself says so, of all runs at that time. */
function headFaults({ heads, run }: Bundle, events: readonly Read[]): readonly Fault[] {
  const read = readCore(heads.event.core);
  const stated = read === undefined ? undefined : headsStatement(read);
  const last = events.at(-1);
  const leaf = last === undefined ? undefined : headLeaf(run, events.length, last.hash);
  if (stated === undefined || leaf === undefined) return [{ code: 'wrong_heads' }];
  const path = heads.path.map((text) => Buffer.from(text, 'base64'));
  const { runs: size, root } = stated;
  return isIncluded({ leaf, index: heads.index, size, path, root }) ? [] : [{ code: 'wrong_heads' }];
}

function mediaFaults({ media }: Bundle, events: readonly Read[], known: Known): readonly Fault[] {
  const isOurs = canonicalText(namedMedia(events)) === canonicalText(media);
  const swapped = [...known.media]
    .filter(([named, actual]) => named !== actual && media.some(({ sha256 }) => sha256 === named))
    .map(([what]) => ({ code: 'swapped_medium', what }) as const);
  return isOurs ? swapped : [{ code: 'wrong_media_list' }, ...swapped];
}

function seenOf(
  bundle: Bundle,
  { size, root }: Checkpoint,
  events: readonly Read[],
  documents: readonly Read[],
  known: Known,
): Seen {
  const isThere = (reference: Reference): boolean =>
    documents.some(({ read, opened }) => opened !== undefined && read && isPublication(read, reference));
  const committed = events.filter(({ read }) => read?.payload !== undefined);
  return {
    run: bundle.run,
    origin: bundle.origin,
    key: bundle.key,
    size,
    root: Buffer.from(root).toString('base64'),
    items: events.length,
    from: events[0]?.read?.time ?? '',
    to: events.at(-1)?.read?.time ?? '',
    endedBy: endOf(events),
    payloads: committed.length,
    withoutPayload: committed.flatMap(({ payload, read }) =>
      payload === undefined && read ? [read.seq] : [],
    ),
    documents: documents.flatMap(({ read }) => (read === undefined ? [] : [read.stream])),
    missingDocuments: distinctReferences(events)
      .filter((reference) => !isThere(reference))
      .map(nameOf),
    media: bundle.media.map((medium) => ({ ...medium, isChecked: known.media.has(medium.sha256) })),
  };
}

/** Item types that end a run: part of the format (docs/verify.md). A test holds them against the catalogue. */
export const endingTypes: readonly string[] = [
  'pipeline_complete',
  'pipeline_error',
  'run_cancelled',
  'stage1_blocked',
];

/** What ended the run; an import has ended with whatever was imported of it. */
function endOf(events: readonly Read[]): string | undefined {
  const ending = events.find(({ read }) => read !== undefined && endingTypes.includes(read.type));
  if (ending?.read !== undefined) return ending.read.type;
  return events[0]?.read?.recordedBy === 'importer' ? 'import' : undefined;
}
