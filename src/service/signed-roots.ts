import { Buffer } from 'node:buffer';
import type { z } from 'zod';
import { isLedgerError } from '../errors.ts';
import { checkpointFacts, ledgerKeyFacts } from '../events/facts.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import { checkpointText } from '../ledger/checkpoint.ts';
import { ledgerStream } from '../ledger/ledger-stream.ts';
import type { VerifierKey } from '../ledger/note-key.ts';
import { isSignedBy } from '../ledger/signed-note.ts';
import { createTreeHead } from '../ledger/tree-head.ts';
import type { Fault } from './fsck.ts';
import type { LogSnapshot } from './log-snapshot.ts';

/**
 * Compares the log with every checkpoint in it: each must be signed by a key that the log had published before, and the tree at
 * the signed size must have the signed root. The first root that it has not bounds what was changed, removed or put in
 * between; later ones differ for the same reason and are not told.
 */
export async function checkSignedRoots(
  source: Pick<LogSnapshot, 'readAll' | 'readStream'>,
): Promise<readonly Fault[]> {
  const { signed, faults } = await signedRoots(source);
  if (signed.size === 0) return faults;
  const head = createTreeHead();
  let sound = 0;
  for await (const { hash } of source.readAll()) {
    head.append(Uint8Array.from(hash));
    const checkpoint = signed.get(head.size());
    if (checkpoint === undefined) continue;
    signed.delete(head.size());
    if (head.root().toString('hex') !== checkpoint.root)
      return [...faults, differs(checkpoint.seq, sound, head.size())];
    sound = head.size();
  }
  const [beyond] = signed;
  return beyond === undefined ? faults : [...faults, differs(beyond[1].seq, sound, beyond[0])];
}

const fault = (sequence: number, what: string): Fault => ({
  stream: ledgerStream,
  sequence,
  kind: 'unlinked',
  what,
});

const differs = (sequence: number, sound: number, size: number): Fault =>
  fault(
    sequence,
    `the log is not the one that was signed here: events ${sound + 1} to ${size} are other ones or fewer`,
  );

type Signed = {
  /** By size. */
  readonly signed: Map<number, { readonly seq: number; readonly root: string }>;
  /** Checkpoints that no published key signed. */
  readonly faults: readonly Fault[];
};

async function signedRoots({ readStream }: Pick<LogSnapshot, 'readStream'>): Promise<Signed> {
  const signed: Signed['signed'] = new Map();
  const faults: Fault[] = [];
  const keys = new Map<string, VerifierKey>();
  try {
    for await (const event of readStream(ledgerStream)) {
      const seq = event.revision + 1;
      const facts = factsOf(event);
      const published = ledgerKeyFacts.safeParse(facts).data;
      if (published !== undefined) {
        const publicKey = Buffer.from(published.public_key, 'base64url');
        keys.set(published.key_id, { name: published.origin, keyId: published.key_id, publicKey });
      }
      const checkpoint = checkpointFacts.safeParse(facts).data;
      if (checkpoint === undefined) continue;
      signed.set(checkpoint.size, { seq, root: checkpoint.root });
      if (!isSignedByOne(checkpoint, keys))
        faults.push(
          fault(seq, `no key that was published before it made its signature (${checkpoint.key_id})`),
        );
    }
  } catch (error) {
    if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
  }
  return { signed, faults };
}

function isSignedByOne(
  facts: z.infer<typeof checkpointFacts>,
  keys: ReadonlyMap<string, VerifierKey>,
): boolean {
  const { origin, size, key_id: keyId } = facts;
  const key = keys.get(keyId);
  if (key === undefined) return false;
  const text = checkpointText({ origin, size, root: Buffer.from(facts.root, 'hex'), extensions: [] });
  const signature = Buffer.from(facts.signature, 'base64url');
  return isSignedBy({ text, signatures: [{ name: key.name, keyId, signature }] }, key);
}

function factsOf({ core }: StoredEvent): unknown {
  return (JSON.parse(Buffer.from(core).toString('utf8')) as { readonly facts?: unknown }).facts;
}
