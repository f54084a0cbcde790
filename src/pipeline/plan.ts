import type { MediaType } from '../events/core.ts';
import type { SafetyLevel } from '../events/decision.ts';
import type { ItemDraft } from '../events/item.ts';
import type { Localized } from '../events/localized.ts';
import type { AskModel } from '../safety/ask-model.ts';
import type { CheckPorts } from '../safety/check-text.ts';
import type { ActivePolicy } from '../safety/policy.ts';
import type { MediaBackend } from './backends/media-backend.ts';
import type { TextBackend } from './backends/text-backend.ts';
import type { Progress } from './progress.ts';

export type ExecutionMode = 'eco' | 'fast';

/** What the pipeline reads of a workflow document (domain.md §6). */
export type PlannedWorkflow = {
  readonly id: string;
  readonly pipeline: 'text_transformation' | 'text_transformation_recursive' | 'steps';
  readonly instruction_type: string;
  readonly context: string | Localized;
  readonly parameters: Readonly<Record<string, unknown>> &
    RecursionParameters & {
      /** Outputs that are made at the same time; one after the other where it is not given. */
      readonly concurrency?: number | undefined;
    };
  readonly models?: Readonly<Record<ExecutionMode, string>> | undefined;
};

export type RecursionParameters = {
  readonly iterations?: number | undefined;
  readonly use_random_languages?: boolean | undefined;
  readonly languages?: readonly string[] | undefined;
  readonly final_language?: string | undefined;
};

/** One output that the run is to make: an output config, resolved. */
export type PlannedOutput = {
  /** The output config's id; stays on the items whatever backend runs. */
  readonly config: string;
  /** Its display name, pinned so that the run is told with it for ever; runs of older versions have none. */
  readonly name?: Localized | undefined;
  readonly mediaType: MediaType;
  /** The backend the config names. */
  readonly backend: string;
  readonly model: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
};

/** A picture that the person handed in; it stands in the media store. */
export type InputImage = {
  readonly sha256: string;
  /** Sniffed. */
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** `640x480`, where its own bytes say so. */
  readonly dimensions?: string | undefined;
};

/** Everything that is decided before a run starts. Nothing else is looked up while it runs. */
export type RunPlan = {
  readonly executionId: string;
  readonly workflow: PlannedWorkflow;
  readonly workflowSha256: string;
  readonly outputs: readonly PlannedOutput[];
  readonly inputText: string;
  readonly inputImages: readonly InputImage[];
  readonly executionMode: ExecutionMode;
  readonly safetyLevel: SafetyLevel;
  readonly levelSetBy: 'request' | 'default' | 'workflow';
  readonly seed: number;
  readonly policy: ActivePolicy;
};

/** What is still to be done: the run's plan, and what of it its stream holds already. */
export type Plan = RunPlan & { readonly done: Progress };

/** Texts are brought into this language before anything is made of them. */
export const pipelineLanguage = 'en';

/** Where media go before an item names them. */
export type MediaSink = {
  /** Stores bytes durably, then resolves; `mediaType` is sniffed. */
  readonly put: (
    bytes: Uint8Array,
    signal: AbortSignal,
  ) => Promise<{ readonly sha256: string; readonly mediaType: string; readonly sizeBytes: number }>;
};

/** What the stages work with. None of it can read the log, a view or the time of day. */
export type Ports = {
  /** The text backend of the plan's mode: the configured one, or the built-in one where none is. */
  readonly text: TextBackend;
  /** The backend that an output runs on, or the built-in one; undefined where nothing here can make its medium. */
  readonly mediaBackendOf: (output: PlannedOutput) => MediaBackend | undefined;
  readonly contextCheck: CheckPorts['contextCheck'];
  readonly commitText: CheckPorts['commitText'];
  /** Asks a model of the house, for a look at pictures. */
  readonly ask: AskModel;
  readonly media: MediaSink;
  /** The bytes of a stored medium. */
  readonly readMedium: (sha256: string, signal: AbortSignal) => Promise<Uint8Array>;
  /** Monotonic seconds. */
  readonly clock: () => number;
  /** False once the run is paused: no further step begins, what has begun is finished and recorded. */
  readonly mayBegin: () => boolean;
  /** Waits before a step is tried again. `tries` failed so far; the backend may have said how long. */
  readonly backOff: (
    tries: number,
    retryAfterSeconds: number | undefined,
    signal: AbortSignal,
  ) => Promise<void>;
};

/** Records items, all of a call or none; resolves once they are durable. What it rejects with stops the run as it is. */
export type Emit = (...items: readonly ItemDraft[]) => Promise<void>;

/** What a stage is called with. */
export type Stage = {
  readonly plan: Plan;
  readonly ports: Ports;
  readonly emit: Emit;
  readonly signal: AbortSignal;
};
