import { randomBytes, randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { LedgerError } from '../errors.ts';
import { keyedDigestOf } from '../events/ids.ts';
import { catalogued, type Effect } from '../events/catalogue.ts';
import { safetyLevel } from '../events/decision.ts';
import type { ItemDraft } from '../events/item.ts';
import type { Position } from '../event-store/port.ts';
import type { ExecuteRequest, Service, StepCount } from '../http/service.ts';
import type { MediaStore } from '../media/media-store.ts';
import { builtinMedia } from '../pipeline/backends/builtin/builtin-media.ts';
import { builtinText } from '../pipeline/backends/builtin/builtin-text.ts';
import { orchestrate } from '../pipeline/orchestrate.ts';
import type { Plan, Ports } from '../pipeline/plan.ts';
import { startItems } from '../pipeline/start-items.ts';
import type { ExecutionRecord } from '../run/record.ts';
import type { Recorder } from '../run/recorder.ts';
import { builtinContextRules } from '../safety/context-rules.ts';
import type { ActivePolicy } from '../safety/policy.ts';
import type { WorkflowLibrary } from '../workflows/library.ts';
import { resolveOutputs } from '../workflows/resolve-outputs.ts';
import { newExecutionId } from './execution-id.ts';

export type ExecutorParts = {
  readonly recorder: Recorder;
  readonly media: MediaStore;
  readonly policy: ActivePolicy;
  readonly workflows: WorkflowLibrary;
  /** The deployment's naming key: texts appear in cores as HMACs under it. */
  readonly naming: Uint8Array;
  readonly replay: Service['replay'];
};

export type Executor = {
  readonly execute: Service['execute'];
  /** Waits for the runs of this process, at most so long; then stops what still runs. Their streams say how far they came. */
  readonly finish: (withinMs: number) => Promise<void>;
};

const seedLimit = 2 ** 31;
/** Names this process on the runs it takes. */
const worker = `worker-${process.pid}`;

/** Runs prompts: appends the start, claims the run, lets the orchestrator emit, and reads the finished record back. */
export function createExecutor(parts: ExecutorParts): Executor {
  const { recorder, media, policy, workflows, naming } = parts;
  const clock = (): number => performance.now() / 1000;
  const text = builtinText(clock);
  const picture = builtinMedia(clock);
  const ports: Ports = {
    text,
    mediaBackendOf: () => picture,
    contextCheck: builtinContextRules(clock),
    commitText: (words) => keyedDigestOf(naming, 'text', words),
    media,
    clock,
  };
  const running = new Set<Promise<unknown>>();
  const stopping = new AbortController();

  const run = async (plan: Omit<Plan, 'before'>, request: ExecuteRequest): Promise<Position | null> => {
    const { executionId } = plan;
    const started = clock();
    const start = startItems(plan, {
      userId: request.user_id,
      sessionId: request.session_id,
      requestTimestamp: request.request_timestamp,
    });
    const record = async (
      items: readonly ItemDraft[],
      which: 'new' | 'existing',
    ): Promise<Position | null> => {
      const drafts = items.map((draft) => ({ draft }));
      const { position } = await recorder.record({
        executionId,
        by: 'own',
        run: which,
        items: drafts,
        userId: request.user_id,
      });
      return position;
    };
    let position = await record(start, 'new');
    const claim: ItemDraft = {
      item_type: 'run_claimed',
      stage: 0,
      media_type: 'metadata',
      metadata: { worker },
    };
    await record([claim], 'existing');
    const before = { items: start.length + 1, elapsedSeconds: clock() - started };
    const emit = async (item: ItemDraft): Promise<void> => {
      position = await record([item], 'existing');
    };
    await orchestrate({ ...plan, before }, ports, emit, stopping.signal);
    return position;
  };

  const execute: Service['execute'] = async (request) => {
    const { document, sha256 } = workflows.workflow(request.schema);
    const plan = {
      executionId: newExecutionId(Date.now(), randomBytes(4)),
      workflow: document,
      workflowSha256: sha256,
      outputs: resolveOutputs(document, workflows, request.execution_mode),
      inputText: request.input_text,
      executionMode: request.execution_mode,
      safetyLevel: safetyLevel.parse(request.safety_level),
      levelSetBy: request.level_set_by,
      seed: request.seed ?? randomInt(seedLimit),
      policy,
    };
    const work = run(plan, request);
    running.add(work);
    try {
      const position = await work;
      return { ...(await finished(parts, plan)), position };
    } finally {
      running.delete(work);
    }
  };

  return {
    execute,
    finish: async (withinMs) => {
      const left = Promise.allSettled(running);
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), withinMs);
      await Promise.race([left, aborted(late.signal)]);
      clearTimeout(timer);
      const what = 'The service stops, and this run did not end in time';
      const cure = 'what it recorded stays; run it again once the service has started';
      stopping.abort(new LedgerError('UNAVAILABLE', { what, cure }));
      await left;
    },
  };
}

async function finished(
  { replay }: ExecutorParts,
  { executionId, workflow }: Pick<Plan, 'executionId' | 'workflow'>,
): Promise<{ record: ExecutionRecord; steps: StepCount }> {
  const record = await replay(executionId, {}, new AbortController().signal);
  if (record === undefined) throw new TypeError(`run ${executionId} was recorded and is not there`);
  const count = (effect: Effect): number =>
    record.items.filter(({ item_type }) => catalogued(item_type)?.effect === effect).length;
  const isRecursive = workflow.pipeline === 'text_transformation_recursive';
  return {
    record,
    steps: isRecursive
      ? { completed: count('iterate'), total: workflow.parameters.iterations ?? count('iterate') }
      : { completed: count('finish_text'), total: 1 },
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
