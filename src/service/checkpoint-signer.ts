import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { EventStore, Position } from '../event-store/port.ts';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { Projector } from '../projector/projector.ts';
import {
  headsNow,
  latestCheckpoint,
  leafOf,
  readTree,
  type SignedCheckpoint,
  treeRoot,
} from '../queries/ledger.ts';
import { ledgerStream } from '../ledger/ledger-stream.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { Leases } from './leases.ts';
import type { LedgerFiles } from './ledger-files.ts';
import { type LedgerWriter, signedTree } from './ledger-writer.ts';

/** While the tree grows it is signed at most this often, in seconds. */
const signEvery = 10;
/** A run that ended is signed so long after it, in seconds: what ends in that time is signed together. */
const signEndAfter = 1;
/** How long the read model may take for an event of ours. */
const readModelMs = 10_000;
/** Where others hold the lease: how often it is asked for again on demand, in milliseconds. */
const askAgainMs = 100;
const maxAsks = 100;

type Parts = {
  readonly store: Pick<EventStore, 'head'>;
  readonly projector: Pick<Projector, 'reader' | 'watch' | 'waitFor'>;
  readonly files: LedgerFiles;
  readonly writer: LedgerWriter;
  readonly steady: LeaseClock;
  /** Where several nodes share the log, one of them signs at a time. */
  readonly leases: Pick<Leases, 'take'> | undefined;
  readonly log: Pick<FastifyBaseLogger, 'warn'>;
};

export type CheckpointSigner = {
  /** Begins to sign: soon after a run ends, and every ten seconds while anything else grows. */
  readonly begin: () => void;
  /** Signs what the log has now unless that is signed; resolves with the newest checkpoint. */
  readonly signNow: (signal?: AbortSignal) => Promise<SignedCheckpoint | undefined>;
  readonly close: () => Promise<void>;
};

/**
 * Signs checkpoints: records the run heads of a tree, then signs the tree that ends with that event. The note is on the disk
 * outside of the log before the log has it; Ed25519 has no randomness, so whoever is killed in between signs the same tree
 * to the same bytes, or a larger one. The ledger's own events and leases are no growth: an idle ledger stays as it is.
 */
export function createCheckpointSigner(parts: Parts): CheckpointSigner {
  const { projector, steady, log } = parts;
  const ending = new AbortController();
  let timer: { readonly at: number; readonly unwake: () => void } | undefined;
  let signing: Promise<unknown> = Promise.resolve();
  let signedAt = steady.now();
  let unwatch = (): void => {};

  const wakeAt = (at: number): void => {
    if (ending.signal.aborted || (timer !== undefined && timer.at <= at)) return;
    timer?.unwake();
    const unwake = steady.wake(Math.max(0, at - steady.now()), () => {
      timer = undefined;
      void queue(ending.signal).then(
        () => plan(),
        (error: unknown) => {
          if (ending.signal.aborted) return;
          log.warn({ err: error }, 'the ledger could not be signed');
          wakeAt(steady.now() + signEvery);
        },
      );
    });
    timer = { at, unwake };
  };
  const plan = (): void => {
    const growth = growthUnlessStopped(projector);
    const now = steady.now();
    if (growth === 'run ended') wakeAt(now + signEndAfter);
    else if (growth === 'grown') wakeAt(Math.max(now + signEndAfter, signedAt + signEvery));
  };
  const queue = (signal: AbortSignal): Promise<SignedCheckpoint | 'elsewhere' | undefined> => {
    const next = signing.then(
      () => signOnce(parts, signal),
      () => signOnce(parts, signal),
    );
    signing = next.catch(() => {});
    return next.finally(() => {
      signedAt = steady.now();
    });
  };

  return {
    begin() {
      unwatch = projector.watch('ledger', plan);
      plan();
    },
    async signNow(given) {
      const signal = given === undefined ? ending.signal : AbortSignal.any([ending.signal, given]);
      for (let asks = 0; asks < maxAsks; asks += 1) {
        const signed = await queue(signal);
        if (signed !== 'elsewhere') return signed;
        await delay(askAgainMs, undefined, { signal });
      }
      throw new LedgerError('UNAVAILABLE', { what: 'Another node signs', cure: 'ask again' });
    },
    async close() {
      ending.abort();
      unwatch();
      timer?.unwake();
      await signing;
    },
  };
}

/** What is there that no checkpoint covers. */
function growthOf(projector: Pick<Projector, 'reader'>): 'none' | 'grown' | 'run ended' {
  const tree = readTree(projector);
  if (tree === undefined) return 'none';
  const covered = latestCheckpoint(projector)?.heads?.size ?? 0;
  if (tree.ended > covered) return 'run ended';
  return tree.news > covered ? 'grown' : 'none';
}

/** A read model that has stopped tells that itself; once it is rebuilt, whoever watches it is called. */
function growthUnlessStopped(projector: Pick<Projector, 'reader'>): ReturnType<typeof growthOf> {
  try {
    return growthOf(projector);
  } catch (error) {
    if (isLedgerError(error, 'PROJECTION_STOPPED')) return 'none';
    throw error;
  }
}

async function signOnce(
  parts: Parts,
  signal: AbortSignal,
): Promise<SignedCheckpoint | 'elsewhere' | undefined> {
  const { store, projector, leases } = parts;
  signal.throwIfAborted();
  const until = async (position: Position | null): Promise<void> => {
    if (position === null || (await projector.waitFor(position, readModelMs, signal)).reached) return;
    const what = 'The read model of the ledger is behind the log';
    throw new LedgerError('UNAVAILABLE', { what, cure: 'it is tried again' });
  };
  await until(await store.head());
  if (growthOf(projector) === 'none') return latestCheckpoint(projector);
  const held = await leases?.take('ledger', signal);
  if (leases !== undefined && held === undefined) return 'elsewhere';
  try {
    // Whoever held it before may have signed all there is.
    if (held !== undefined) await until(await store.head());
    if (growthOf(projector) === 'none') return latestCheckpoint(projector);
    await signUnder(parts, until, () => held?.assertHeld());
    return latestCheckpoint(projector);
  } finally {
    await held?.release();
  }
}

async function signUnder(
  { projector, files, writer }: Parts,
  until: (position: Position | null) => Promise<void>,
  assertHeld: () => void,
): Promise<void> {
  const key = await files.key();
  if (key === undefined) throw new LedgerError('KEYS_UNREADABLE', { file: 'keys/ledger-key.json' });
  assertHeld();
  const published = await writer.publishKey(key);
  await until(published?.position ?? null);
  const tree = readTree(projector);
  if (tree === undefined) return;
  assertHeld();
  const recorded = await writer.recordHeads(headsNow(projector, tree.size));
  await until(recorded.position);
  const leaf = leafOf(projector, ledgerStream, recorded.seq);
  if (leaf === undefined) throw new TypeError('the run heads that were recorded have no leaf');
  const size = leaf + 1;
  const { note, facts } = signedTree(key, size, treeRoot(projector, size));
  assertHeld();
  await files.keepSigned(note, size);
  const signed = await writer.recordCheckpoint(facts);
  await until(signed.position);
}
