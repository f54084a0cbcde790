import { Buffer } from 'node:buffer';
import type { z } from 'zod';
import type { checkpointFacts } from '../events/facts.ts';
import { checkpointText } from './checkpoint.ts';
import { noteOf } from './signed-note.ts';

/** The stream in which the ledger speaks of itself: its keys, run heads and checkpoints. */
export const ledgerStream = 'ledger';

type SignedFacts = Pick<z.infer<typeof checkpointFacts>, 'origin' | 'size' | 'root' | 'key_id' | 'signature'>;

/**
 * The signed note of a checkpoint, byte for byte. The event keeps its parts and not the note: a core takes no line breaks,
 * a payload can be erased, and of these parts there is only one note.
 */
export function noteOfCheckpoint({ origin, size, root, key_id, signature }: SignedFacts): string {
  return noteOf(
    checkpointText({ origin, size, root: Buffer.from(root, 'hex'), extensions: [] }),
    { name: origin, keyId: key_id },
    Buffer.from(signature, 'base64url'),
  );
}
