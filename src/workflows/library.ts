import { LedgerError } from '../errors.ts';
import { bundledOutputConfigs } from './bundled/output-configs.ts';
import { bundledWorkflows } from './bundled/workflows.ts';
import {
  contentHash,
  type OutputConfig,
  parseOutputConfig,
  parseWorkflow,
  type WorkflowDocument,
} from './document.ts';

/** A workflow with the hash that runs pin it by. */
export type PublishedWorkflow = { readonly document: WorkflowDocument; readonly sha256: string };

/** The workflows and output configs that runs can name. */
export type WorkflowLibrary = {
  /** In the order in which they were given. */
  readonly workflows: readonly PublishedWorkflow[];
  readonly outputConfigs: readonly OutputConfig[];
  /** Throws WORKFLOW_NOT_FOUND, which names the known ids. */
  readonly workflow: (id: string) => PublishedWorkflow;
  /** Any version that a run may have pinned, by its hash. */
  readonly version: (sha256: string) => PublishedWorkflow | undefined;
  readonly outputConfig: (id: string) => OutputConfig | undefined;
};

/**
 * Parses documents into a library. Throws WORKFLOW_INVALID for a bad document, for an id that stands twice, and for a
 * workflow that names an output config which is not there: all that before a run can begin.
 */
export function openLibrary(
  workflowSources: readonly unknown[],
  configSources: readonly unknown[],
): WorkflowLibrary {
  const outputConfigs = byId(configSources.map(parseOutputConfig));
  const documents = byId(workflowSources.map(parseWorkflow));
  for (const document of documents.values()) assertConfigsKnown(document, outputConfigs);
  const published = new Map(
    [...documents].map(([id, document]) => [id, { document, sha256: contentHash(document) }] as const),
  );
  return {
    workflows: [...published.values()],
    outputConfigs: [...outputConfigs.values()],
    workflow(id) {
      const found = published.get(id);
      if (found === undefined)
        throw new LedgerError('WORKFLOW_NOT_FOUND', { workflow: id, known: [...published.keys()] });
      return found;
    },
    version: (sha256) => [...published.values()].find((version) => version.sha256 === sha256),
    outputConfig: (id) => outputConfigs.get(id),
  };
}

/** The workflows that come with runledger. */
export const bundledLibrary = (): WorkflowLibrary => openLibrary(bundledWorkflows, bundledOutputConfigs);

function byId<T extends { readonly id: string }>(documents: readonly T[]): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const document of documents) {
    if (found.has(document.id))
      throw new LedgerError('WORKFLOW_INVALID', { workflow: document.id, what: 'its id stands twice' });
    found.set(document.id, document);
  }
  return found;
}

function assertConfigsKnown(
  document: WorkflowDocument,
  outputConfigs: ReadonlyMap<string, OutputConfig>,
): void {
  const named = [
    ...(document.media_preferences.output_configs ?? []),
    ...Object.values(document.media_defaults).flatMap((modes) => [modes.eco, modes.fast]),
  ];
  const missing = named.find((id) => !outputConfigs.has(id));
  if (missing === undefined) return;
  const what = `there is no output config ${missing}, known are ${[...outputConfigs.keys()].join(', ')}`;
  throw new LedgerError('WORKFLOW_INVALID', { workflow: document.id, what });
}
