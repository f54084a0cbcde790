import { LedgerError } from '../errors.ts';

/** Runs that wait at most; more are refused before anything is recorded. */
const maxWaiting = 10_000;

/** Runs that wait for their turn. A session takes its turns one by one, so that one tablet cannot hold up the others. */
export type RunQueue = {
  /** Throws QUEUE_FULL: to be asked before a run is recorded. */
  readonly assertRoom: () => void;
  /** A run that waits already keeps its place. */
  readonly add: (executionId: string, session: string) => void;
  /** Takes a run out and tells its session; undefined where it does not wait. */
  readonly remove: (executionId: string) => string | undefined;
  readonly has: (executionId: string) => boolean;
  /** Resolves once nothing waits and nothing is executed. */
  readonly idle: () => Promise<void>;
  /** From now on nothing begins; resolves once all that has begun is done. */
  readonly stop: () => Promise<void>;
};

/**
 * A queue that executes at most `concurrency` runs at once, the sessions in turn, each session's runs in order.
 * `execute` must not reject: whatever becomes of a run is its own business.
 */
export function createRunQueue(
  concurrency: number,
  execute: (executionId: string, session: string) => Promise<void>,
): RunQueue {
  // Insertion order is turn order: a session that had its turn is put at the end.
  const waiting = new Map<string, string[]>();
  const sessionOf = new Map<string, string>();
  let executing = 0;
  let isStopped = false;
  let onQuiet: (() => void)[] = [];

  const isQuiet = (): boolean => executing === 0 && (isStopped || sessionOf.size === 0);
  const quiet = (): Promise<void> =>
    isQuiet() ? Promise.resolve() : new Promise((resolve) => onQuiet.push(resolve));

  const takeNext = (): { readonly id: string; readonly session: string } | undefined => {
    const [next] = waiting;
    if (next === undefined) return undefined;
    const [session, runs] = next;
    const [id, ...rest] = runs;
    waiting.delete(session);
    if (rest.length > 0) waiting.set(session, rest);
    if (id === undefined) return takeNext();
    sessionOf.delete(id);
    return { id, session };
  };

  const fill = (): void => {
    if (isStopped) return;
    while (executing < concurrency) {
      const next = takeNext();
      if (next === undefined) return;
      executing += 1;
      void execute(next.id, next.session).finally(() => {
        executing -= 1;
        fill();
        if (!isQuiet()) return;
        const told = onQuiet;
        onQuiet = [];
        for (const tell of told) tell();
      });
    }
  };

  return {
    assertRoom: () => {
      if (sessionOf.size >= maxWaiting)
        throw new LedgerError('QUEUE_FULL', { waiting: sessionOf.size, what: 'runs' });
    },
    add: (executionId, session) => {
      if (sessionOf.has(executionId)) return;
      sessionOf.set(executionId, session);
      waiting.set(session, [...(waiting.get(session) ?? []), executionId]);
      fill();
    },
    remove: (executionId) => {
      const session = sessionOf.get(executionId);
      if (session === undefined) return undefined;
      sessionOf.delete(executionId);
      const rest = (waiting.get(session) ?? []).filter((id) => id !== executionId);
      if (rest.length > 0) waiting.set(session, rest);
      else waiting.delete(session);
      return session;
    },
    has: (executionId) => sessionOf.has(executionId),
    idle: quiet,
    stop: () => {
      isStopped = true;
      return quiet();
    },
  };
}
