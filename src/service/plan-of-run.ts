import { z } from 'zod';
import { mediaType } from '../events/core.ts';
import type { Effect } from '../events/catalogue-entry.ts';
import { catalogued } from '../events/catalogue.ts';
import { decisionRecord, safetyLevel } from '../events/decision.ts';
import { localized } from '../events/localized.ts';
import { hexDigest } from '../events/token.ts';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { Plan, RunPlan } from '../pipeline/plan.ts';
import { progressOf } from '../pipeline/progress.ts';
import type { ExecutionRecord } from '../run/record.ts';
import type { ActivePolicy, PolicyReference } from '../safety/policy.ts';
import type { PublishedWorkflow, WorkflowLibrary } from '../workflows/library.ts';

/** Where the documents are that a run has pinned. */
export type PinnedDocuments = {
  readonly workflows: Pick<WorkflowLibrary, 'version'>;
  /** Undefined for a policy that was never published here. */
  readonly policyOf: (reference: PolicyReference) => Promise<ActivePolicy | undefined>;
};

const startMetadata = z.object({
  execution_mode: z.enum(['eco', 'fast']),
  safety_level: safetyLevel,
  level_set_by: z.enum(['request', 'default', 'workflow']),
  seed: z.int(),
  workflow_sha256: hexDigest,
  policy: decisionRecord.shape.policy,
  outputs: z.array(
    z.strictObject({
      config: z.string(),
      name: localized.optional(),
      mediaType,
      backend: z.string(),
      model: z.string().nullable(),
      parameters: z.record(z.string(), z.unknown()),
    }),
  ),
});

/**
 * Folds a run's record into the plan of what is left to do: what it began with, by the versions it has pinned, and what it
 * holds already. Throws RUN_UNRESUMABLE where something that it needs is gone.
 */
export async function planOfRun(record: ExecutionRecord, pinned: PinnedDocuments): Promise<Plan> {
  const { execution_id: executionId, items } = record;
  const gone: Gone = (what, cause) =>
    new LedgerError('RUN_UNRESUMABLE', { execution_id: executionId, what }, { cause });
  const of = (effect: Effect) => items.filter((item) => catalogued(item.item_type)?.effect === effect);
  const [first] = items;
  const start = startMetadata.safeParse(first?.metadata);
  if (!start.success) throw gone('its start does not say all that it began with', start.error);
  const { data } = start;
  const inputs = of('input');
  const inputText = inputs.find(({ media_type }) => media_type === 'text')?.content;
  if (typeof inputText !== 'string') throw gone('its input is not there');
  const workflow = workflowOf(data.workflow_sha256, record, pinned, gone);
  const policy = await policyOf(data.policy, pinned, gone);
  const plan: RunPlan = {
    executionId,
    workflow: workflow.document,
    workflowSha256: data.workflow_sha256,
    outputs: data.outputs,
    inputText,
    inputImages: inputs
      .filter(({ media_type }) => media_type === 'image')
      .map(({ metadata }) => ({
        sha256: String(metadata['sha256']),
        mediaType: `image/${String(metadata['format'])}`,
        sizeBytes: Math.round(Number(metadata['file_size_kb']) * 1024),
      })),
    executionMode: data.execution_mode,
    safetyLevel: data.safety_level,
    levelSetBy: data.level_set_by,
    seed: data.seed,
    policy,
  };
  return { ...plan, done: progressOf(items) };
}

type Gone = (what: string, cause?: unknown) => LedgerError;

function workflowOf(
  sha256: string,
  { workflow_id: id }: ExecutionRecord,
  { workflows }: PinnedDocuments,
  gone: Gone,
): PublishedWorkflow {
  try {
    return workflows.version(sha256);
  } catch (error) {
    if (!isLedgerError(error, 'VERSION_NOT_FOUND')) throw error;
    throw gone(`its version of the workflow ${String(id)} is not there`, error);
  }
}

async function policyOf(
  reference: PolicyReference,
  pinned: PinnedDocuments,
  gone: Gone,
): Promise<ActivePolicy> {
  const what = `version ${reference.version} of the policy ${reference.id} is not there`;
  try {
    const policy = await pinned.policyOf(reference);
    if (policy !== undefined) return policy;
  } catch (error) {
    if (!isLedgerError(error, 'POLICY_INVALID')) throw error;
    throw gone(what, error);
  }
  throw gone(what);
}
