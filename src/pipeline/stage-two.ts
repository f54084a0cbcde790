import type { TextRequest, TextResponse } from './backends/text-backend.ts';
import { askText } from './ask.ts';
import { inStage } from './failure.ts';
import { languageChain } from './language-chain.ts';
import type { Stage } from './plan.ts';
import { contextText, taskOf, transformationPrompt, translationPrompt } from './prompt.ts';
import { seededRandom } from './random.ts';
import type { Input } from './stage-one.ts';

/** The text that the outputs are made from. */
export type FinalText = Input;

/**
 * Stage 2: makes the final text out of the input, by one transformation or by a chain of translations, and records every
 * step as it is done. Throws StageFailure where a step fails; the steps before it stay recorded.
 */
export async function stageTwo(input: Input, stage: Stage): Promise<FinalText> {
  const { workflow } = stage.plan;
  if (workflow.instruction_type === 'passthrough') return passThrough(input, stage);
  return workflow.pipeline === 'text_transformation_recursive'
    ? passAlong(input, stage)
    : transform(input, stage);
}

/** No backend is asked, so no model, backend or time is told. */
async function passThrough(input: Input, stage: Stage): Promise<FinalText> {
  await stage.emit({
    ...finalItem(stage),
    content: input.text,
    metadata: { total_iterations: 0, transformation_type: 'passthrough' },
  });
  return input;
}

async function transform(input: Input, stage: Stage): Promise<FinalText> {
  const { workflow } = stage.plan;
  const instruction = taskOf(workflow.instruction_type);
  const context = contextText(workflow.context);
  const request: TextRequest = {
    ...commonRequest(stage),
    prompt: transformationPrompt(instruction, context, input.text),
    task: { kind: 'transform', text: input.text, style: workflow.id, instruction, context },
  };
  const response = await inStage(2, stage.signal, () => askText(stage.ports.text, request, stage.signal));
  await stage.emit({
    ...finalItem(stage),
    ...madeBy(response),
    content: response.text,
    metadata: { ...stepMetadata(request, response), total_iterations: 1, transformation_type: workflow.id },
  });
  return { text: response.text, language: input.language };
}

/** The telephone game: each step translates what the one before made of it. */
async function passAlong(input: Input, stage: Stage): Promise<FinalText> {
  const { plan } = stage;
  const random = seededRandom('languages', plan.seed);
  const chain = languageChain(input.language, plan.workflow.parameters, random);
  let [text, from, seconds] = [input.text, input.language, 0];
  let last: TextResponse | undefined;
  for (const [index, to] of chain.entries()) {
    const request: TextRequest = {
      ...commonRequest(stage),
      prompt: translationPrompt(text, from, to, false),
      task: { kind: 'translate', text, from, to },
    };
    last = await inStage(2, stage.signal, () => askText(stage.ports.text, request, stage.signal));
    await stage.emit({
      ...finalItem(stage),
      ...madeBy(last),
      item_type: 'interception_iteration',
      stage_iteration: index + 1,
      content: last.text,
      metadata: {
        ...stepMetadata(request, last),
        from_lang: from,
        to_lang: to,
        iteration_type: 'translation',
      },
    });
    [text, from, seconds] = [last.text, to, seconds + last.executionSeconds];
  }
  await stage.emit({
    ...finalItem(stage),
    ...(last === undefined ? {} : madeBy(last)),
    execution_time: seconds,
    content: text,
    metadata: {
      from_lang: input.language,
      to_lang: from,
      total_iterations: chain.length,
      transformation_type: plan.workflow.id,
      languages: chain,
      language_seed: plan.seed,
    },
  });
  return { text, language: from };
}

const commonRequest = ({ plan }: Stage): Pick<TextRequest, 'model' | 'seed' | 'parameters'> => ({
  model: plan.workflow.models?.[plan.executionMode] ?? null,
  seed: plan.seed,
  parameters: plan.workflow.parameters,
});

const finalItem = ({ plan }: Stage) =>
  ({
    item_type: 'interception_final',
    stage: 2,
    media_type: 'text',
    config_used: plan.workflow.id,
  }) as const;

/** Told by the response, never by the request. */
const madeBy = (response: TextResponse) => ({
  model_used: response.model,
  backend_used: response.backend,
  execution_time: response.executionSeconds,
});

const stepMetadata = (request: TextRequest, response: TextResponse): Record<string, unknown> => ({
  ...response.metadata,
  method: response.method,
  model_digest: response.modelDigest,
  seed: response.seed,
  request: {
    prompt: request.prompt,
    model: request.model,
    seed: request.seed,
    parameters: request.parameters,
  },
});
