import { Buffer } from 'node:buffer';
import type { z } from 'zod';
import type { Position } from '../event-store/port.ts';
import { type CoreDraft, taxonomyVersion } from '../events/core.ts';
import {
  type checkpointFacts,
  ledgerKeyFacts,
  type restoreFacts,
  type runHeadsFacts,
} from '../events/facts.ts';
import { checkpointText } from '../ledger/checkpoint.ts';
import { ledgerStream } from '../ledger/ledger-stream.ts';
import type { SignerKey, VerifierKey } from '../ledger/note-key.ts';
import { parseNote, signNote } from '../ledger/signed-note.ts';
import { createStreamWriter } from '../run/stream-writer.ts';
import type { StreamParts } from './workflow-stream.ts';

/** Where an event of the ledger's own stream stands. */
export type OwnEvent = { readonly seq: number; readonly position: Position };

/** Appends to the ledger's own stream; everything resolves once it is durable. */
export type LedgerWriter = {
  /** Publishes a key unless it is the one that was published last; null then. */
  readonly publishKey: (key: VerifierKey) => Promise<OwnEvent | null>;
  readonly recordHeads: (heads: z.infer<typeof runHeadsFacts>) => Promise<OwnEvent>;
  readonly recordCheckpoint: (facts: z.infer<typeof checkpointFacts>) => Promise<OwnEvent>;
  readonly acceptRestore: (facts: z.infer<typeof restoreFacts>) => Promise<OwnEvent>;
};

/** Key id of the key that was published last. */
type LastKey = string | null;

export function createLedgerWriter(parts: StreamParts): LedgerWriter {
  const writer = createStreamWriter<LastKey>({ ...parts, initial: null, fold: lastKey });
  const append = async (
    item_type: string,
    facts: (last: LastKey) => Readonly<Record<string, unknown>>,
    last: LastKey,
  ): Promise<OwnEvent> => {
    const { sequenceNumbers, position } = await writer.write({
      stream: ledgerStream,
      actor: { kind: 'service', id: 'ledger' },
      tax: taxonomyVersion,
      items: [{ draft: { item_type, stage: 0, media_type: 'metadata', metadata: { ...facts(last) } } }],
      guard: (state) => {
        if (item_type === 'ledger_key_published' && state !== last) throw new OtherKey(state);
      },
      decide: () => undefined,
    });
    const [seq] = sequenceNumbers;
    if (seq === undefined || position === null) throw new TypeError(`${item_type} was not stored`);
    return { seq, position };
  };
  const publishAfter = async (key: VerifierKey, last: LastKey): Promise<OwnEvent | null> => {
    const { name: origin, keyId: key_id } = key;
    if (key_id === last) return null;
    const public_key = Buffer.from(key.publicKey).toString('base64url');
    const facts = (previous: LastKey) =>
      previous === null ? { origin, key_id, public_key } : { origin, key_id, public_key, previous };
    try {
      return await append('ledger_key_published', facts, last);
    } catch (error) {
      // Says which key stands there; the new one names that as the one before.
      if (error instanceof OtherKey) return publishAfter(key, error.last);
      throw error;
    }
  };
  return {
    publishKey: (key) => publishAfter(key, null),
    recordHeads: (heads) => append('run_heads_recorded', () => heads, null),
    recordCheckpoint: (facts) => append('checkpoint_signed', () => facts, null),
    acceptRestore: (facts) => append('ledger_restore_accepted', () => facts, null),
  };
}

/** Signs a tree: the note, and the facts of its event, from which the same note is made again. */
export function signedTree(
  key: SignerKey,
  size: number,
  root: Buffer,
): { readonly note: string; readonly facts: z.infer<typeof checkpointFacts> } {
  const note = signNote(checkpointText({ origin: key.name, size, root, extensions: [] }), key);
  const [signed] = parseNote(note)?.signatures ?? [];
  if (signed === undefined) throw new TypeError('a note was signed that cannot be read');
  const signature = Buffer.from(signed.signature).toString('base64url');
  return {
    note,
    facts: { origin: key.name, size, root: root.toString('hex'), key_id: key.keyId, signature },
  };
}

function lastKey(last: LastKey, { type, facts }: CoreDraft): LastKey {
  if (type !== 'ledger_key_published') return last;
  return ledgerKeyFacts.safeParse(facts).data?.key_id ?? last;
}

/** Another key was published last than who publishes thought. */
class OtherKey extends Error {
  readonly last: LastKey;

  constructor(last: LastKey) {
    super('another key was published last');
    this.name = 'OtherKey';
    this.last = last;
  }
}
