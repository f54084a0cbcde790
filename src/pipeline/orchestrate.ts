import type { ItemDraft } from '../events/item.ts';
import { failureOf, ProviderRefusal, StageFailure } from './failure.ts';
import { makeOutputs } from './outputs.ts';
import { Paused, takeTurn } from './pause.ts';
import type { Emit, Plan, Ports, Stage } from './plan.ts';
import { refusedInput } from './provider-refusal.ts';
import { stageOne } from './stage-one.ts';
import { stageTwo } from './stage-two.ts';

/**
 * Takes the steps of a plan that are not done yet, up to the run's terminal item. Void in, void out: everything that
 * happens is emitted, and what is emitted is durable before the next step begins. Start items and claims are recorded by
 * the caller; so are the totals of the terminal item, which only the writer of the stream can know.
 *
 * A backend that fails in stage 1 or 2 ends the run with `pipeline_error`; in stage 4 only its output. Resolves without a
 * terminal item where the run was paused. Rejects with the signal's reason once aborted, and with whatever `emit`
 * rejected with: then the run is as far as its stream says, and another call with the plan folded from it goes on.
 */
export async function orchestrate(plan: Plan, ports: Ports, emit: Emit, signal: AbortSignal): Promise<void> {
  const stage: Stage = { plan, ports, emit, signal };
  try {
    const input = await stageOne(stage);
    if (input === undefined) return;
    const final = await stageTwo(input, stage);
    const { generated, hasReachedFour } = await makeOutputs(final, stage);
    takeTurn(stage);
    const stages = [1, 2, ...(plan.outputs.length > 0 ? [3] : []), ...(hasReachedFour ? [4] : [])];
    await emit({
      item_type: 'pipeline_complete',
      stage: 5,
      media_type: 'metadata',
      metadata: { outputs_generated: generated, stages_completed: stages },
    });
  } catch (error) {
    if (error instanceof Paused) return;
    if (error instanceof ProviderRefusal) return emit(...refusedInput(error, stage));
    if (!(error instanceof StageFailure)) throw error;
    await emit(errorItem(error));
  }
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
