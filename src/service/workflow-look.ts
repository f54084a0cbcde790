import type { FastifyBaseLogger } from 'fastify';
import { LedgerError } from '../errors.ts';
import { type FileStamps, idOfFile, readWorkflowFile, type WorkflowFile } from './workflow-files.ts';
import type { WorkflowShelf } from './workflow-shelf.ts';

export type LookParts = {
  readonly directory: string;
  readonly shelf: Pick<WorkflowShelf, 'follow'>;
  readonly log: FastifyBaseLogger;
};

/**
 * One look at the folder, by its stamps a moment ago and now: reads what changed and is as it was, leaves what is still
 * changing, and publishes what is due. Answers whether another look is needed.
 */
export type Look = (before: FileStamps, now: FileStamps) => Promise<boolean>;

/** Remembers what it read, and what it told: a file is read once for each of its stamps, a fault is logged once. */
export function createLook({ directory, shelf, log }: LookParts): Look {
  const files = new Map<string, WorkflowFile>();
  let told: ReadonlyMap<string, string> = new Map();

  /** False where the file changed while it was read. */
  const take = async (name: string, stamp: string | undefined): Promise<boolean> => {
    if (stamp === undefined) files.delete(name);
    if (stamp === undefined || files.get(name)?.stamp === stamp) return true;
    const file = await readWorkflowFile(directory, name, stamp);
    if (file === undefined) return false;
    files.set(name, file);
    if (file.fault !== undefined) tellFault(log, name, file.fault);
    return true;
  };
  const publish = async (names: ReadonlySet<string>): Promise<void> => {
    const documents = new Map(
      [...files].flatMap(([name, { hashed }]) =>
        hashed === undefined ? [] : [[idOfFile(name), hashed] as const],
      ),
    );
    const ids = new Set([...names].map(idOfFile));
    const refused = await shelf.follow({ documents, ids });
    // What does not fit is asked for again at every look, and told once.
    for (const { change, error } of refused) {
      if (told.get(change.id) !== error.message) tellFault(log, `${change.id}.json`, error);
    }
    told = new Map(refused.map(({ change, error }) => [change.id, error.message]));
  };

  return async (before, now) => {
    let isChanging = false;
    const names = new Set([...before.keys(), ...now.keys()]);
    for (const name of new Set([...names, ...files.keys()])) {
      const stamp = now.get(name);
      const isSettled = before.get(name) === stamp;
      if (!isSettled || !(await take(name, stamp))) isChanging = true;
    }
    await publish(names);
    return isChanging;
  };
}

function tellFault(log: FastifyBaseLogger, file: string, error: Error): void {
  const errors = error instanceof LedgerError ? error.errors : [];
  log.warn({ file, errors, err: error }, 'a workflow file is refused; the version that stood stays');
}
