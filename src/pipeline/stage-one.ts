import type { ItemDraft } from '../events/item.ts';
import { checkText } from '../safety/check-text.ts';
import { detectLanguage } from './detect-language.ts';
import { askText } from './ask.ts';
import { inputBlockItem, inputCheck, inputCheckItem } from './input-check.ts';
import { lookAtInputs } from './look.ts';
import { takeTurn } from './pause.ts';
import { pipelineLanguage, type Stage } from './plan.ts';
import type { TextIn } from './progress.ts';
import { translationPrompt } from './prompt.ts';
import { checkUsage, takeStep } from './step.ts';

/**
 * Stage 1: checks the input as it was written, then brings it into the pipeline's language. The check comes first, so
 * that no backend reads what the policy refuses. Undefined where the input was refused, and with it the run. Throws
 * StageFailure where the translation fails.
 */
export async function stageOne(stage: Stage): Promise<TextIn | undefined> {
  const { done } = stage.plan;
  const { text, isMarked } = withoutMarker(stage.plan.inputText);
  const language = detectLanguage(text);
  if (!done.inputAllowed && !(await checkInput(text, language, stage))) return undefined;
  if (!(await lookAtInputs(stage))) return undefined;
  return done.translation ?? translate(text, language, isMarked, stage);
}

async function checkInput(text: string, language: string, stage: Stage): Promise<boolean> {
  const { plan, emit, signal } = stage;
  takeTurn(stage);
  const check = inputCheck(text, language, stage);
  const checked = await checkText(check, { ...stage.ports, policy: plan.policy }, signal);
  // Together: a refusal whose block is missing would leave the run open.
  const { refusal } = checked;
  const usage = checkUsage(checked, { id: 'check-input', stage: 1, model: null });
  await emit(
    inputCheckItem(checked),
    ...usage,
    ...(refusal === null ? [] : [inputBlockItem(refusal, stage)]),
  );
  return refusal === null;
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

async function translate(text: string, from: string, isMarked: boolean, stage: Stage): Promise<TextIn> {
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
  const { response, usage } = await takeStep(
    { id: 'translation', stage: 1, model: request.model },
    stage,
    () => askText(ports.text, request, signal),
  );
  const translated: ItemDraft = {
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
      remote_host: response.remoteHost,
      seed: response.seed,
      finish_reason: response.finishReason,
      request: { prompt: request.prompt, model: request.model, seed: request.seed },
    },
  };
  await emit(translated, ...usage);
  return { text: response.text, language: pipelineLanguage };
}
