import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type FSWatcher, watch } from 'chokidar';
import type { FastifyBaseLogger } from 'fastify';
import { LedgerError } from '../errors.ts';
import { isWorkflowFile, stampsOf } from './workflow-files.ts';
import { createLook, type LookParts } from './workflow-look.ts';

/** A file that did not change for so long is taken: one that is being written, or exchanged, is not. */
const settleMs = 100;
/** How long after a failure that is no fault of a file it is tried again. */
const retryMs = 1_000;

export type WorkflowFolder = {
  /** Ends the watching, and waits for what is under way. */
  readonly close: () => Promise<void>;
};

/**
 * Publishes the workflow files of a folder, and follows their changes until it is closed. A file with a fault is logged
 * with its name and pointers, and the version that stood stays. Resolves once the files that are there are published.
 * Throws CONFIG_INVALID for a folder that cannot be read.
 */
export async function openWorkflowFolder(parts: LookParts): Promise<WorkflowFolder> {
  const { directory, log } = parts;
  const ending = new AbortController();
  const { signal } = ending;
  const bell = createBell(signal);
  const look = createLook(parts);

  await readable(directory);
  // Watched before the first look, so that no change falls between the two.
  let watcher = await watching(directory, bell.ring, log);
  let trouble: string | undefined;
  const attempt = async (work: () => Promise<boolean>): Promise<void> => {
    try {
      if (await work()) bell.ring();
      trouble = undefined;
    } catch (error) {
      if (signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      if (message !== trouble)
        log.error({ err: error }, 'the workflow folder cannot be followed; its documents stay as they are');
      trouble = message;
      bell.ring();
    }
  };
  const follow = async (): Promise<void> => {
    while (await bell.rung()) {
      if (trouble !== undefined) {
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
        // A folder that was away and is back is another one: the old watcher would stay silent.
        await watcher.close();
        watcher = await watching(directory, bell.ring, log);
      }
      await attempt(async () => {
        const before = await stampsOf(directory);
        await delay(settleMs, undefined, { signal });
        return look(before, await stampsOf(directory));
      });
    }
  };

  await attempt(async () => {
    const now = await stampsOf(directory);
    return look(now, now);
  });
  const following = follow();
  return {
    close: async () => {
      ending.abort();
      await following;
      await watcher.close();
    },
  };
}

async function readable(directory: string): Promise<void> {
  try {
    await stampsOf(directory);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    const faults = [
      `RUNLEDGER_WORKFLOWS is ${directory}, which is no folder that can be read (${String(cause.code)})`,
    ];
    throw new LedgerError('CONFIG_INVALID', { faults }, { cause });
  }
}

/** Only rings: what became of the files is looked up, because events can be doubled, merged or late. */
async function watching(directory: string, ring: () => void, log: FastifyBaseLogger): Promise<FSWatcher> {
  const watcher = watch(directory, {
    depth: 0,
    ignoreInitial: true,
    ignored: (path, stats) => stats?.isFile() === true && !isWorkflowFile(basename(path)),
  });
  watcher.on('all', ring);
  watcher.on('error', (error) =>
    log.error({ err: error }, 'something in the workflow folder cannot be watched'),
  );
  await new Promise<void>((resolve) => watcher.once('ready', resolve));
  return watcher;
}

type Bell = {
  readonly ring: () => void;
  /** Waits until it was rung since the last time; false once the signal is aborted. */
  readonly rung: () => Promise<boolean>;
};

function createBell(signal: AbortSignal): Bell {
  let isRung = false;
  let wake = (): void => {};
  signal.addEventListener('abort', () => wake(), { once: true });
  return {
    ring: () => {
      isRung = true;
      wake();
    },
    rung: async () => {
      if (!isRung && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
      isRung = false;
      return !signal.aborted;
    },
  };
}
