import { z } from 'zod';
import { jsonTable, type Projection, type Table } from '../src/projector/projection.ts';
import {
  evolvePublication,
  type Publication,
  publication,
  publicationTypes,
  workflowIdOf,
} from '../src/workflows/publication.ts';

const versionRow = publication.pick({ sha256: true, source: true }).extend({
  /** RFC 3339, UTC. */
  publishedAt: z.string(),
});
export type PublicationRow = Publication;
export type VersionRow = z.infer<typeof versionRow>;

const documentRow = z.strictObject({
  id: z.string(),
  /** Null once its payload was erased. */
  document: z.record(z.string(), z.unknown()).nullable(),
});
export type DocumentRow = z.infer<typeof documentRow>;

/** By document id: where it stands now. */
export const publicationsTable: Table<Publication> = jsonTable('publications', publication);
/** By [document id, version]. */
export const versionsTable: Table<VersionRow> = jsonTable('versions', versionRow);
/** By SHA-256: the document itself, once, in however many versions it stands. */
export const documentsTable: Table<DocumentRow> = jsonTable('documents', documentRow);

/** Every version of every workflow and output config, and which of them can be run. */
export default function workflows(): Projection {
  return {
    name: 'workflows',
    version: '1',
    types: publicationTypes,
    tables: [publicationsTable, versionsTable, documentsTable],
    handle(events, view) {
      for (const { stream, event } of events) {
        const id = workflowIdOf(stream);
        if (id === undefined) continue;
        const { core, payload } = event;
        // A stream that is told from its beginning again (content_erased) is folded anew.
        const before = core.seq === 1 ? null : (view.get(publicationsTable, id) ?? null);
        const after = evolvePublication(before, core);
        if (after === null || after === before) continue;
        view.put(publicationsTable, id, after);
        if (after.version === before?.version) continue;
        const { version, sha256, source } = after;
        view.put(versionsTable, [id, version], { sha256, source, publishedAt: core.time });
        const document = documentRow.shape.document.safeParse(payload?.metadata?.['document']);
        view.put(documentsTable, sha256, { id, document: document.data ?? null });
      }
    },
  };
}
