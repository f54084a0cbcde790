import { randomInt } from 'node:crypto';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { Effect } from '../events/catalogue-entry.ts';
import { catalogued } from '../events/catalogue.ts';
import { safetyLevel } from '../events/decision.ts';
import type { Executed, IdempotentRequest, Started, StartRequest, StepCount } from '../http/service.ts';
import type { MediaStore } from '../media/media-store.ts';
import { mediumBytes } from '../media/medium-bytes.ts';
import { readMediumHeader } from '../pipeline/backends/medium-header.ts';
import type { InputImage, RunPlan } from '../pipeline/plan.ts';
import { startItems } from '../pipeline/start-items.ts';
import type { ExecutionRecord } from '../run/record.ts';
import type { Recorder } from '../run/recorder.ts';
import type { ActivePolicy } from '../safety/policy.ts';
import type { WorkflowLibrary } from '../workflows/library.ts';
import { resolveOutputs } from '../workflows/resolve-outputs.ts';
import type { RequestKey, RequestKeys, Reserve } from './request-keys.ts';
import type { RunControl } from './run-control.ts';

export type ExecutorParts = {
  readonly recorder: Recorder;
  readonly media: Pick<MediaStore, 'open'>;
  readonly policy: ActivePolicy;
  readonly workflows: WorkflowLibrary;
  readonly control: Pick<RunControl, 'assertOpen' | 'add' | 'ended'>;
  readonly keys: RequestKeys;
  readonly read: (executionId: string) => Promise<ExecutionRecord | undefined>;
  readonly newExecutionId: () => string;
};

export type Executor = {
  readonly start: (request: StartRequest, once?: IdempotentRequest) => Promise<Started>;
  readonly execute: (request: StartRequest, once?: IdempotentRequest) => Promise<Executed>;
};

const seedLimit = 2 ** 31;

/** Starts runs: everything is checked first, then recorded in one append, then queued. */
export function createExecutor(parts: ExecutorParts): Executor {
  const begin = async (
    request: StartRequest,
    requestKey: RequestKey | undefined,
    reserve: Reserve,
  ): Promise<Omit<Started, 'isNew'>> => {
    parts.control.assertOpen();
    const planned = await planOf(request, parts);
    const executionId = await reserve(planned.executionId);
    const plan = { ...planned, executionId };
    const items = startItems(plan, {
      userId: request.user_id,
      sessionId: request.session_id,
      requestTimestamp: request.request_timestamp,
      scope: request.scope,
      requestBody: requestKey?.body,
    });
    const { position, state } = await parts.recorder.record({
      executionId,
      by: 'own',
      run: 'new',
      items: items.map((draft) => ({ draft })),
      userId: request.user_id,
      requestKey: requestKey?.key,
    });
    parts.control.add(executionId, request.session_id);
    return { executionId, startedAt: state.startedAt ?? '', position };
  };

  const start: Executor['start'] = async (request, once) => {
    if (once === undefined) {
      const begun = await begin(request, undefined, (freshId) => Promise.resolve(freshId));
      return { ...begun, isNew: true };
    }
    const key = parts.keys.keyOf(once.key, once.what, once.body);
    let begun: Omit<Started, 'isNew'> | undefined;
    const { startedId: executionId } = await parts.keys.once(key, async (reserve) => {
      begun = await begin(request, key, reserve);
      return begun.executionId;
    });
    if (begun !== undefined) return { ...begun, isNew: true };
    const { started_at: startedAt } = await recordOf(executionId);
    return { executionId, startedAt, position: null, isNew: false };
  };

  const recordOf = async (executionId: string): Promise<ExecutionRecord> => {
    const record = await parts.read(executionId);
    if (record === undefined) throw new TypeError(`run ${executionId} was recorded and is not there`);
    return record;
  };

  return {
    start,
    execute: async (request, once) => {
      const { executionId, isNew } = await start(request, once);
      const position = isNew ? await parts.control.ended(executionId) : null;
      const record = await recordOf(executionId);
      if (!record.is_terminal) throw new LedgerError('REQUEST_IN_FLIGHT', { header: 'Idempotency-Key' });
      return { record, steps: stepsOf(record, parts.workflows), position };
    },
  };
}

/** Everything that can be refused is refused here, before any event. */
async function planOf(request: StartRequest, parts: ExecutorParts): Promise<RunPlan> {
  const { document, sha256 } = parts.workflows.workflow(request.workflow);
  return {
    executionId: parts.newExecutionId(),
    workflow: document,
    workflowSha256: sha256,
    outputs: resolveOutputs(document, parts.workflows, request.execution_mode),
    inputText: request.input_text,
    inputImages: await Promise.all(request.input_images.map((name, at) => imageOf(name, at, parts.media))),
    executionMode: request.execution_mode,
    safetyLevel: safetyLevel.parse(request.safety_level),
    levelSetBy: request.level_set_by,
    seed: request.seed ?? randomInt(seedLimit),
    policy: parts.policy,
  };
}

/** A picture that was handed in before, by its digest or by the address that the upload gave. */
async function imageOf(name: string, at: number, media: ExecutorParts['media']): Promise<InputImage> {
  const refused = (what: string, cause?: unknown): LedgerError => {
    const errors = [{ pointer: `/input_images/${at}`, detail: what }];
    const cure = 'upload it with POST /api/media, and send the sha256 that it answers';
    return new LedgerError('INVALID_REQUEST', { what: `The input image ${what}`, cure }, { errors, cause });
  };
  try {
    const found = await media.open(name.replace(/^\/api\/media\//, ''));
    const { sha256, mediaType, sizeBytes } = found;
    const head = { start: 0, end: Math.min(headBytes, sizeBytes) };
    const { width, height } = readMediumHeader(await mediumBytes(found, new AbortController().signal, head));
    if (!mediaType.startsWith('image/')) throw refused(`is ${mediaType}`);
    const dimensions = width === undefined || height === undefined ? undefined : `${width}x${height}`;
    return { sha256, mediaType, sizeBytes, dimensions };
  } catch (error) {
    if (isLedgerError(error, 'MEDIA_NOT_FOUND')) throw refused('is not stored here', error);
    throw error;
  }
}

/** Where a picture says its size; a camera's preview may stand before it. */
const headBytes = 256 * 1_024;

/** How many of its steps in stage 2 a run has taken. */
function stepsOf(record: ExecutionRecord, workflows: WorkflowLibrary): StepCount {
  const count = (effect: Effect): number =>
    record.items.filter(({ item_type }) => catalogued(item_type)?.effect === effect).length;
  const sha256 = record.items[0]?.metadata['workflow_sha256'];
  const { document: workflow } = workflows.version(String(sha256));
  return workflow.pipeline === 'text_transformation_recursive'
    ? { completed: count('iterate'), total: workflow.parameters.iterations ?? count('iterate') }
    : { completed: count('finish_text'), total: 1 };
}
