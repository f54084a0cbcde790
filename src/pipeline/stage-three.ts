import { checkText } from '../safety/check-text.ts';
import type { PlannedOutput, Stage } from './plan.ts';
import type { FinalText } from './stage-two.ts';

/**
 * Stage 3, once per output: checks the very text that the output will be made from. Returns whether it may be made. At
 * the level research only the law lists are checked, and the skip of everything else is recorded beside.
 */
export async function stageThree(
  final: FinalText,
  output: PlannedOutput,
  loop: number,
  stage: Stage,
): Promise<boolean> {
  const { plan, ports, emit, signal } = stage;
  const checkPoint = 'pre_output';
  const checked = await checkText(
    {
      text: final.text,
      language: final.language === 'und' ? undefined : final.language,
      role: 'interception',
      checkPoint,
      level: plan.safetyLevel,
      levelSetBy: plan.levelSetBy,
      generatedFrom: final.text,
    },
    { ...ports, policy: plan.policy },
    signal,
  );
  const common = {
    stage: 3,
    loop_iteration: loop,
    media_type: 'metadata',
    config_used: output.config,
  } as const;
  await emit({
    ...common,
    item_type: 'stage3_safety_check',
    model_used: checked.model,
    backend_used: checked.backend,
    execution_time: checked.executionSeconds,
    metadata: checked.metadata,
  });
  if (plan.safetyLevel === 'research') {
    await emit({
      ...common,
      item_type: 'safety_check_skipped',
      metadata: {
        reason: 'level_research',
        allowed_by: plan.levelSetBy,
        check_point: checkPoint,
        policy: plan.policy.reference,
        safety_level: plan.safetyLevel,
        level_set_by: plan.levelSetBy,
      },
    });
  }
  if (checked.refusal === null) return true;
  const { reason, codes, terms, message } = checked.refusal;
  await emit({
    ...common,
    item_type: 'stage3_blocked',
    content: message,
    metadata: {
      blocked_reason: reason,
      blocked_codes: codes,
      safety_level: plan.safetyLevel,
      blocked_terms: terms,
      fallback: 'none',
    },
  });
  return false;
}
