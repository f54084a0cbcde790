import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Projection } from '../../src/projector/projection.ts';
import { openProjector, type Projector, type ProjectorOptions } from '../../src/projector/projector.ts';
import type { MemoryStore } from '../memory-store.ts';
import { keyOf } from '../recorded-runs.ts';

/** A directory that goes with the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-projector-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export type Opened = Pick<ProjectorOptions, 'directory' | 'store'> & Partial<ProjectorOptions>;

/** A projector that is closed with the test, unless the test closes it first. */
export async function opened(projections: readonly Projection[], options: Opened): Promise<Projector> {
  const projector = await openProjector({ projections, keyOf, now: () => 0, ...options });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= projector.close());
  onTestFinished(close);
  return { ...projector, close };
}

/** Starts a projector and waits until it has the whole log. */
export async function caughtUp(projector: Projector, store: MemoryStore): Promise<void> {
  projector.start();
  const head = await store.head();
  await projector.built();
  if (head === null) return;
  const { reached, behind } = await projector.waitFor(head, 50_000);
  if (!reached) throw new Error(`still behind: ${JSON.stringify(behind)}`);
}
