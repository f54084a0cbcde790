import { Buffer } from 'node:buffer';
import type { Bundle, ProvenEvent } from './bundle.ts';
import { bundleFormat } from './bundle-patterns.ts';
import { isObject } from './canonical-json.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { hashesBeside } from './known-leaves.ts';
import { namedMedia, type NamingItem } from './named-media.ts';
import type { NodeReader } from './proof.ts';
import { readCore } from './proven-core.ts';
import { parseNote } from './signed-note.ts';

/** What opens a payload's commitment: 32 bytes of salt, and canonical JSON. */
export type Opening = { readonly salt: Uint8Array; readonly text: string };

/** An event as the log has it. */
export type LoggedEvent = {
  readonly core: Uint8Array;
  /** Its leaf. */
  readonly index: number;
  /** Undefined where it has none, where it is erased, and where the reader is not to see it. */
  readonly opening?: Opening | undefined;
};

export type BundleParts = {
  readonly run: string;
  /** The signed note of a checkpoint that covers everything else. */
  readonly checkpoint: string;
  /** The public key that signed it. */
  readonly key: string;
  readonly events: readonly LoggedEvent[];
  readonly documents: readonly LoggedEvent[];
  readonly heads: {
    /** The event that states the root over the heads of runs. */
    readonly event: LoggedEvent;
    readonly index: number;
    readonly path: readonly Uint8Array[];
  };
  /** Nodes of the log's tree. */
  readonly node: NodeReader;
};

/** An event of the run as the bundle has it, and what it says of media. */
export type ToldEvent = { readonly proven: ProvenEvent; readonly naming: NamingItem };

/** What most of the work at a bundle is, for one event: who has many of them gives the event loop back in between. */
export function toldEvent(event: LoggedEvent): ToldEvent {
  const proven = provenEvent(event);
  return { proven, naming: namingItem(proven) };
}

/** Puts the evidence of a run together: the same parts make the same bytes. */
export const makeBundle = ({ events, ...parts }: BundleParts): Bundle =>
  bundleOfTold({ ...parts, told: events.map(toldEvent) });

/** The same of events that were prepared one by one. */
export function bundleOfTold({
  checkpoint,
  told,
  documents,
  heads,
  node,
  ...parts
}: Omit<BundleParts, 'events'> & { readonly told: readonly ToldEvent[] }): Bundle {
  const { origin, size } = checkpointOf(checkpoint);
  const events = told.map(({ proven }) => proven);
  const placed = documents.toSorted((a, b) => a.index - b.index);
  const indexes = [...events, ...placed, heads.event].map(({ index }) => index).sort((a, b) => a - b);
  return {
    format: bundleFormat,
    origin,
    run: parts.run,
    events,
    documents: placed.map(provenEvent),
    heads: {
      event: provenEvent({ ...heads.event, opening: undefined }),
      index: heads.index,
      path: heads.path.map(base64),
    },
    proof: hashesBeside(node, size, indexes).map(base64),
    checkpoint,
    key: parts.key,
    media: namedMedia(told.map(({ naming }) => naming)),
  };
}

function provenEvent({ core, index, opening }: LoggedEvent): ProvenEvent {
  const event = { core: textOf(core), index };
  if (opening === undefined) return event;
  return { ...event, payload: { salt: base64(opening.salt), text: opening.text } };
}

function namingItem({ core, payload }: ProvenEvent): NamingItem {
  const opened: unknown = payload === undefined ? undefined : JSON.parse(payload.text);
  return { read: readCore(core), opened: isObject(opened) ? opened : undefined };
}

function checkpointOf(checkpoint: string): { readonly origin: string; readonly size: number } {
  const note = parseNote(checkpoint);
  const parsed = note === undefined ? undefined : parseCheckpoint(note.text);
  if (parsed === undefined) throw new TypeError('a bundle is made over a signed checkpoint');
  return parsed;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
