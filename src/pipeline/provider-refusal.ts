import type { ItemDraft } from '../events/item.ts';
import { providerDecision } from '../safety/provider-moderation.ts';
import type { CheckedText, TextCheck } from '../safety/check-text.ts';
import { BackendError } from './backends/backend-error.ts';
import { detectLanguage } from './detect-language.ts';
import type { ProviderRefusal } from './failure.ts';
import type { PlannedOutput, Stage } from './plan.ts';
import type { TextIn } from './progress.ts';
import { inputBlockItem, inputCheck, inputCheckItem } from './input-check.ts';
import { outputBlockItem, outputCheck, outputCheckItem } from './stage-three.ts';

/**
 * What is recorded where a provider refused a text of stage 1 or 2: its decision, and the block that ends the run. A
 * refusal in stage 2 is one of the input, too: nothing else has gone to the provider.
 */
export function refusedInput(refused: ProviderRefusal, stage: Stage): readonly ItemDraft[] {
  const { inputText } = stage.plan;
  const check = inputCheck(inputText, detectLanguage(inputText), stage);
  const checked = decisionOf(refused, { ...check, role: 'prompt' }, stage);
  return [
    inputCheckItem(checked),
    ...(checked.refusal === null ? [] : [inputBlockItem(checked.refusal, stage)]),
  ];
}

/** What is recorded where a provider refused to make an output: its decision, which stands above our own, and the block. */
export function refusedOutput(
  refused: ProviderRefusal,
  final: TextIn,
  output: PlannedOutput,
  loop: number,
  stage: Stage,
): readonly ItemDraft[] {
  const checked = decisionOf(refused, outputCheck(final, stage), stage);
  return [
    outputCheckItem(checked, output, loop),
    ...(checked.refusal === null ? [] : [outputBlockItem(checked.refusal, output, loop, stage)]),
  ];
}

function decisionOf(
  { step, refusal, executionSeconds }: ProviderRefusal,
  check: TextCheck,
  { plan, ports }: Stage,
): CheckedText {
  const raw = refusal instanceof BackendError ? refusal.evidence.body : undefined;
  const { backend, reasons } = refusal.params;
  const told = { backend, model: step.model, reasons, raw, executionSeconds };
  return providerDecision(check, told, { ...ports, policy: plan.policy });
}
