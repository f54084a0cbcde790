import { Buffer } from 'node:buffer';
import { checkpointText } from '../../src/ledger/checkpoint.ts';
import { ledgerStream } from '../../src/ledger/ledger-stream.ts';
import { signerKey } from '../../src/ledger/note-key.ts';
import { parseNote, signNote } from '../../src/ledger/signed-note.ts';
import type { MemoryStore } from '../memory-store.ts';
import { readyEventsOn, type Recorded } from '../recorded-runs.ts';

/** A key of the tests, the same at every run. */
export const testKey = signerKey('example.org/ledger', Buffer.alloc(32, 7));

const time = '2025-11-03T20:00:00Z';
const common = { time, stage: 0, media_type: 'metadata' } as const;

/** Appends an event to the ledger's own stream, as the service would. */
export function recordOwn(
  store: MemoryStore,
  item_type: string,
  metadata: Readonly<Record<string, unknown>>,
): void {
  const known = store.events.filter(({ stream }) => stream === ledgerStream).length;
  const item: Recorded = { ...common, item_type, metadata };
  store.add(ledgerStream, readyEventsOn(ledgerStream, [item], known + 1));
}

/** The facts of a checkpoint over `size` leaves with this root. */
export function signedFacts(size: number, root: Buffer, key = testKey): Record<string, unknown> {
  const note = signNote(checkpointText({ origin: key.name, size, root, extensions: [] }), key);
  const signature = Buffer.from(parseNote(note)?.signatures[0]?.signature ?? []).toString('base64url');
  return { origin: key.name, size, root: root.toString('hex'), key_id: key.keyId, signature };
}

/** The facts by which a key is published. */
export const keyFacts = (key = testKey): Record<string, unknown> => ({
  origin: key.name,
  key_id: key.keyId,
  public_key: Buffer.from(key.publicKey).toString('base64url'),
});
