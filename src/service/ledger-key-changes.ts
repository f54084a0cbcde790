import { Buffer } from 'node:buffer';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { Checkpoint } from '../ledger/checkpoint.ts';
import { type VerifierKey, verifierKeyText } from '../ledger/note-key.ts';
import { publishedKeys, readTree, treeRoot } from '../queries/ledger.ts';
import { createIds } from '../run/randomness.ts';
import { refuseFork } from './fork-check.ts';
import { ledgerFiles } from './ledger-files.ts';
import { createLedgerWriter, signedTree } from './ledger-writer.ts';
import type { LedgerParts } from './parts.ts';

/** How long the read model may take for what was just written. */
const catchUpMs = 10_000;

/** The keys of a ledger as they are pinned: all that the log published, and the one that signs. */
export type LedgerKeys = { readonly current: string; readonly published: readonly string[] };

/**
 * Makes a fresh key that signs from now on, and says so in the log. The old ones stay known: what they signed stays signed.
 * A service that runs on the same shared log signs with it at its next checkpoint. Throws LOG_FORK_DETECTED.
 */
export async function rotateLedgerKey(parts: LedgerParts): Promise<LedgerKeys> {
  const files = ledgerFiles(parts.directories.keys);
  const kept = await files.signed();
  await caughtUp(parts);
  await refuseFork({ ...parts, kept });
  // The one before must stand in the log, or the new one could not name it.
  const before = await files.ensureKey(originOf(parts));
  await writerOf(parts).publishKey(before);
  const key = await files.renewKey(before.name);
  await writerOf(parts).publishKey(key);
  return keysAfter(parts, key);
}

/**
 * Goes on with an older copy of the log for good: the log records what was signed and is lost with it, a fresh key signs from
 * now on, so that no key ever signs two histories, and the note in `keys/` is that of this log. Undefined where nothing was
 * refused. Throws LOG_FORK_DETECTED where the log itself holds what was signed and is another one: that is no older copy.
 */
export async function acceptRestore(parts: LedgerParts): Promise<LedgerKeys | undefined> {
  const { store, projector, directories } = parts;
  const files = ledgerFiles(directories.keys);
  const lost = await files.signed();
  await caughtUp(parts);
  // What the log says of itself must hold in any case.
  await refuseFork({ store, projector, kept: undefined });
  if (lost === undefined || !(await isRefused(parts, lost))) return undefined;
  const writer = writerOf(parts);
  const size = readTree(projector)?.size ?? 0;
  await writer.acceptRestore({
    lost_origin: lost.origin,
    lost_size: lost.size,
    lost_root: Buffer.from(lost.root).toString('hex'),
    size,
    root: treeRoot(projector, size).toString('hex'),
  });
  const key = await files.renewKey((await files.key())?.name ?? lost.origin);
  await writer.publishKey(key);
  // Last: whoever is killed before this is refused again, and accepts again.
  await files.replaceSigned(signedTree(key, size, treeRoot(projector, size)).note);
  return keysAfter(parts, key);
}

async function isRefused(parts: LedgerParts, kept: Checkpoint): Promise<boolean> {
  try {
    await refuseFork({ ...parts, kept });
    return false;
  } catch (error) {
    if (isLedgerError(error, 'LOG_FORK_DETECTED')) return true;
    throw error;
  }
}

/** The name of a log's key, and the origin of its checkpoints. */
export const originOf = ({ store }: Pick<LedgerParts, 'store'>): string => `runledger.local/${store.storeId}`;

const writerOf = ({ store, keys }: LedgerParts): ReturnType<typeof createLedgerWriter> =>
  createLedgerWriter({ store, keys, clock: Date.now, newId: createIds() });

async function keysAfter(parts: LedgerParts, key: VerifierKey): Promise<LedgerKeys> {
  await caughtUp(parts);
  return { current: verifierKeyText(key), published: publishedKeys(parts.projector) };
}

async function caughtUp({ store, projector }: LedgerParts): Promise<void> {
  projector.start();
  await projector.built();
  const head = await store.head();
  if (head === null || (await projector.waitFor(head, catchUpMs)).reached) return;
  const what = 'The read model of the ledger is behind the log';
  throw new LedgerError('UNAVAILABLE', { what, cure: 'try again' });
}
