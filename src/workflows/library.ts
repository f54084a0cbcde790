import { LedgerError } from '../errors.ts';
import { bundledOutputConfigs } from './bundled/output-configs.ts';
import { bundledWorkflows } from './bundled/workflows.ts';
import {
  contentHash,
  isOutputConfig,
  type LibraryDocument,
  type OutputConfig,
  parseDocument,
  type WorkflowDocument,
} from './document.ts';
import { invalidSet, setFaults } from './set-faults.ts';

/** A document with the hash of its content. */
export type HashedDocument<D extends LibraryDocument = LibraryDocument> = {
  readonly document: D;
  readonly sha256: string;
};
/** A workflow with the hash that runs pin it by. */
export type PublishedWorkflow = HashedDocument<WorkflowDocument>;

/** A document as it stands on the shelf. */
export type ShelvedDocument = HashedDocument & { readonly retired: boolean };

/** The workflows and output configs that runs can name. */
export type WorkflowLibrary = {
  /** Those that can be run, in the order in which they were given. */
  readonly workflows: readonly PublishedWorkflow[];
  readonly outputConfigs: readonly OutputConfig[];
  /** Throws WORKFLOW_NOT_FOUND, which names the known ids, for an unknown or a retired one. */
  readonly workflow: (id: string) => PublishedWorkflow;
  /** Any version that was ever published, by the hash that a run pinned. Throws VERSION_NOT_FOUND. */
  readonly version: (sha256: string) => PublishedWorkflow;
  /** A retired one too, as it was last: only a run that pinned an older workflow can still name it. */
  readonly outputConfig: (id: string) => OutputConfig | undefined;
};

/** A library that never changes. `older` finds the versions that others took the place of. */
export function libraryOf(
  documents: readonly ShelvedDocument[],
  older: (sha256: string) => PublishedWorkflow | undefined = () => undefined,
): WorkflowLibrary {
  const workflows = new Map<string, PublishedWorkflow>();
  const versions = new Map<string, PublishedWorkflow>();
  const outputConfigs: OutputConfig[] = [];
  const configs = new Map<string, OutputConfig>();
  for (const { document, sha256, retired } of documents) {
    if (isOutputConfig(document)) {
      configs.set(document.id, document);
      if (!retired) outputConfigs.push(document);
      continue;
    }
    versions.set(sha256, { document, sha256 });
    if (!retired) workflows.set(document.id, { document, sha256 });
  }
  return {
    workflows: [...workflows.values()],
    outputConfigs,
    workflow(id) {
      const found = workflows.get(id);
      if (found === undefined)
        throw new LedgerError('WORKFLOW_NOT_FOUND', { workflow: id, known: [...workflows.keys()] });
      return found;
    },
    version(sha256) {
      const found = versions.get(sha256) ?? older(sha256);
      if (found === undefined)
        throw new LedgerError('VERSION_NOT_FOUND', { workflow: 'any workflow', version: sha256 });
      return found;
    },
    outputConfig: (id) => configs.get(id),
  };
}

/**
 * Parses documents that are to stand together. Throws WORKFLOW_INVALID for a bad document, for an id that stands twice,
 * and for a workflow that names an output config which is not there: all that before a run can begin.
 */
export function hashedDocuments(sources: readonly unknown[]): readonly HashedDocument[] {
  const documents = sources.map(parseDocument);
  const ids = new Set<string>();
  for (const { id } of documents) {
    if (ids.has(id)) throw new LedgerError('WORKFLOW_INVALID', { workflow: id, what: 'its id stands twice' });
    ids.add(id);
  }
  const faults = setFaults(documents);
  const [first] = faults;
  if (first !== undefined) throw invalidSet(first.workflow, faults);
  return documents.map((document) => ({ document, sha256: contentHash(document) }));
}

/** A library of documents that stand in no log. Throws WORKFLOW_INVALID. */
export const openLibrary = (sources: readonly unknown[]): WorkflowLibrary =>
  libraryOf(hashedDocuments(sources).map((hashed) => ({ ...hashed, retired: false })));

/** The documents that come with runledger, output configs first. */
export const bundledDocuments = [...bundledOutputConfigs, ...bundledWorkflows] as const;

/** The library of a ledger where nobody published anything. */
export const bundledLibrary = (): WorkflowLibrary => openLibrary(bundledDocuments);
