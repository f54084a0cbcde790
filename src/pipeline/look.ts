import type { ItemDraft } from '../events/item.ts';
import { type CheckedImage, checkImage } from '../safety/check-image.ts';
import type { Refusal } from '../safety/check-text.ts';
import { visionAt } from '../safety/policy.ts';
import { detectLanguage } from './detect-language.ts';
import { takeTurn } from './pause.ts';
import type { InputImage, PlannedOutput, Stage } from './plan.ts';
import { inputBlockItem } from './input-check.ts';
import { checkUsage, usageItem } from './step.ts';

/** What a look at a medium has led to: what is to be recorded, and the refusal, if it is one. */
export type Look = { readonly items: readonly ItemDraft[]; readonly refusal: Refusal | null };

const nothing: Look = { items: [], refusal: null };

/**
 * Looks at a picture that was made, before it is stored and delivered: a model describes it, then the description is
 * judged. Two records: what the model saw, and the decision. Nothing where the policy looks at no pictures at this level.
 */
export async function lookAtOutput(
  bytes: Uint8Array,
  sha256: string,
  output: PlannedOutput,
  loop: number,
  stage: Stage,
): Promise<Look> {
  if (output.mediaType !== 'image' || !looksAt(stage)) return nothing;
  const { described, checked } = await check(bytes, sha256, 'post_output', stage);
  const place = { stage: 4, loop_iteration: loop, config_used: output.config } as const;
  const step = { id: `look-${loop}`, stage: 4, loop, config: output.config, model: null };
  const items = [
    ...(described === null ? [] : describedItems(described, place, step, stage)),
    {
      ...place,
      item_type: 'stage4_safety_check',
      media_type: 'metadata',
      model_used: checked.model,
      backend_used: checked.backend,
      execution_time: checked.executionSeconds,
      metadata: { ...checked.metadata, sha256 },
    },
    ...checkUsage(checked, step),
  ];
  return { items, refusal: checked.refusal };
}

/** The item that withholds an output: its medium is neither stored nor ever served. */
export const withheldItem = (
  { reason, codes, terms, message }: Refusal,
  sha256: string,
  { config }: PlannedOutput,
  loop: number,
  { plan }: Pick<Stage, 'plan'>,
): ItemDraft => ({
  item_type: 'stage4_blocked',
  stage: 4,
  loop_iteration: loop,
  config_used: config,
  media_type: 'metadata',
  content: message,
  metadata: {
    blocked_reason: reason,
    blocked_codes: codes,
    safety_level: plan.safetyLevel,
    blocked_terms: terms,
    sha256,
  },
});

/**
 * Looks at the pictures that a person handed in and that are not looked at yet, each with a decision or a recorded skip.
 * Returns whether the run may go on.
 */
export async function lookAtInputs(stage: Stage): Promise<boolean> {
  const { plan, ports, emit, signal } = stage;
  for (const image of plan.inputImages) {
    if (plan.done.imagesChecked.has(image.sha256)) continue;
    takeTurn(stage);
    if (!looksAt(stage)) {
      await emit(skipItem(image, stage));
      continue;
    }
    const { sha256 } = image;
    const { described, checked } = await check(
      await ports.readMedium(sha256, signal),
      sha256,
      'upload',
      stage,
    );
    const { refusal } = checked;
    await emit(
      {
        item_type: 'stage1_safety_check_image',
        stage: 1,
        media_type: 'image',
        content: described?.content ?? null,
        file_path: `/api/media/${sha256}`,
        model_used: checked.model ?? described?.model,
        backend_used: checked.backend ?? described?.backend,
        execution_time: checked.executionSeconds,
        metadata: { ...checked.metadata, sha256 },
      },
      ...checkUsage(checked, { id: 'check-image', stage: 1, model: null }),
      ...(refusal === null ? [] : [inputBlockItem(refusal, stage)]),
    );
    if (refusal !== null) return false;
  }
  return true;
}

const looksAt = ({ plan }: Pick<Stage, 'plan'>): boolean =>
  visionAt(plan.policy.document, plan.safetyLevel) !== undefined;

function check(
  bytes: Uint8Array,
  sha256: string,
  checkPoint: 'post_output' | 'upload',
  { plan, ports, signal }: Stage,
): Promise<CheckedImage> {
  const { safetyLevel: level, levelSetBy } = plan;
  const language = detectLanguage(plan.inputText);
  return checkImage(
    { bytes, sha256, level, levelSetBy, checkPoint, language: language === 'und' ? undefined : language },
    { ...ports, policy: plan.policy },
    signal,
  );
}

function describedItems(
  { content, sha256, promptTemplateSha256, ...told }: NonNullable<CheckedImage['described']>,
  place: { readonly stage: number; readonly loop_iteration: number; readonly config_used: string },
  step: Parameters<typeof usageItem>[0],
  { plan }: Stage,
): readonly ItemDraft[] {
  const { model, backend, modelDigest, usage } = told;
  return [
    {
      ...place,
      item_type: 'medium_described',
      media_type: 'text',
      content,
      model_used: model,
      backend_used: backend,
      execution_time: told.executionSeconds,
      metadata: {
        sha256,
        model_digest: modelDigest,
        prompt_template_sha256: promptTemplateSha256,
        policy: plan.policy.reference,
        finish_reason: told.finishReason,
      },
    },
    ...(usage === undefined ? [] : [usageItem(step, { usage, model, backend, modelDigest, attempt: 1 })]),
  ];
}

/** Nobody looks at pictures at this level: that is recorded, with the policy that says so. */
const skipItem = ({ sha256 }: InputImage, { plan }: Stage): ItemDraft => ({
  item_type: 'safety_check_skipped',
  stage: 1,
  media_type: 'metadata',
  metadata: {
    reason: plan.safetyLevel === 'research' ? 'level_research' : 'checker_disabled',
    allowed_by: plan.safetyLevel === 'research' ? plan.levelSetBy : `policy:${plan.policy.reference.id}`,
    check_point: 'upload',
    policy: plan.policy.reference,
    safety_level: plan.safetyLevel,
    level_set_by: plan.levelSetBy,
    sha256,
  },
});
