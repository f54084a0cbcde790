import { isLedgerError } from '../errors.ts';
import { checkpointFacts } from '../events/facts.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import { ledgerStream } from '../ledger/ledger-stream.ts';
import { createTreeHead } from '../ledger/tree-head.ts';
import type { Fault } from './fsck.ts';
import type { LogSnapshot } from './log-snapshot.ts';

/**
 * Compares the log with every checkpoint in it: the tree at the signed size must have the signed root. The first one that
 * does not bounds what was changed, removed or put in between; later ones differ for the same reason and are not told.
 */
export async function checkSignedRoots(
  source: Pick<LogSnapshot, 'readAll' | 'readStream'>,
): Promise<readonly Fault[]> {
  const signed = await signedRoots(source);
  if (signed.size === 0) return [];
  const head = createTreeHead();
  let sound = 0;
  for await (const { hash } of source.readAll()) {
    head.append(Uint8Array.from(hash));
    const checkpoint = signed.get(head.size());
    if (checkpoint === undefined) continue;
    signed.delete(head.size());
    if (head.root().toString('hex') !== checkpoint.root) return [fault(checkpoint.seq, sound, head.size())];
    sound = head.size();
  }
  const [beyond] = signed;
  return beyond === undefined ? [] : [fault(beyond[1].seq, sound, beyond[0])];
}

const fault = (sequence: number, sound: number, size: number): Fault => ({
  stream: ledgerStream,
  sequence,
  kind: 'unlinked',
  what: `the log is not the one that was signed here: events ${sound + 1} to ${size} are other ones or fewer`,
});

async function signedRoots({
  readStream,
}: Pick<LogSnapshot, 'readStream'>): Promise<Map<number, { readonly seq: number; readonly root: string }>> {
  const signed = new Map<number, { readonly seq: number; readonly root: string }>();
  try {
    for await (const event of readStream(ledgerStream)) {
      const facts = checkpointFacts.safeParse(factsOf(event)).data;
      if (facts !== undefined) signed.set(facts.size, { seq: event.revision + 1, root: facts.root });
    }
  } catch (error) {
    if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
  }
  return signed;
}

function factsOf({ core }: StoredEvent): unknown {
  return (JSON.parse(Buffer.from(core).toString('utf8')) as { readonly facts?: unknown }).facts;
}
