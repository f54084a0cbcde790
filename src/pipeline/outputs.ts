import type { PlannedOutput, Stage } from './plan.ts';
import type { TextIn } from './progress.ts';
import { stageFour } from './stage-four.ts';
import { stageThree } from './stage-three.ts';

/** Generated media of the whole run, and whether any output has come as far as stage 4. */
export type OutputsMade = { readonly generated: number; readonly hasReachedFour: boolean };

/**
 * Makes the outputs that have not ended, one after the other, or side by side where the workflow's `concurrency` says so;
 * each has its own decision. What cannot be recorded, a pause or an abort lets no further output begin; outputs that are
 * on their way are recorded first.
 */
export async function makeOutputs(final: TextIn, stage: Stage): Promise<OutputsMade> {
  const { outputs, workflow, done } = stage.plan;
  const before = [...done.outputs.values()];
  let generated = before.reduce((sum, output) => sum + output.generated, 0);
  let hasReachedFour = before.some(({ isAllowed }) => isAllowed);
  let hasStopped = false;
  const waiting = outputs.entries();
  const lane = async (): Promise<void> => {
    for (const [index, output] of waiting) {
      if (hasStopped) return;
      try {
        const made = await makeOutput(final, output, index + 1, stage);
        generated += made.generated;
        hasReachedFour ||= made.hasReachedFour;
      } catch (error) {
        hasStopped = true;
        throw error;
      }
    }
  };
  const lanes = Array.from({ length: Math.min(workflow.parameters.concurrency ?? 1, outputs.length) }, lane);
  for (const ended of await Promise.allSettled(lanes)) {
    if (ended.status === 'rejected') throw ended.reason;
  }
  return { generated, hasReachedFour };
}

async function makeOutput(
  final: TextIn,
  output: PlannedOutput,
  loop: number,
  stage: Stage,
): Promise<OutputsMade> {
  const done = stage.plan.done.outputs.get(loop);
  const nothing = { generated: 0, hasReachedFour: false };
  if (done?.hasEnded === true) return nothing;
  const backend = stage.ports.mediaBackendOf(output);
  if (backend === undefined) {
    await stage.emit(skippedItem(output, loop));
    return nothing;
  }
  const isAllowed = done?.isAllowed === true || (await stageThree(final, output, loop, stage));
  if (!isAllowed) return nothing;
  return { generated: await stageFour(final, output, backend, loop, stage), hasReachedFour: true };
}

/** Nothing is checked for an output that nothing here can make. */
const skippedItem = (output: PlannedOutput, loop: number) => ({
  item_type: 'output_skipped',
  stage: 4,
  loop_iteration: loop,
  media_type: 'metadata',
  config_used: output.config,
  content: `No backend here makes ${output.mediaType}: configure ${output.backend}, or choose another output config.`,
  metadata: { reason: 'no_backend', backend_requested: output.backend, model_requested: output.model },
});
