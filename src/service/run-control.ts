import type { FastifyBaseLogger } from 'fastify';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { Position } from '../event-store/port.ts';
import type { Actor } from '../events/core.ts';
import type { ItemDraft } from '../events/item.ts';
import type { RunStatus } from '../run/lifecycle.ts';
import type { ExecutionRecord } from '../run/record.ts';
import type { Steered } from '../http/service.ts';
import type { Recorder } from '../run/recorder.ts';
import { createRunQueue } from './run-queue.ts';
import { type HeldLease, LeaseLost } from './held-lease.ts';
import type { Leases } from './leases.ts';
import type { ActiveRunEntry } from '../queries/active-runs.ts';
import { RunCancelled, type Worker } from './worker.ts';

/** Between two tries to go on with a run whose record could not be written, seconds: doubled each time, up to the last. */
const retryAfterSeconds = { first: 1, last: 60 } as const;

export type ControlParts = {
  readonly recorder: Recorder;
  readonly worker: Worker;
  readonly read: (executionId: string) => Promise<ExecutionRecord | undefined>;
  readonly concurrency: number;
  /** Where several processes execute runs of one log: a run is executed by whoever holds its lease. */
  readonly leases?: Pick<Leases, 'take' | 'isElsewhere'> | undefined;
  readonly log: FastifyBaseLogger;
};

export type RunControl = {
  /** Refuses, before anything is recorded, a run that could not be queued: QUEUE_FULL, or UNAVAILABLE while stopping. */
  readonly assertOpen: () => void;
  /** Puts a recorded run in the queue. Where another process holds it when its turn comes, it is left alone. */
  readonly add: (executionId: string, session: string) => void;
  /** Is the run executed here, or does it wait for that? */
  readonly has: (executionId: string) => boolean;
  /** What another process made of a run, as the read model has it; undefined for one that has ended. */
  readonly saw: (executionId: string, run: ActiveRunEntry | undefined) => void;
  /** Looks in the log whether runs that somebody waits for have ended. */
  readonly lookForEnds: () => Promise<void>;
  /** Resolves once nothing waits and nothing is executed. */
  readonly idle: () => Promise<void>;
  /** Resolves once the run has ended, with where that stands in the log; rejects where this process could not go on with it. */
  readonly ended: (executionId: string) => Promise<Position | null>;
  /**
   * Stops the work and ends the run; its record says whether that is done already. Throws RUN_STATUS, RUN_ELSEWHERE,
   * EXECUTION_NOT_FOUND.
   */
  readonly cancel: (executionId: string, reason: string | undefined) => Promise<Steered>;
  /** Lets no further step begin; one that is under way is finished and recorded. Throws like cancel. */
  readonly pause: (executionId: string, reason: string | undefined) => Promise<Steered>;
  readonly resume: (executionId: string, reason: string | undefined) => Promise<Steered>;
  /** Waits for what is executing, at most so long; then stops it. Streams say how far each came. */
  readonly finish: (withinMs: number) => Promise<void>;
};

/** A run that a worker has in hand. */
type InHand = {
  readonly abort: AbortController;
  readonly session: string;
  isPaused: boolean;
  /** Version of the run at the last steering that is obeyed here: what a read model tells later may be older. */
  steeredAt: number;
  /** Resumed, or cancelled, while the worker was on its way out: it goes back to the queue. */
  isWanted: boolean;
};

type Waiter = { readonly resolve: (end: Position | null) => void; readonly reject: (error: unknown) => void };

const client: Actor = { kind: 'client', id: 'http' };

