import { LedgerError } from '../errors.ts';

/** Exports that wait at most; more are refused before anything is recorded. */
const maxWaiting = 100;

type Progress = { readonly done: number; readonly errors: number };

/** A job that is worked at. */
type InHand = {
  readonly id: string;
  readonly abort: AbortController;
  progress: Progress;
  settled: Promise<void>;
};

/** Exports, or replays of decisions, that wait for their turn, and the one that is worked at. */
export type ExportQueue = {
  /** Keeps a place for a job that is being prepared. Throws QUEUE_FULL, or UNAVAILABLE while stopping. */
  readonly reserve: () => { readonly release: () => void };
  /** A job that waits or is worked at already keeps its place. */
  readonly add: (id: string) => void;
  readonly isIdle: () => boolean;
  readonly isWaiting: (id: string) => boolean;
  /** Undefined for a job that is not worked at. */
  readonly progressOf: (id: string) => Progress | undefined;
  /** Takes a job out; resolves once nobody works at it. False where nobody had it. */
  readonly take: (id: string, reason: Error) => Promise<boolean>;
  /** From now on nothing begins; resolves once what is worked at has stopped. */
  readonly stop: () => Promise<void>;
};

export type WorkTurn = (
  id: string,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
) => Promise<void>;

/** One job at a time, in the order of asking: rendering wants the machine for itself. `work` must not reject. */
export function createExportQueue(work: WorkTurn, what: 'exports' | 'replays' = 'exports'): ExportQueue {
  const waiting = new Set<string>();
  let reserved = 0;
  let inHand: InHand | undefined;
  let isStopped = false;

  const next = (): void => {
    const [id] = waiting;
    if (isStopped || inHand !== undefined || id === undefined) return;
    waiting.delete(id);
    const hand: InHand = {
      id,
      abort: new AbortController(),
      progress: { done: 0, errors: 0 },
      settled: Promise.resolve(),
    };
    inHand = hand;
    hand.settled = work(id, hand.abort.signal, (progress) => {
      hand.progress = progress;
    }).finally(() => {
      inHand = undefined;
      next();
    });
  };

  return {
    reserve: () => {
      if (isStopped) throw stopping();
      if (waiting.size + reserved >= maxWaiting)
        throw new LedgerError('QUEUE_FULL', { waiting: waiting.size + reserved, what });
      reserved += 1;
      let isHeld = true;
      return {
        release: () => {
          if (isHeld) reserved -= 1;
          isHeld = false;
        },
      };
    },
    add: (id) => {
      if (inHand?.id !== id) waiting.add(id);
      next();
    },
    isIdle: () => !isStopped && inHand === undefined && waiting.size === 0,
    isWaiting: (id) => waiting.has(id),
    progressOf: (id) => (inHand?.id === id ? inHand.progress : undefined),
    take: async (id, reason) => {
      if (waiting.delete(id)) return true;
      if (inHand?.id !== id) return false;
      inHand.abort.abort(reason);
      await inHand.settled;
      return true;
    },
    stop: async () => {
      isStopped = true;
      waiting.clear();
      inHand?.abort.abort(stopping());
      await inHand?.settled;
    },
  };
}

const stopping = (): LedgerError =>
  new LedgerError('UNAVAILABLE', {
    what: 'The service stops',
    cure: 'what was begun goes on once it has started again; read it then',
  });
