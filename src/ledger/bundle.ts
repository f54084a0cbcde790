import { z } from 'zod';
import { canonicalBytes, canonicalText } from '../events/canonical.ts';
import {
  bundleFormat,
  checkpointNote,
  digestText,
  keyText,
  logName,
  maxPath,
  digestInHex,
} from './bundle-patterns.ts';

const digest = z.string().regex(digestText, 'must be base64 of 32 bytes');
const place = z.int().min(0);

/** What opens a commitment: base64 of the 32 bytes of salt, and the canonical JSON itself. */
const opening = z.strictObject({ salt: digest, text: z.string() });

/** An event of the log: the very text that is hashed, and the leaf that it is. */
const provenEvent = z.strictObject({
  core: z.string(),
  index: place,
  /** Absent where the event has none, where it is erased, and where the reader is not to see it. */
  payload: opening.optional(),
});
export type ProvenEvent = z.infer<typeof provenEvent>;

/** That the run ends where it ends: its entry in the tree over the heads of all runs. */
const headProof = z.strictObject({
  /** The event in which the log says what the root of that tree was. */
  event: provenEvent.omit({ payload: true }),
  /** Which run it is among all, in the order in which they began. */
  index: place,
  path: z.array(digest).max(maxPath),
});

/**
 * All that a stranger needs to check one run: what happened, and why it can be nothing else. Written as canonical JSON
 * (RFC 8785), so that there is one spelling only.
 */
export const bundle = z.strictObject({
  format: z.literal(bundleFormat),
  /** Names the log, as its checkpoints do. */
  origin: z.string().regex(logName),
  /** The stream: `run-` and the id of the run. */
  run: z.string().min(1),
  /** From the first on, as many as the heads of runs say. */
  events: z.array(provenEvent).min(1),
  /** What the facts of these events refer to: publications of policies and workflows, in the order of the log. */
  documents: z.array(provenEvent),
  heads: headProof,
  /** Hashes beside those of the events, from the left (known-leaves.ts). */
  proof: z.array(digest),
  /** A signed note (C2SP tlog-checkpoint) with one signature: the root of the log when it had so many events. */
  checkpoint: z.string().regex(checkpointNote),
  /** The public key of that signature as it is written in public: name, key id and key. */
  key: z.string().regex(keyText),
  /** Which items name which media. */
  media: z.array(
    z.strictObject({ sha256: z.string().regex(digestInHex), items: z.array(z.int().min(1)).min(1) }),
  ),
});
export type Bundle = z.infer<typeof bundle>;

/** The bytes of a bundle: the same one gives the same. */
export const bundleBytes = (content: Bundle): Buffer => canonicalBytes(content);

/** The text of {@link bundleBytes} event by event, for who gives the event loop back in between. */
export function* bundlePieces(content: Bundle): Generator<string> {
  const { events, ...others } = content;
  const names = Object.keys(content).sort();
  for (const [index, name] of names.entries()) {
    yield `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`;
    if (name === 'events') yield* listPieces(events);
    else yield canonicalText(others[name as keyof typeof others]);
  }
  yield '}';
}

function* listPieces(events: Bundle['events']): Generator<string> {
  for (const [index, event] of events.entries()) yield `${index === 0 ? '[' : ','}${canonicalText(event)}`;
  yield ']';
}