/** Steers the runs of this process: who is next, who is at work, and what people ask of them. */
export function createRunControl(parts: ControlParts): RunControl {
  const { recorder, worker, read, concurrency, leases, log } = parts;
  const inHand = new Map<string, InHand>();
  const waiters = new Map<string, Waiter[]>();
  const retries = new Map<string, { readonly timer: NodeJS.Timeout; readonly seconds: number }>();
  const stopping = new AbortController();
  let isClosing = false;

  const tell = (executionId: string, how: (waiter: Waiter) => void): void => {
    const told = waiters.get(executionId) ?? [];
    waiters.delete(executionId);
    told.forEach(how);
  };

  const tryLater = (executionId: string, session: string, error: unknown): void => {
    const { first, last } = retryAfterSeconds;
    const before = retries.get(executionId)?.seconds;
    const seconds = before === undefined ? first : Math.min(before * 2, last);
    log.warn({ err: error, execution_id: executionId, seconds }, 'a run could not go on, and is tried again');
    const timer = setTimeout(() => queue.add(executionId, session), seconds * 1_000).unref();
    retries.set(executionId, { timer, seconds });
  };

  /** Works at the run as its lease allows; answers whether it is to go back to the queue. */
  const work = async (executionId: string, hand: InHand, lease: HeldLease | undefined): Promise<boolean> => {
    const signals = [hand.abort.signal, stopping.signal, ...(lease === undefined ? [] : [lease.signal])];
    let hasEnded = false;
    try {
      const worked = await worker.work(executionId, {
        signal: AbortSignal.any(signals),
        mayBegin: () => !hand.isPaused,
        assertHeld: lease?.assertHeld,
      });
      ({ hasEnded } = worked);
      if (hasEnded) tell(executionId, ({ resolve }) => resolve(worked.position));
    } finally {
      if (hasEnded) lease?.leave();
      else await lease?.release();
    }
    return !hasEnded && (hand.isWanted || hand.abort.signal.aborted);
  };

  const take = async (executionId: string, session: string): Promise<void> => {
    const hand: InHand = {
      abort: new AbortController(),
      session,
      isPaused: false,
      steeredAt: -1,
      isWanted: false,
    };
    inHand.set(executionId, hand);
    try {
      const lease = await leases?.take(executionId, stopping.signal);
      // Another has it. Its end will be seen, and so will it be if nobody ends it.
      const isOthers = leases !== undefined && lease === undefined;
      const isWanted = !isOthers && (await work(executionId, hand, lease));
      retries.delete(executionId);
      inHand.delete(executionId);
      if (isWanted) queue.add(executionId, session);
    } catch (error) {
      inHand.delete(executionId);
      if (error instanceof LeaseLost && !isClosing) {
        retries.delete(executionId);
        log.warn({ err: error, execution_id: executionId }, 'a run is left to whoever takes it next');
        return;
      }
      tell(executionId, ({ reject }) => reject(error));
      if (!isClosing) tryLater(executionId, session, error);
    }
  };

  const queue = createRunQueue(concurrency, take);

  const recordOf = async (executionId: string): Promise<ExecutionRecord> => {
    const record = await read(executionId);
    if (record === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
    return record;
  };

  /** Records a wish; what the decider refuses is answered by the status that the run has by now. */
  const steer = async (
    executionId: string,
    items: readonly ItemDraft[],
    wanted: { readonly action: string; readonly reached: readonly RunStatus[] },
  ): Promise<Steered> => {
    let position: Position | null = null;
    try {
      const drafts = items.map((draft) => ({ draft }));
      const recorded = await recorder.record({
        executionId,
        by: 'own',
        actor: client,
        run: 'existing',
        items: drafts,
      });
      ({ position } = recorded);
    } catch (error) {
      if (!isLedgerError(error, 'RULE_BROKEN')) throw error;
      if (error.params.rule === 'other_recorder')
        throw new LedgerError('RUN_ELSEWHERE', { execution_id: executionId, action: wanted.action });
      const record = await recordOf(executionId);
      if (wanted.reached.includes(record.status)) return { record, position: null };
      throw new LedgerError('RUN_STATUS', {
        execution_id: executionId,
        current_status: record.status,
        action: wanted.action,
      });
    }
    return { record: await recordOf(executionId), position };
  };

  const note = (item_type: string, reason: string | undefined): ItemDraft => ({
    item_type,
    media_type: 'metadata',
    content: reason,
  });

  /** One that has ended, or that nobody wants, does not wait any longer; nor is it tried again. */
  const letGo = (executionId: string): void => {
    queue.remove(executionId);
    clearTimeout(retries.get(executionId)?.timer);
    retries.delete(executionId);
  };

  const lookForEnd = async (executionId: string): Promise<void> => {
    const { is_terminal: isOver } = await recordOf(executionId);
    if (isOver) tell(executionId, ({ resolve }) => resolve(null));
  };

  return {
    assertOpen: () => {
      if (isClosing) throw stopped();
      queue.assertRoom();
    },
    add: queue.add,
    has: (executionId) => inHand.has(executionId) || queue.has(executionId) || retries.has(executionId),
    saw: (executionId, run) => {
      if (run === undefined) {
        letGo(executionId);
        const hand = inHand.get(executionId);
        // A worker of ours tells more; where another ended the run, it is to let go.
        if (hand === undefined) tell(executionId, ({ resolve }) => resolve(null));
        else hand.abort.abort(new RunCancelled());
        return;
      }
      if (run.status === 'paused') letGo(executionId);
      const hand = inHand.get(executionId);
      if (hand === undefined || run.version <= hand.steeredAt) return;
      if (run.status === 'cancelling') hand.abort.abort(new RunCancelled());
      const isPaused = run.status === 'paused';
      if (isPaused === hand.isPaused) return;
      Object.assign(hand, { isPaused, steeredAt: run.version });
      if (!isPaused) hand.isWanted = true;
    },
    lookForEnds: async () => {
      await Promise.all([...waiters.keys()].map(lookForEnd));
    },
    idle: queue.idle,
    ended: async (executionId) => {
      const end = new Promise<Position | null>((resolve, reject) => {
        waiters.set(executionId, [...(waiters.get(executionId) ?? []), { resolve, reject }]);
      });
      // It may have ended before anybody waited.
      const [position] = await Promise.all([end, lookForEnd(executionId)]);
      return position;
    },
    async cancel(executionId, reason) {
      const wanted = { action: 'cancelled', reached: ['cancelling', 'cancelled'] } as const;
      // Out of the queue first, so that nobody takes it in between.
      const waited = queue.remove(executionId);
      const wish = note('cancel_requested', reason);
      try {
        const isElsewhere =
          leases !== undefined && !inHand.has(executionId) && (await leases.isElsewhere(executionId));
        const hand = inHand.get(executionId);
        // Who has it sees the wish and ends it; or, if that one is dead, whoever takes it next.
        if (hand === undefined && isElsewhere) return await steer(executionId, [wish], wanted);
        if (hand === undefined) {
          const end: ItemDraft = { item_type: 'run_cancelled', media_type: 'metadata', content: reason };
          const steered = await steer(executionId, [wish, end], wanted);
          tell(executionId, ({ resolve }) => resolve(steered.position));
          return steered;
        }
        const steered = await steer(executionId, [wish], wanted);
        hand.abort.abort(new RunCancelled());
        // The worker may have left it meanwhile; whoever takes it next only ends it.
        if (inHand.get(executionId) !== hand) queue.add(executionId, hand.session);
        return steered;
      } catch (error) {
        if (waited !== undefined) queue.add(executionId, waited);
        throw error;
      }
    },
    async pause(executionId, reason) {
      const waited = queue.remove(executionId);
      const hand = inHand.get(executionId);
      const was = hand?.isPaused ?? false;
      const steeredAt = hand?.steeredAt ?? -1;
      // Before it is recorded, so that no step begins after it; nor does what is seen meanwhile undo it.
      if (hand !== undefined) Object.assign(hand, { isPaused: true, steeredAt: Infinity });
      try {
        const steered = await steer(executionId, [note('run_paused', reason)], {
          action: 'paused',
          reached: ['paused'],
        });
        if (hand !== undefined) hand.steeredAt = steered.record.version;
        return steered;
      } catch (error) {
        if (hand !== undefined) {
          hand.steeredAt = steeredAt;
          hand.isPaused = was;
          hand.isWanted = !was;
        }
        // A worker that went out at the wish which was not recorded has left it to nobody.
        if (waited !== undefined) queue.add(executionId, waited);
        else if (hand !== undefined && inHand.get(executionId) !== hand) queue.add(executionId, hand.session);
        throw error;
      }
    },
    async resume(executionId, reason) {
      const steered = await steer(executionId, [note('run_resumed', reason)], {
        action: 'resumed',
        reached: ['running', 'pending'],
      });
      const hand = inHand.get(executionId);
      if (hand === undefined) queue.add(executionId, steered.record.session_id ?? '');
      else {
        hand.isPaused = false;
        hand.steeredAt = steered.record.version;
        hand.isWanted = true;
      }
      return steered;
    },
    finish: async (withinMs) => {
      isClosing = true;
      for (const { timer } of retries.values()) clearTimeout(timer);
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), withinMs);
      await Promise.race([queue.idle(), aborted(late.signal)]);
      clearTimeout(timer);
      const left = queue.stop();
      stopping.abort(stopped());
      await left;
      for (const executionId of waiters.keys()) tell(executionId, ({ reject }) => reject(stopped()));
    },
  };
}

const stopped = (): LedgerError =>
  new LedgerError('UNAVAILABLE', {
    what: 'The service stops',
    cure: 'a run that was begun goes on once it has started again; read it then',
  });

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
