import {
  type DocumentRow,
  documentsTable,
  type PublicationRow,
  publicationsTable,
  type VersionRow,
  versionsTable,
} from '../../projections/workflows.ts';
import type { Projector } from '../projector/projector.ts';

const projection = 'workflows';

export type VersionEntry = VersionRow & { readonly version: number };

/** A version as a client sees it. */
export type StandingDocument = VersionEntry & {
  /** Of the document, not of the version: it can be run no more. */
  readonly retired: boolean;
  readonly document: DocumentRow['document'];
};

/** Where every document stands that was ever published, by id. */
export function readPublications(projector: Projector): ReadonlyMap<string, PublicationRow> {
  const rows = projector.reader(projection).range(publicationsTable);
  return new Map(Array.from(rows, ({ key, row }) => [String(key), row]));
}

export function readPublication(projector: Projector, id: string): PublicationRow | undefined {
  return projector.reader(projection).get(publicationsTable, id);
}

/** The versions of a document, newest first; none for one that was never published. */
export function readVersions(projector: Projector, id: string): readonly VersionEntry[] {
  const range = { start: [id, Number.MAX_SAFE_INTEGER], end: [id, 0], reverse: true };
  const rows = projector.reader(projection).range(versionsTable, range);
  return Array.from(rows, ({ key, row }) => ({ version: versionOf(key), ...row }));
}

/** A version with its document; undefined where there is none of that number, or no such document. */
export function readVersion(projector: Projector, id: string, version: number): StandingDocument | undefined {
  const reader = projector.reader(projection);
  const row = reader.get(versionsTable, [id, version]);
  const standing = reader.get(publicationsTable, id);
  if (row === undefined || standing === undefined) return undefined;
  const document = reader.get(documentsTable, row.sha256)?.document ?? null;
  return { version, ...row, retired: standing.retiredBy !== null, document };
}

/** The document of a hash; undefined for one that was never published. */
export function readDocument(projector: Projector, sha256: string): DocumentRow | undefined {
  return projector.reader(projection).get(documentsTable, sha256);
}

/** Calls with each document whose standing changed, in the turn in which readers begin to see it. */
export function watchPublications(projector: Projector, changed: (id: string) => void): () => void {
  return projector.watch(projection, (change) => {
    const keys =
      change.kind === 'replaced'
        ? projector.reader(projection).keys(publicationsTable)
        : Array.from(change.rows(publicationsTable), ({ key }) => key);
    for (const key of keys) changed(String(key));
  });
}

const versionOf = (key: unknown): number => (Array.isArray(key) ? Number(key[1]) : Number.NaN);
