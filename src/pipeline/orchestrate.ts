import type { ItemDraft } from '../events/item.ts';
import { failureOf, StageFailure } from './failure.ts';
import type { Emit, Plan, Ports, Stage } from './plan.ts';
import { stageFour } from './stage-four.ts';
import { stageOne } from './stage-one.ts';
import { stageThree } from './stage-three.ts';
import { stageTwo } from './stage-two.ts';

/**
 * Runs a plan from stage 1 to its terminal item. Void in, void out: everything that happens is emitted, item by item, and
 * each is durable before the next step begins. The start items and the claim are recorded by the caller, who says in
 * `plan.before` how many that were.
 *
 * A backend that fails in stage 1 or 2 ends the run with `pipeline_error`; in stage 4 only its output. Rejects with the
 * signal's reason once aborted, and with whatever `emit` rejected with: then the run is as far as its stream says.
 */
export async function orchestrate(plan: Plan, ports: Ports, emit: Emit, signal: AbortSignal): Promise<void> {
  const started = ports.clock() - plan.before.elapsedSeconds;
  let items = plan.before.items;
  const record: Emit = async (item) => {
    signal.throwIfAborted();
    await emit(item);
    items += 1;
  };
  const stage: Stage = { plan, ports, emit: record, signal };
  try {
    const done = await runStages(stage);
    if (done === undefined) return;
    const completeMetadata = {
      total_duration_seconds: ports.clock() - started,
      total_items_logged: items + 1,
      outputs_generated: done.outputsGenerated,
      stages_completed: done.stages,
    };
    await record({
      item_type: 'pipeline_complete',
      stage: 5,
      media_type: 'metadata',
      metadata: completeMetadata,
    });
  } catch (error) {
    if (!(error instanceof StageFailure)) throw error;
    await record(errorItem(error));
  }
}

type Done = { readonly outputsGenerated: number; readonly stages: readonly number[] };

/** Undefined where stage 1 refused the input: its block has ended the run. */
async function runStages(stage: Stage): Promise<Done | undefined> {
  const input = await stageOne(stage);
  if (input === undefined) return undefined;
  const final = await stageTwo(input, stage);
  const { outputs } = stage.plan;
  let [outputsGenerated, hasReachedFour] = [0, false];
  for (const [index, output] of outputs.entries()) {
    const loop = index + 1;
    if (!(await stageThree(final, output, loop, stage))) continue;
    hasReachedFour = true;
    outputsGenerated += await stageFour(final, output, loop, stage);
  }
  const stages = [1, 2, ...(outputs.length > 0 ? [3] : []), ...(hasReachedFour ? [4] : [])];
  return { outputsGenerated, stages };
}

function errorItem(error: StageFailure): ItemDraft {
  const { type, message, isRecoverable } = failureOf(error.cause);
  return {
    item_type: 'pipeline_error',
    stage: error.stage,
    media_type: 'metadata',
    content: message,
    metadata: {
      error_type: type,
      error_stage: error.stage,
      error_message: message,
      recoverable: isRecoverable,
    },
  };
}
