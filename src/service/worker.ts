import { isLedgerError, LedgerError } from '../errors.ts';
import { catalogued } from '../events/catalogue.ts';
import type { ItemDraft } from '../events/item.ts';
import type { Position } from '../event-store/port.ts';
import { failureOf } from '../pipeline/failure.ts';
import { orchestrate } from '../pipeline/orchestrate.ts';
import type { Emit, Plan, Ports } from '../pipeline/plan.ts';
import type { ExecutionRecord } from '../run/record.ts';
import type { Recorder } from '../run/recorder.ts';
import { type PinnedDocuments, planOfRun } from './plan-of-run.ts';
import { lastClaim, tooManyRecoveries } from './recoveries.ts';

/** How long a cancelled run waits for its backend to let go; what comes later is discarded. */
const letGoMs = 5_000;

/** Why a run's work is aborted by its own. */
export class RunCancelled extends Error {
  constructor() {
    super('the run is cancelled');
    this.name = 'RunCancelled';
  }
}

export type WorkerParts = {
  readonly recorder: Recorder;
  /** A run's whole record out of the log; undefined for an unknown one. */
  readonly read: (executionId: string) => Promise<ExecutionRecord | undefined>;
  readonly documents: PinnedDocuments;
  readonly portsOf: (plan: Plan) => Omit<Ports, 'mayBegin'>;
  /** Names this process on the runs it takes; no two processes ever share it. */
  readonly name: string;
  /** Where others publish too: waits for what the log has, so that what a run has pinned is known. Throws UNAVAILABLE. */
  readonly catchUp?: (() => Promise<void>) | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export type Worker = {
  /**
   * Takes a run as far as it goes: reads what its stream holds, claims it, takes the steps that are left. Rejects where the record cannot be written, or with the signal's reason
   * where the process stops: the run then goes on from its stream.
   */
  readonly work: (executionId: string, steering: Steering) => Promise<Worked>;
};

export type Steering = {
  readonly signal: AbortSignal;
  readonly mayBegin: () => boolean;
  /** Throws where somebody else may execute the run by now; asked before each item. */
  readonly assertHeld?: (() => void) | undefined;
};

/** How far a run has come: to its end, or to a pause. `position` is of the last event that was recorded here, if any. */
export type Worked = { readonly hasEnded: boolean; readonly position: Position | null };

/** Executes runs. It holds nothing between two calls: all that it knows of a run stands in the run's stream. */
export function createWorker(parts: WorkerParts): Worker {
  return {
    async work(executionId, steering) {
      const record = await parts.read(executionId);
      if (record === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
      const writer = createRunWriter(parts, record, steering);
      try {
        return await goOn(parts, record, writer, steering);
      } catch (error) {
        // Another process has the run now, or has ended it: it is no longer ours to end.
        if (!isOthers(error)) throw error;
        return writer.reached(error.params.rule === 'item_after_terminal');
      } finally {
        await writer.settled();
      }
    },
  };
}

async function goOn(
  parts: WorkerParts,
  record: ExecutionRecord,
  writer: RunWriter,
  { signal, mayBegin }: Steering,
): Promise<Worked> {
  const executionId = record.execution_id;
  if (record.is_terminal || record.status === 'paused') return writer.reached();
  const before = claimItems(record, parts.name);
  if (record.status === 'cancelling') {
    await writer.record([...before, cancelledItem]);
    return writer.reached();
  }
  let plan: Plan;
  try {
    if (tooManyRecoveries(record.items)) throw new LedgerError('RUN_STUCK', { execution_id: executionId });
    plan = await pinnedPlan(record, parts);
  } catch (error) {
    if (!isLedgerError(error, 'RUN_UNRESUMABLE') && !isLedgerError(error, 'RUN_STUCK')) throw error;
    await writer.record([...before, errorItem(record, error.code, error.message)]);
    return writer.reached();
  }
  if (before.length > 0) await writer.record(before);
  const isWished = (): boolean => mayBegin() && !writer.wasPaused();
  return takeSteps(plan, { ...parts.portsOf(plan), mayBegin: isWished }, writer, record, signal);
}

/** Another process may have published what is missing a moment ago. */
async function pinnedPlan(record: ExecutionRecord, { documents, catchUp }: WorkerParts): Promise<Plan> {
  try {
    return await planOfRun(record, documents);
  } catch (error) {
    if (catchUp === undefined || !isLedgerError(error, 'RUN_UNRESUMABLE')) throw error;
    await catchUp();
    return planOfRun(record, documents);
  }
}

async function takeSteps(
  plan: Plan,
  ports: Ports,
  writer: RunWriter,
  record: ExecutionRecord,
  signal: AbortSignal,
): Promise<Worked> {
  try {
    await untilLetGo(orchestrate(plan, ports, writer.emit, signal), signal);
    return writer.reached();
  } catch (error) {
    if (error instanceof RunCancelled) {
      await writer.cancel();
      return writer.reached();
    }
    if (signal.aborted || mayPass(error) || isOthers(error)) throw error;
    const { type, message } = failureOf(error);
    // Where its key is destroyed, a run takes no texts any more.
    const end = errorItem(record, type, message);
    await writer.record([isLedgerError(error, 'RUN_ERASED') ? withoutText(end) : end]);
    return writer.reached();
  }
}

const isOthers = (error: unknown): error is LedgerError<'RULE_BROKEN'> =>
  isLedgerError(error, 'RULE_BROKEN') && ['other_worker', 'item_after_terminal'].includes(error.params.rule);

/** Trouble of the store leaves the run as it is, to go on later; anything else would only come again. */
const mayPass = (error: unknown): boolean =>
  error instanceof LedgerError && (error.retryable || error.code === 'CONFLICT');

function withoutText({ metadata, ...item }: ItemDraft): ItemDraft {
  return { ...item, content: null, metadata: { ...metadata, error_message: undefined } };
}

/** A backend that does not let go must not hold up a cancel: its result, should it ever come, is discarded. */
async function untilLetGo(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const late = new AbortController();
  const givenUp = new Promise<never>((_, reject) => {
    const begin = (): void => {
      const timer = setTimeout(() => reject(signal.reason), letGoMs);
      late.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
    };
    if (signal.aborted) begin();
    else signal.addEventListener('abort', begin, { once: true, signal: late.signal });
  });
  try {
    await Promise.race([work, givenUp]);
  } finally {
    late.abort();
  }
}

const cancelledItem: ItemDraft = { item_type: 'run_cancelled', media_type: 'metadata' };

/** Nothing where this worker holds the run already; a recovery where another one held it when it died. */
function claimItems(record: ExecutionRecord, worker: string): readonly ItemDraft[] {
  const previous = lastClaim(record.items);
  if (previous === worker) return [];
  const common = { stage: record.items.at(-1)?.stage ?? 0, media_type: 'metadata' } as const;
  if (previous === undefined) return [{ ...common, item_type: 'run_claimed', metadata: { worker } }];
  return [{ ...common, item_type: 'run_recovered', metadata: { worker, previous_worker: previous } }];
}

function errorItem({ items }: ExecutionRecord, type: string, message: string): ItemDraft {
  const stage = items.at(-1)?.stage ?? 0;
  return {
    item_type: 'pipeline_error',
    stage,
    media_type: 'metadata',
    content: message,
    metadata: { error_type: type, error_stage: stage, error_message: message, recoverable: false },
  };
}

type RunWriter = {
  readonly record: (items: readonly ItemDraft[]) => Promise<void>;
  readonly emit: Emit;
  readonly cancel: () => Promise<void>;
  /** `hasEnded` where that is known from elsewhere. */
  readonly reached: (hasEnded?: boolean) => Worked;
  /** Did another process pause the run? Known as of its last item, before any read model has it. */
  readonly wasPaused: () => boolean;
  /** Resolves once none of its items is on its way any more. */
  readonly settled: () => Promise<void>;
};

/** Records for the orchestrator: adds the totals that only the stream knows, and keeps a cancel a cancel. */
function createRunWriter(
  { recorder, name, now }: WorkerParts,
  run: ExecutionRecord,
  { assertHeld }: Steering,
): RunWriter {
  const { execution_id: executionId } = run;
  let { version } = run;
  let worked: Worked = { hasEnded: run.is_terminal, position: null };
  let wasPaused = false;
  const underWay = new Set<Promise<unknown>>();
  const append = async (items: readonly ItemDraft[], expectedVersion?: number): Promise<void> => {
    assertHeld?.();
    const recording = recorder.record({
      executionId,
      by: 'own',
      worker: name,
      run: 'existing',
      items: items.map((draft) => ({ draft })),
      expectedVersion,
    });
    underWay.add(recording);
    const { state, position } = await recording.finally(() => underWay.delete(recording));
    version = state.version;
    wasPaused = assertHeld !== undefined && state.phase === 'paused';
    worked = { hasEnded: state.terminalAt !== null, position: position ?? worked.position };
  };
  const complete = async (item: ItemDraft): Promise<void> => {
    const seconds = Math.max(0, now() - Date.parse(run.started_at)) / 1_000;
    // Others may add to the run at any time; the count is true of the very place where it stands.
    for (;;) {
      const totals = { total_duration_seconds: seconds, total_items_logged: version + 2 };
      try {
        return await append([{ ...item, metadata: { ...totals, ...item.metadata } }], version);
      } catch (error) {
        if (!isLedgerError(error, 'VERSION_MISMATCH')) throw error;
        version = error.params.actual;
      }
    }
  };
  return {
    record: append,
    reached: (hasEnded = worked.hasEnded) => ({ ...worked, hasEnded }),
    wasPaused: () => wasPaused,
    settled: async () => void (await Promise.allSettled(underWay)),
    emit: async (...items) => {
      try {
        const [only, ...more] = items;
        const ends = only !== undefined && more.length === 0 && effectOf(only) === 'complete';
        await (ends ? complete(only) : append(items));
      } catch (error) {
        if (!isEnding(error)) throw error;
        const late = items.flatMap(discardedItem);
        if (late.length > 0) await append(late);
        throw new RunCancelled();
      }
    },
    cancel: async () => {
      try {
        await append([cancelledItem]);
      } catch (error) {
        // It had ended before the wish came: that stands.
        if (!isEnding(error)) throw error;
        worked = { ...worked, hasEnded: true };
      }
    },
  };
}

const effectOf = (item: ItemDraft): string | undefined => catalogued(item.item_type)?.effect;

/** Did the decider refuse an item because the run is being cancelled, or has ended? */
const isEnding = (error: unknown): boolean =>
  isLedgerError(error, 'RULE_BROKEN') &&
  ['run_cancelling', 'item_after_terminal'].includes(error.params.rule);

/** What came too late leaves a trace: that it came, what made it, what it used up; not what it says. */
function discardedItem(item: ItemDraft): readonly ItemDraft[] {
  const entry = catalogued(item.item_type);
  if (entry?.afterTerminal === true) return [item];
  const isResult = entry?.kind === 'journey' && typeof item.backend_used === 'string';
  if (!isResult) return [];
  const { stage, stage_iteration, loop_iteration, config_used, model_used, backend_used, execution_time } =
    item;
  return [
    {
      item_type: 'late_result_discarded',
      media_type: 'metadata',
      stage,
      stage_iteration,
      loop_iteration,
      config_used,
      model_used,
      backend_used,
      execution_time,
      metadata: { discarded_type: item.item_type, sha256: item.metadata?.['sha256'] },
    },
  ];
}
