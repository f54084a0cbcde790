import type { ItemDraft } from '../events/item.ts';
import type { TextRequest, TextResponse } from './backends/text-backend.ts';
import { askText } from './ask.ts';
import { languageChain } from './language-chain.ts';
import { takeTurn } from './pause.ts';
import type { Stage } from './plan.ts';
import { contextText, taskOf, transformationPrompt, translationPrompt } from './prompt.ts';
import { seededRandom } from './random.ts';
import type { Iteration, TextIn } from './progress.ts';
import { type Taken, takeStep } from './step.ts';

/**
 * Stage 2: makes the final text out of the input, by one transformation or by a chain of translations, and records every
 * step as it is done. Throws StageFailure where a step fails; the steps before it stay recorded.
 */
export async function stageTwo(input: TextIn, stage: Stage): Promise<TextIn> {
  const { workflow, done } = stage.plan;
  if (done.final !== undefined) return done.final;
  if (workflow.instruction_type === 'passthrough') return passThrough(input, stage);
  return workflow.pipeline === 'text_transformation_recursive'
    ? passAlong(input, stage)
    : transform(input, stage);
}

/** No backend is asked, so no model, backend or time is told. */
async function passThrough(input: TextIn, stage: Stage): Promise<TextIn> {
  takeTurn(stage);
  await stage.emit({
    ...finalItem(stage),
    content: input.text,
    metadata: { total_iterations: 0, transformation_type: 'passthrough' },
  });
  return input;
}

async function transform(input: TextIn, stage: Stage): Promise<TextIn> {
  const { workflow } = stage.plan;
  const instruction = taskOf(workflow.instruction_type);
  const context = contextText(workflow.context);
  const request: TextRequest = {
    ...commonRequest(stage),
    prompt: transformationPrompt(instruction, context, input.text),
    task: { kind: 'transform', text: input.text, style: workflow.id, instruction, context },
  };
  const { response, usage } = await askIn('interception', undefined, request, stage);
  const final: ItemDraft = {
    ...finalItem(stage),
    ...madeBy(response),
    content: response.text,
    metadata: { ...stepMetadata(request, response), total_iterations: 1, transformation_type: workflow.id },
  };
  await stage.emit(final, ...usage);
  return { text: response.text, language: input.language };
}

/** The telephone game: each step translates what the one before made of it. */
async function passAlong(input: TextIn, stage: Stage): Promise<TextIn> {
  const { plan, emit } = stage;
  const random = seededRandom('languages', plan.seed);
  const chain = languageChain(input.language, plan.workflow.parameters, random);
  const passed = [...plan.done.iterations];
  for (const [index, to] of chain.entries()) {
    if (index >= plan.done.iterations.length)
      passed.push(await passOn(passed.at(-1) ?? input, to, index + 1, stage));
  }
  const last = passed.at(-1);
  const { text, language } = last ?? input;
  takeTurn(stage);
  await emit({
    ...finalItem(stage),
    ...(last === undefined ? {} : { model_used: last.model, backend_used: last.backend }),
    execution_time: passed.reduce((sum, { seconds }) => sum + seconds, 0),
    content: text,
    metadata: {
      from_lang: input.language,
      to_lang: language,
      total_iterations: chain.length,
      transformation_type: plan.workflow.id,
      languages: chain,
      language_seed: plan.seed,
    },
  });
  return { text, language };
}

async function passOn(
  { text, language: from }: TextIn,
  to: string,
  iteration: number,
  stage: Stage,
): Promise<Iteration> {
  const request: TextRequest = {
    ...commonRequest(stage),
    prompt: translationPrompt(text, from, to, false),
    task: { kind: 'translate', text, from, to },
  };
  const { response, usage } = await askIn(`interception-${iteration}`, iteration, request, stage);
  const step: ItemDraft = {
    ...finalItem(stage),
    ...madeBy(response),
    item_type: 'interception_iteration',
    stage_iteration: iteration,
    content: response.text,
    metadata: {
      ...stepMetadata(request, response),
      from_lang: from,
      to_lang: to,
      iteration_type: 'translation',
    },
  };
  await stage.emit(step, ...usage);
  const { text: said, executionSeconds: seconds, model, backend } = response;
  return { text: said, language: to, seconds, model, backend };
}

function askIn(
  id: string,
  stageIteration: number | undefined,
  request: TextRequest,
  stage: Stage,
): Promise<Taken<TextResponse>> {
  const { plan, ports, signal } = stage;
  const step = { id, stage: 2, stageIteration, config: plan.workflow.id, model: request.model };
  return takeStep(step, stage, () => askText(ports.text, request, signal));
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
  remote_host: response.remoteHost,
  finish_reason: response.finishReason,
  seed: response.seed,
  request: {
    prompt: request.prompt,
    model: request.model,
    seed: request.seed,
    parameters: request.parameters,
  },
});
