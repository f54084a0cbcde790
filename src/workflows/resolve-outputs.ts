import { LedgerError } from '../errors.ts';
import type { ExecutionMode, OutputConfig, WorkflowDocument } from './document.ts';
import type { WorkflowLibrary } from './library.ts';

/** One output of a run, with everything its backend needs. */
export type ResolvedOutput = {
  readonly config: string;
  /** As people read it. */
  readonly name: OutputConfig['name'];
  readonly mediaType: OutputConfig['media_type'];
  readonly backend: string;
  readonly model: string;
  readonly parameters: OutputConfig['parameters'];
};

/**
 * The outputs that a workflow has in a mode, in order: those it lists; else none for text; else the one its
 * `media_defaults` name for the mode, or the library's first config of that medium and mode, or of that medium. Throws
 * WORKFLOW_INVALID where nothing can make the medium.
 */
export function resolveOutputs(
  workflow: WorkflowDocument,
  library: WorkflowLibrary,
  mode: ExecutionMode,
): readonly ResolvedOutput[] {
  const { output_configs: listed = [], default_output: medium } = workflow.media_preferences;
  const named = (id: string): OutputConfig => library.outputConfig(id) ?? missing(workflow, id);
  if (listed.length > 0) return listed.map((id) => resolved(named(id)));
  if (medium === 'text') return [];
  const preferred = workflow.media_defaults[medium]?.[mode];
  if (preferred !== undefined) return [resolved(named(preferred))];
  const makers = library.outputConfigs.filter((config) => config.media_type === medium);
  const maker = makers.find((config) => config.execution_mode === mode) ?? makers[0];
  return [resolved(maker ?? missing(workflow, `for ${medium}`))];
}

const resolved = (config: OutputConfig): ResolvedOutput => ({
  config: config.id,
  name: config.name,
  mediaType: config.media_type,
  backend: config.backend,
  model: config.model,
  parameters: config.parameters,
});

function missing(workflow: WorkflowDocument, id: string): never {
  throw new LedgerError('WORKFLOW_INVALID', {
    workflow: workflow.id,
    what: `there is no output config ${id}`,
  });
}
