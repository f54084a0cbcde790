import type { ItemDraft } from '../events/item.ts';
import { type CheckedText, checkText, type Refusal } from '../safety/check-text.ts';
import { detectLanguage } from './detect-language.ts';
import { askText } from './ask.ts';
import { inStage } from './failure.ts';
import { pipelineLanguage, type Stage } from './plan.ts';
import { translationPrompt } from './prompt.ts';

/** The input as stage 2 gets it; undefined where the input was refused, and with it the run. */
export type Input = { readonly text: string; readonly language: string };

/**
 * Stage 1: checks the input as it was written, then brings it into the pipeline's language. The check comes first, so
 * that no backend reads what the policy refuses. Throws StageFailure where the translation fails.
 */
export async function stageOne(stage: Stage): Promise<Input | undefined> {
  const { plan, emit, signal } = stage;
  const { text, isMarked } = withoutMarker(plan.inputText);
  const language = detectLanguage(text);
  const checked = await checkText(
    {
      text,
      language: language === 'und' ? undefined : language,
      role: 'user_input',
      checkPoint: 'pre_interception',
      level: plan.safetyLevel,
      levelSetBy: plan.levelSetBy,
    },
    { ...stage.ports, policy: plan.policy },
    signal,
  );
  await emit(checkItem(checked));
  if (checked.refusal !== null) {
    await emit(blockedItem(checked.refusal, stage));
    return undefined;
  }
  return translate(text, language, isMarked, stage);
}

/**
 * `#notranslate#` is a word to the pipeline, not part of the text: it goes, with the white space around it, and the rest
 * stays letter by letter. It leaves a space where it joined two words, so that it cannot hide one from the check.
 */
function withoutMarker(text: string): { readonly text: string; readonly isMarked: boolean } {
  const parts = text.split(/#notranslate#/i);
  if (parts.length === 1) return { text, isMarked: false };
  const kept = parts.map((part) => part.trim()).filter((part) => part !== '');
  return { text: kept.join(' '), isMarked: true };
}

const checkItem = (checked: CheckedText): ItemDraft => ({
  item_type: 'stage1_safety_check',
  stage: 1,
  media_type: 'metadata',
  model_used: checked.model,
  backend_used: checked.backend,
  execution_time: checked.executionSeconds,
  metadata: checked.metadata,
});

const blockedItem = (refusal: Refusal, { plan }: Stage): ItemDraft => ({
  item_type: 'stage1_blocked',
  stage: 1,
  media_type: 'metadata',
  content: refusal.message,
  metadata: {
    blocked_reason: refusal.reason,
    blocked_codes: refusal.codes,
    safety_level: plan.safetyLevel,
    blocked_term: refusal.terms[0] ?? null,
    blocked_terms: refusal.terms,
  },
});

async function translate(text: string, from: string, isMarked: boolean, stage: Stage): Promise<Input> {
  const { plan, ports, emit, signal } = stage;
  const common = { item_type: 'translation_result', stage: 1, media_type: 'text' } as const;
  if (isMarked || from === pipelineLanguage) {
    await emit({
      ...common,
      content: text,
      metadata: { from_lang: from, to_lang: from, detected_language: from, method: 'none' },
    });
    return { text, language: from };
  }
  const request = {
    prompt: translationPrompt(text, from, pipelineLanguage, true),
    task: { kind: 'translate', text, from, to: pipelineLanguage } as const,
    model: plan.workflow.models?.[plan.executionMode] ?? null,
    seed: plan.seed,
    parameters: {},
  };
  const response = await inStage(1, signal, () => askText(ports.text, request, signal));
  await emit({
    ...common,
    content: response.text,
    model_used: response.model,
    backend_used: response.backend,
    execution_time: response.executionSeconds,
    metadata: {
      ...response.metadata,
      from_lang: response.detectedLanguage ?? from,
      to_lang: pipelineLanguage,
      detected_language: response.detectedLanguage ?? from,
      method: response.method,
      model_digest: response.modelDigest,
      seed: response.seed,
      request: { prompt: request.prompt, model: request.model, seed: request.seed },
    },
  });
  return { text: response.text, language: pipelineLanguage };
}
