import type { ItemDraft } from '../events/item.ts';
import type { Usage } from '../events/usage.ts';
import { isLedgerError } from '../errors.ts';
import type { CheckedText } from '../safety/check-text.ts';
import { BackendError } from './backends/backend-error.ts';
import { failureOf, ProviderRefusal, StageFailure } from './failure.ts';
import { takeTurn } from './pause.ts';
import type { Stage } from './plan.ts';

/** How often a step is tried before it counts as failed. */
const maxTries = 3;

/** One step of a run that asks a backend. */
export type Step = {
  /** `translation`, `interception`, `interception-3`, `output-1` …: unique in its run. */
  readonly id: string;
  readonly stage: number;
  readonly stageIteration?: number | undefined;
  readonly loop?: number | undefined;
  readonly config?: string | undefined;
  /** The model asked for. */
  readonly model: string | null;
};

/** What a step gave, and what its backend says it used up: both are recorded together. */
export type Taken<T> = { readonly response: T; readonly usage: readonly ItemDraft[] };

/**
 * Takes a step: records that it begins, asks the backend, and records every failed try. Tries again, after a pause, where
 * nothing had been answered and the backend may only be away or busy, or where it broke off in mid-answer. Throws
 * StageFailure once the tries are used up, ProviderRefusal where a provider's moderation said no, the signal's reason
 * once aborted. Recording stays outside of what counts as a failure: an item that cannot be recorded ends the call.
 */
export async function takeStep<T extends Answered>(
  step: Step,
  stage: Stage,
  ask: () => Promise<T>,
): Promise<Taken<T>> {
  const { ports, emit, signal, plan } = stage;
  const before = plan.done.attempts.get(step.id) ?? 0;
  for (let tries = 1; ; tries += 1) {
    takeTurn(stage);
    const attempt = before + tries;
    await emit({ ...placeOf(step), item_type: 'step_started', metadata: startFacts(step, attempt) });
    const started = ports.clock();
    try {
      const response = await ask();
      return { response, usage: usageItems(step, attempt, response) };
    } catch (error) {
      signal.throwIfAborted();
      const isAgain = tries < maxTries && mayWorkAgain(error);
      const seconds = ports.clock() - started;
      await emit(failedItem(step, attempt, error, isAgain, seconds));
      if (isLedgerError(error, 'PROVIDER_MODERATED')) throw new ProviderRefusal(step, error, seconds);
      if (!isAgain) throw new StageFailure(step.stage, error);
      const { retryAfterSeconds } = error instanceof BackendError ? error.evidence : {};
      await ports.backOff(tries, retryAfterSeconds, signal);
    }
  }
}

type Answered = {
  readonly model: string;
  readonly backend: string;
  readonly modelDigest?: string | undefined;
  readonly usage?: Usage | undefined;
};

function mayWorkAgain(error: unknown): boolean {
  return (
    isLedgerError(error, 'BACKEND_UNREACHABLE') ||
    isLedgerError(error, 'BACKEND_BUSY') ||
    isLedgerError(error, 'BACKEND_INTERRUPTED')
  );
}

const placeOf = ({ stage, stageIteration, loop, config }: Step) =>
  ({
    stage,
    stage_iteration: stageIteration,
    loop_iteration: loop,
    config_used: config,
    media_type: 'metadata',
  }) as const;

const startFacts = ({ id, model }: Step, attempt: number) => ({
  step_id: id,
  attempt,
  ...(model === null ? {} : { model_requested: model }),
});

/** What the backend said may quote the prompt: it stands in the payload, where it can be erased. */
function failedItem(
  step: Step,
  attempt: number,
  error: unknown,
  isAgain: boolean,
  seconds: number,
): ItemDraft {
  const { type, message } = failureOf(error);
  const { body, partialText, status } = error instanceof BackendError ? error.evidence : {};
  return {
    ...placeOf(step),
    item_type: 'attempt_failed',
    content: message,
    execution_time: seconds,
    metadata: {
      step_id: step.id,
      attempt,
      error_type: type,
      ...(status === undefined ? {} : { http_status: status }),
      content_started: (partialText ?? '') !== '',
      will_retry: isAgain,
      ...(body === undefined ? {} : { error_body: body }),
      ...(partialText === undefined ? {} : { partial_text: partialText }),
    },
  };
}

function usageItems(step: Step, attempt: number, response: Answered): readonly ItemDraft[] {
  const { usage, model, backend, modelDigest } = response;
  return usage === undefined ? [] : [usageItem(step, { usage, model, backend, modelDigest, attempt })];
}

/** What a check's model used up; nothing where none was asked or it told nothing. */
export function checkUsage(checked: CheckedText, step: Step): readonly ItemDraft[] {
  const { usage, model, backend, record } = checked;
  if (usage === undefined) return [];
  return [
    usageItem(step, { usage, model, backend, modelDigest: record.model_digest, attempt: record.attempt }),
  ];
}

/** What one call used up, tied to its step and to the model that answered. */
export function usageItem(
  step: Step,
  used: {
    readonly usage: Usage;
    readonly model: string | null;
    readonly backend: string | null;
    readonly modelDigest?: string | undefined;
    readonly attempt: number;
  },
): ItemDraft {
  return {
    ...placeOf(step),
    item_type: 'usage_recorded',
    model_used: used.model,
    backend_used: used.backend,
    metadata: {
      ...used.usage,
      step_id: step.id,
      attempt: used.attempt,
      ...(used.modelDigest === undefined ? {} : { model_digest: used.modelDigest }),
    },
  };
}
