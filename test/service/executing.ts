import { pino } from 'pino';
import type { EventStore } from '../../src/event-store/port.ts';
import type { StartRequest } from '../../src/http/service.ts';
import type { Plan, Ports } from '../../src/pipeline/plan.ts';
import type { Recorder } from '../../src/run/recorder.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { activatePolicy } from '../../src/safety/policy.ts';
import { createExecutor, type Executor } from '../../src/service/execute.ts';
import { createRequestKeys } from '../../src/service/request-keys.ts';
import { createRunControl, type RunControl } from '../../src/service/run-control.ts';
import { createWorker } from '../../src/service/worker.ts';
import { bundledLibrary } from '../../src/workflows/library.ts';
import { moment } from '../moment.ts';
import { portsWith } from '../pipeline/harness.ts';
import { type RunBench, runBench } from '../run-bench.ts';

/** One process that executes runs, over a log that outlives it. */
export type Executing = {
  readonly bench: RunBench;
  readonly control: RunControl;
  readonly start: Executor['start'];
  readonly execute: Executor['execute'];
};

export type ExecutingOptions = {
  readonly bench?: RunBench;
  readonly ports?: Partial<Ports> | ((plan: Plan) => Partial<Ports>);
  readonly concurrency?: number;
  readonly name?: string;
  readonly recorder?: Recorder;
  /** False: the policy that runs have pinned is gone. */
  readonly hasPolicy?: boolean;
};

let ids = 0;

/** Executor, control and worker as the service composes them, on a log in memory and with backends of the test's own. */
export function executing({
  bench = runBench(),
  ports = {},
  concurrency = 4,
  name = 'worker-1',
  recorder = bench.recorder,
  hasPolicy = true,
}: ExecutingOptions = {}): Executing {
  const policy = activatePolicy(bundledPolicy);
  const workflows = bundledLibrary();
  const read = (id: string) =>
    Promise.resolve(bench.eventsOf(id).length === 0 ? undefined : bench.recordOf(id));
  const worker = createWorker({
    recorder,
    read,
    documents: {
      workflows,
      policyOf: ({ sha256 }) =>
        Promise.resolve(hasPolicy && sha256 === policy.reference.sha256 ? policy : undefined),
    },
    portsOf: (plan) => portsWith(typeof ports === 'function' ? ports(plan) : ports),
    name,
    now: Date.now,
  });
  const control = createRunControl({ recorder, worker, read, concurrency, log: pino({ level: 'silent' }) });
  const { start, execute } = createExecutor({
    recorder,
    media: { open: () => Promise.reject(new Error('no picture is handed in here')) },
    policy,
    workflows,
    control,
    keys: createRequestKeys(bench.naming, (key) => knownIn(bench, key)),
    read,
    newExecutionId: () => `exec_20260101_000000_${(ids += 1).toString(16).padStart(8, '0')}`,
  });
  return { bench, control, start, execute };
}

/** What the projection of requests would say. */
function knownIn(bench: RunBench, key: string): { startedId: string; body: string | null } | undefined {
  for (const stream of bench.store.streams.keys()) {
    const executionId = stream.replace('run-', '');
    const core = bench.eventsOf(executionId)[0]?.core;
    if (core?.request === key) return { startedId: executionId, body: String(core.facts?.['request_body']) };
  }
  return undefined;
}

export const request = (workflow: string, input: string, more: Partial<StartRequest> = {}): StartRequest => ({
  workflow,
  input_text: input,
  input_images: [],
  execution_mode: 'eco',
  safety_level: 'kids',
  level_set_by: 'default',
  user_id: 'anonymous',
  session_id: 'default',
  seed: 42,
  ...more,
});

/**
 * A store whose process dies at its n-th append: before it is stored, or right after. Whoever waits for it waits for ever;
 * `died` resolves when that has come.
 */
export function dyingAt(
  n: number,
  when: 'before' | 'after',
): { readonly wrap: (store: EventStore) => EventStore; readonly died: Promise<void> } {
  let appends = 0;
  const never = new Promise<never>(() => undefined);
  const died = moment();
  const wrap = (store: EventStore): EventStore => ({
    ...store,
    append: async (...args) => {
      appends += 1;
      if (appends === n && when === 'after') await store.append(...args);
      if (appends < n) return store.append(...args);
      died.arrive();
      return never;
    },
  });
  return { wrap, died: died.come };
}
