import type { ItemDraft } from '../events/item.ts';
import { LedgerError } from '../errors.ts';
import { detectLanguage } from './detect-language.ts';
import type { InputImage, RunPlan } from './plan.ts';

/** Whose run it is, and what its record says beside the items. */
export type StartedBy = {
  readonly userId: string;
  readonly sessionId: string;
  /** RFC 3339, as the client sent it. */
  readonly requestTimestamp?: string | undefined;
  readonly scope?: { readonly type: string; readonly id: string } | undefined;
  /** HMAC of the body that came with an Idempotency-Key. */
  readonly requestBody?: string | undefined;
};

/**
 * The items that a run begins with, to be recorded in one append: who asked for what under which level, and the input.
 * Throws WORKFLOW_UNSUPPORTED before anything is recorded where the orchestrator cannot run the workflow.
 */
export function startItems(plan: RunPlan, by: StartedBy): readonly ItemDraft[] {
  const { workflow } = plan;
  if (workflow.pipeline === 'steps') {
    throw new LedgerError('WORKFLOW_UNSUPPORTED', { workflow: workflow.id, pipeline: workflow.pipeline });
  }
  const scope = by.scope === undefined ? {} : { scope_type: by.scope.type, scope_id: by.scope.id };
  const start: ItemDraft = {
    item_type: 'pipeline_start',
    stage: 0,
    media_type: 'metadata',
    metadata: {
      config_name: workflow.id,
      execution_mode: plan.executionMode,
      safety_level: plan.safetyLevel,
      level_set_by: plan.levelSetBy,
      user_id: by.userId,
      session_id: by.sessionId,
      request_timestamp: by.requestTimestamp ?? null,
      seed: plan.seed,
      workflow_sha256: plan.workflowSha256,
      policy: { ...plan.policy.reference },
      request_body: by.requestBody,
      // Output configs may change while the run waits or after a crash: it goes on with what it began with.
      outputs: plan.outputs.map((output) => ({ ...output })),
    },
    user_id: by.userId,
    session_id: by.sessionId,
    record: { workflow_id: workflow.id, ...scope },
  };
  const input: ItemDraft = {
    item_type: 'user_input_text',
    stage: 1,
    media_type: 'text',
    content: plan.inputText,
    metadata: {
      input_language: detectLanguage(plan.inputText),
      char_count: Array.from(plan.inputText).length,
    },
  };
  return [start, input, ...plan.inputImages.map(imageItem)];
}

const imageItem = ({ sha256, mediaType, sizeBytes, dimensions }: InputImage): ItemDraft => ({
  item_type: 'user_input_image',
  stage: 1,
  media_type: 'image',
  file_path: `/api/media/${sha256}`,
  metadata: {
    image_size: dimensions,
    format: mediaType.replace('image/', ''),
    file_size_kb: sizeBytes / 1024,
    sha256,
  },
});
