import { LedgerError, type PointedDetail } from '../errors.ts';
import { executionModes, isOutputConfig, type LibraryDocument, type WorkflowDocument } from './document.ts';

/** Ids that a sentence lists. */
const maxListed = 20;

/** What keeps a workflow from being run with the other documents as they are. */
export type SetFault = PointedDetail & {
  readonly workflow: string;
  /** What it lacks: the output config that it names, or any of the medium that it asks for. */
  readonly needs: { readonly config: string } | { readonly medium: string };
};

/**
 * What does not fit together in a set of documents: a workflow that names an output config which is not there or makes
 * another medium, or that asks for a medium which nothing makes. Empty for a set whose every workflow can be run.
 */
export function setFaults(documents: readonly LibraryDocument[]): readonly SetFault[] {
  const media = new Map(
    documents.flatMap((document) =>
      isOutputConfig(document) ? [[document.id, document.media_type] as const] : [],
    ),
  );
  return documents.flatMap((document) =>
    isOutputConfig(document) ? [] : [...namedConfigs(document, media), ...missingMakers(document, media)],
  );
}

/** The refusal of a workflow for its faults in a set. */
export function invalidSet(workflow: string, faults: readonly SetFault[]): LedgerError {
  const errors = faults.map(({ pointer, detail }) => ({ pointer, detail }));
  const what = errors[0]?.detail ?? 'it does not fit the others';
  return new LedgerError('WORKFLOW_INVALID', { workflow, what }, { errors });
}

type Media = ReadonlyMap<string, string>;

function* namedConfigs(workflow: WorkflowDocument, media: Media): Iterable<SetFault> {
  const fault = (pointer: string, config: string, detail: string): SetFault => ({
    workflow: workflow.id,
    needs: { config },
    pointer,
    detail,
  });
  const unknown = (config: string): string =>
    `there is no output config ${config}, known are ${listed([...media.keys()])}`;
  for (const [index, config] of (workflow.media_preferences.output_configs ?? []).entries()) {
    if (!media.has(config))
      yield fault(`/media_preferences/output_configs/${index}`, config, unknown(config));
  }
  for (const [medium, modes] of Object.entries(workflow.media_defaults)) {
    for (const mode of executionModes) {
      const config = modes[mode];
      const made = media.get(config);
      const pointer = `/media_defaults/${medium}/${mode}`;
      if (made === undefined) yield fault(pointer, config, unknown(config));
      else if (made !== medium)
        yield fault(pointer, config, `the output config ${config} makes ${made}, not ${medium}`);
    }
  }
}

function listed(ids: readonly string[]): string {
  const more = ids.length > maxListed ? ` and ${ids.length - maxListed} more` : '';
  return `${ids.slice(0, maxListed).join(', ')}${more}`;
}

function* missingMakers(workflow: WorkflowDocument, media: Media): Iterable<SetFault> {
  const { default_output: medium, output_configs: listed = [] } = workflow.media_preferences;
  if (medium === 'text' || listed.length > 0 || workflow.media_defaults[medium] !== undefined) return;
  if ([...media.values()].includes(medium)) return;
  yield {
    workflow: workflow.id,
    needs: { medium },
    pointer: '/media_preferences/default_output',
    detail: `there is no output config for ${medium}`,
  };
}
