import type { ItemDraft } from '../events/item.ts';
import { type CheckedText, checkText, type Refusal, type TextCheck } from '../safety/check-text.ts';
import { checkUsage } from './step.ts';
import { takeTurn } from './pause.ts';
import type { PlannedOutput, Stage } from './plan.ts';
import type { TextIn } from './progress.ts';

/**
 * Stage 3, once per output: checks the very text that the output will be made from. Returns whether it may be made. At
 * the level research only the law lists are checked, and the skip of everything else is recorded beside.
 */
export async function stageThree(
  final: TextIn,
  output: PlannedOutput,
  loop: number,
  stage: Stage,
): Promise<boolean> {
  const { plan, ports, emit, signal } = stage;
  takeTurn(stage);
  const check = outputCheck(final, stage);
  const checked = await checkText(check, { ...ports, policy: plan.policy }, signal);
  const { refusal } = checked;
  // Together: a decision without what follows from it would have to be guessed at by whoever goes on with the run.
  await emit(
    outputCheckItem(checked, output, loop),
    ...checkUsage(checked, {
      id: `check-output-${loop}`,
      stage: 3,
      loop,
      config: output.config,
      model: null,
    }),
    ...(plan.safetyLevel === 'research' ? [skipItem(check, output, loop, stage)] : []),
    ...(refusal === null ? [] : [outputBlockItem(refusal, output, loop, stage)]),
  );
  return refusal === null;
}

/** What is asked about an output's text. */
export const outputCheck = (final: TextIn, { plan }: Pick<Stage, 'plan'>): TextCheck => ({
  text: final.text,
  language: final.language === 'und' ? undefined : final.language,
  role: 'interception',
  checkPoint: 'pre_output',
  level: plan.safetyLevel,
  levelSetBy: plan.levelSetBy,
  generatedFrom: final.text,
});

const placeOf = ({ config }: PlannedOutput, loop: number) =>
  ({ stage: 3, loop_iteration: loop, media_type: 'metadata', config_used: config }) as const;

/** A decision about one output. */
export const outputCheckItem = (checked: CheckedText, output: PlannedOutput, loop: number): ItemDraft => ({
  ...placeOf(output, loop),
  item_type: 'stage3_safety_check',
  model_used: checked.model,
  backend_used: checked.backend,
  execution_time: checked.executionSeconds,
  metadata: checked.metadata,
});

const skipItem = (
  { checkPoint }: TextCheck,
  output: PlannedOutput,
  loop: number,
  { plan }: Stage,
): ItemDraft => ({
  ...placeOf(output, loop),
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

/** An output that is not made, with what the person reads. */
export const outputBlockItem = (
  { reason, codes, terms, message }: Refusal,
  output: PlannedOutput,
  loop: number,
  { plan }: Pick<Stage, 'plan'>,
): ItemDraft => ({
  ...placeOf(output, loop),
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
