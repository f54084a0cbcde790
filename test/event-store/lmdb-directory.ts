import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LmdbLog, openLmdbLog } from '../../src/event-store/lmdb/log.ts';

/** A directory of its own on a real disk; the caller removes it. */
export async function freshDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'runledger-log-'));
}

export async function openFreshLmdb() {
  const directory = await freshDirectory();
  let store: LmdbLog = await openLmdbLog({ directory });
  return {
    store,
    directory,
    reopen: async () => {
      await store.close();
      store = await openLmdbLog({ directory });
      return store;
    },
    destroy: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}
