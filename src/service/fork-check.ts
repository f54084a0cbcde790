import { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { EventStore } from '../event-store/port.ts';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { Checkpoint } from '../ledger/checkpoint.ts';
import { createTreeHead } from '../ledger/tree-head.ts';
import { tileWidth } from '../ledger/tile.ts';
import {
  latestCheckpoint,
  type LedgerProjector,
  readTree,
  tileHashes,
  tileMark,
  treeRoot,
} from '../queries/ledger.ts';

/** So many of the newest signed events are read again from the log at every start; the others are for fsck. */
const rereadEvents = 20_000;

/** So often, and so long apart, a shared log is looked at before it is too short. */
const maxLooks = 60;
const lookEveryMs = 500;

type Parts = {
  readonly store: Pick<EventStore, 'readAll' | 'isShared'>;
  readonly projector: LedgerProjector;
  /**
   * What `keys/` holds, read *before* the read model caught up with the log: beside other nodes both go on, and what was
   * signed later is no fork.
   */
  readonly kept: Checkpoint | undefined;
};

/**
 * Refuses a log that is not the one which was signed: the tree at the last signed size must have the signed root, by the log
 * itself and by the note that `keys/` holds, which stays where it is when an older log is put back. The read model must
 * have caught up. Throws LOG_FORK_DETECTED, and PROJECTION_STOPPED where the tree cannot be asked.
 */
export async function refuseFork({ store, projector, kept }: Parts): Promise<void> {
  if (kept !== undefined) compare(projector, kept.size, Buffer.from(kept.root), 'keys/ledger-checkpoint');
  const latest = latestCheckpoint(projector);
  if (latest === undefined) return;
  compare(projector, latest.size, Buffer.from(latest.root, 'hex'), 'the log');
  await rereadSigned(store, projector, latest.size);
}

/**
 * The same before a service begins: where the read model has stopped, the whole log is read instead. One that cannot be read
 * up to the signed size cannot be compared: that is told, and left to fsck.
 */
export async function refuseForkAtStart(parts: Parts, log: Pick<FastifyBaseLogger, 'warn'>): Promise<void> {
  try {
    if (parts.store.isShared) await patientlyGrown(parts);
    await refuseFork(parts);
  } catch (error) {
    if (!isLedgerError(error, 'PROJECTION_STOPPED')) throw error;
    await refuseForkByLog(parts).catch((damage: unknown) => {
      if (!isLedgerError(damage, 'CORRUPT_EVENT')) throw damage;
      log.warn({ err: damage }, 'the log cannot be compared with what was signed');
    });
  }
}

/** A server may be behind what other nodes were told, as a follower is: a log that is too short is given time to be longer. */
async function patientlyGrown({ projector, kept }: Parts): Promise<void> {
  for (let looks = 0; looks < maxLooks; looks += 1) {
    if ((readTree(projector)?.size ?? 0) >= (kept?.size ?? 0)) return;
    await delay(lookEveryMs);
  }
}

async function refuseForkByLog({ store, kept }: Parts): Promise<void> {
  if (kept === undefined) return;
  const { size } = kept;
  const head = createTreeHead();
  for await (const { hash } of store.readAll({ limit: size })) head.append(Uint8Array.from(hash));
  refuse(head.size(), () => head.root().equals(kept.root), size, 'keys/ledger-checkpoint');
}

function compare(projector: LedgerProjector, size: number, root: Buffer, where: string): void {
  refuse(readTree(projector)?.size ?? 0, () => treeRoot(projector, size).equals(root), size, where);
}

function refuse(there: number, isSame: () => boolean, size: number, where: string): void {
  if (there < size)
    throw new LedgerError('LOG_FORK_DETECTED', { what: `The log has ${there} events`, size, where });
  if (isSame()) return;
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
