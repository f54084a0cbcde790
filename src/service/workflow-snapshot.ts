import type { FastifyBaseLogger } from 'fastify';
import { isLedgerError, type LedgerError } from '../errors.ts';
import type { Projector } from '../projector/projector.ts';
import { readDocument, readPublication, readPublications, watchPublications } from '../queries/workflows.ts';
import { isOutputConfig, type LibraryDocument, parseDocument } from '../workflows/document.ts';
import {
  bundledDocuments,
  libraryOf,
  type PublishedWorkflow,
  type WorkflowLibrary,
} from '../workflows/library.ts';
import type { Publication } from '../workflows/publication.ts';

/** `document` is undefined where what the log holds cannot be read: erased, or of another release. */
export type Held = { readonly publication: Publication; readonly document: LibraryDocument | undefined };

/** What is published, in memory: one immutable library at a time, and the swap to the next. */
export type WorkflowSnapshot = {
  /** Answers from the newest library. Throws PROJECTION_STOPPED where the read model could not be read at the start. */
  readonly library: WorkflowLibrary;
  /** Every document that was ever published, by id. Throws as `library` does. */
  readonly held: () => ReadonlyMap<string, Held>;
  /** Takes what an append made of a document, unless that or something later is known. */
  readonly learn: (id: string, publication: Publication, document: () => Held['document']) => void;
  /** A document as the log holds it; undefined, and told, where it cannot be read. */
  readonly parse: (id: string, document: unknown) => Held['document'];
  /** Why it answers nothing; it stays so until the next start. */
  readonly fault: LedgerError | undefined;
};

/**
 * Reads the read model, which must have caught up with the log, and then follows it: what an append made although it
 * failed for its caller comes in this way too.
 */
export function openWorkflowSnapshot(projector: Projector, log: FastifyBaseLogger): WorkflowSnapshot {
  let held: ReadonlyMap<string, Held> = new Map();
  let library = libraryOf([]);
  let fault: LedgerError | undefined;

  const swap = (next: Iterable<readonly [string, Held]>): void => {
    held = new Map([...next].sort(([a], [b]) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1)));
    const shelved = [...held.values()].flatMap(({ publication: { sha256, retiredBy }, document }) =>
      document === undefined ? [] : { document, sha256, retired: retiredBy !== null },
    );
    library = libraryOf(shelved, (sha256) => olderVersion(projector, sha256));
  };
  const read = (id: string, { sha256 }: Publication): Held['document'] =>
    parse(id, readDocument(projector, sha256)?.document);
  const parse: WorkflowSnapshot['parse'] = (id, document) => {
    try {
      return parseDocument(document);
    } catch (error) {
      if (!isLedgerError(error, 'WORKFLOW_INVALID')) throw error;
      log.error({ workflow: id, err: error }, 'a published workflow cannot be read and is left out');
      return undefined;
    }
  };
  const learn: WorkflowSnapshot['learn'] = (id, publication, document) => {
    // Every change is heard of twice, and from the read model late.
    if (publication.changes <= (held.get(id)?.publication.changes ?? 0)) return;
    swap(new Map(held).set(id, { publication, document: document() }));
  };
  const sound = <T>(value: T): T => {
    if (fault !== undefined) throw fault;
    return value;
  };

  try {
    const rows = [...readPublications(projector)];
    swap(rows.map(([id, publication]) => [id, { publication, document: read(id, publication) }] as const));
  } catch (error) {
    if (!isLedgerError(error, 'PROJECTION_STOPPED')) throw error;
    log.error({ err: error }, 'no workflow can be run');
    fault = error;
  }
  watchPublications(projector, (id) => {
    // Nobody waits for this: what it threw would stop the read model.
    try {
      const publication = readPublication(projector, id);
      if (publication !== undefined) learn(id, publication, () => read(id, publication));
    } catch (error) {
      log.error({ workflow: id, err: error }, 'a published workflow cannot be read');
    }
  });

  return {
    library: {
      get workflows() {
        return sound(library).workflows;
      },
      get outputConfigs() {
        return sound(library).outputConfigs;
      },
      workflow: (id) => sound(library).workflow(id),
      version: (sha256) => sound(library).version(sha256),
      outputConfig: (id) => sound(library).outputConfig(id),
    },
    held: () => sound(held),
    learn,
    parse,
    fault,
  };
}

const ranks = new Map(bundledDocuments.map(({ id }, rank) => [id, rank]));

/** The bundled ones as they are bundled, then all others: which config makes a medium by default must not depend on a restart. */
const rankOf = (id: string): number => ranks.get(id) ?? ranks.size;

/** A version that another took the place of, as the read model holds it. Throws WORKFLOW_INVALID for what this release cannot read. */
function olderVersion(projector: Projector, sha256: string): PublishedWorkflow | undefined {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  const document = readDocument(projector, sha256)?.document;
  if (document === null || document === undefined) return undefined;
  const parsed = parseDocument(document);
  return isOutputConfig(parsed) ? undefined : { document: parsed, sha256 };
}
