import { Buffer } from 'node:buffer';
import type { EventStore } from '../event-store/port.ts';
import { LedgerError } from '../errors.ts';
import { tileWidth } from '../ledger/tile.ts';
import {
  latestCheckpoint,
  type LedgerProjector,
  readTree,
  tileHashes,
  tileMark,
  treeRoot,
} from '../queries/ledger.ts';
import type { LedgerFiles } from './ledger-files.ts';

/** So many of the newest signed events are read again from the log at every start; the others are for fsck. */
const rereadEvents = 20_000;

type Parts = {
  readonly store: Pick<EventStore, 'readAll'>;
  readonly projector: LedgerProjector;
  readonly files: Pick<LedgerFiles, 'signed'>;
};

/**
 * Refuses a log that is not the one which was signed: the tree at the last signed size must have the signed root, by the log
 * itself and by the note that `keys/` holds, which stays where it is when an older log is put back. The read model must
 * have caught up. Throws LOG_FORK_DETECTED, and PROJECTION_STOPPED where the tree cannot be asked.
 */
export async function refuseFork({ store, projector, files }: Parts): Promise<void> {
  const kept = await files.signed();
  if (kept !== undefined) compare(projector, kept.size, Buffer.from(kept.root), 'keys/ledger-checkpoint');
  const latest = latestCheckpoint(projector);
  if (latest === undefined) return;
  compare(projector, latest.size, Buffer.from(latest.root, 'hex'), 'the log');
  await rereadSigned(store, projector, latest.size);
}

function compare(projector: LedgerProjector, size: number, root: Buffer, where: string): void {
  const there = readTree(projector)?.size ?? 0;
  if (there < size)
    throw new LedgerError('LOG_FORK_DETECTED', { what: `The log has ${there} events`, size, where });
  if (treeRoot(projector, size).equals(root)) return;
  throw new LedgerError('LOG_FORK_DETECTED', {
    what: `The first ${size} events are other ones`,
    size,
    where,
  });
}

/** The tree was built when the events arrived: are they still the same? */
async function rereadSigned(store: Parts['store'], projector: LedgerProjector, size: number): Promise<void> {
  const tile = Math.floor(Math.max(0, size - rereadEvents) / tileWidth);
  const from = tileMark(projector, tile);
  if (from === undefined) return;
  let leaf = tile * tileWidth;
  let known: readonly string[] = [];
  for await (const { stream, revision, hash } of store.readAll({ from, limit: size - leaf })) {
    if (leaf % tileWidth === 0) known = tileHashes(projector, 0, leaf / tileWidth);
    if (Buffer.from(hash).toString('base64') !== known[leaf % tileWidth]) {
      const what = `Event ${revision + 1} of stream ${stream} is not the one that was recorded`;
      throw new LedgerError('LOG_FORK_DETECTED', { what, size, where: 'the log' });
    }
    leaf += 1;
  }
  if (leaf < size)
    throw new LedgerError('LOG_FORK_DETECTED', {
      what: `The log has ${leaf} events`,
      size,
      where: 'the log',
    });
}
