import { Buffer } from 'node:buffer';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import ledger from '../../projections/ledger.ts';
import type { Checkpoint } from '../../src/ledger/checkpoint.ts';
import { refuseForkAtStart } from '../../src/service/fork-check.ts';
import { generateLog } from '../generated-log.ts';
import { rootOfLeaves } from '../ledger/published-tree.ts';
import { createMemoryStore, type MemoryStore } from '../memory-store.ts';
import { caughtUp, opened, temporaryDirectory } from '../projector/opened.ts';

const log = pino({ level: 'silent' });
const whole = generateLog(6, 2).store.events;
/** What another node signed last: the whole log. */
const kept: Checkpoint = {
  origin: 'example.org/ledger',
  size: whole.length,
  root: rootOfLeaves(whole.map(({ hash }) => Buffer.from(hash))),
  extensions: [],
};

/** A node that is shown the log without its last three events, as by a follower that is behind. */
async function shortened(isShared: boolean) {
  const store: MemoryStore = createMemoryStore('memory', whole.slice(0, -3));
  const projector = await opened([ledger()], { directory: await temporaryDirectory(), store });
  await caughtUp(projector, store);
  return { store, check: () => refuseForkAtStart({ store: { ...store, isShared }, projector, kept }, log) };
}

describe('a log that is shorter than what was signed', () => {
  test('is refused at once where it is ours alone', async () => {
    const { check } = await shortened(false);
    await expect(check()).rejects.toMatchObject({ code: 'LOG_FORK_DETECTED' });
  });

  test('is waited for where it is shared, and taken once it has what was signed', async () => {
    const { store, check } = await shortened(true);
    const checking = check();
    for (const event of whole.slice(-3)) store.tellAgain(event);
    await expect(checking).resolves.toBeUndefined();
  });

  test('is refused where what it grew by is something else', async () => {
    const { store, check } = await shortened(true);
    const checking = check();
    const [a, b, c] = whole.slice(-3);
    for (const event of [a, b, c && { ...c, hash: Buffer.alloc(32, 9) }]) if (event) store.tellAgain(event);
    await expect(checking).rejects.toMatchObject({ code: 'LOG_FORK_DETECTED' });
  });
});
