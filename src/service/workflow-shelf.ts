import type { FastifyBaseLogger } from 'fastify';
import { LedgerError } from '../errors.ts';
import type { WorkflowDesk } from '../http/service.ts';
import type { Projector } from '../projector/projector.ts';
import { contentHash } from '../workflows/document.ts';
import {
  bundledDocuments,
  type HashedDocument,
  hashedDocuments,
  type WorkflowLibrary,
} from '../workflows/library.ts';
import type { PlannedChange, RefusedChange } from '../workflows/planned-changes.ts';
import {
  currentVersion,
  isBundledDue,
  isFolderDue,
  isFoldersOwn,
  type Publication,
} from '../workflows/publication.ts';
import { createWorkflowChanges } from './workflow-changes.ts';
import { openWorkflowSnapshot } from './workflow-snapshot.ts';
import type { StreamParts } from './workflow-stream.ts';

/** Changes that wait for their turn; beyond it they are refused. */
const maxWaiting = 100;

/** What the folder holds now. */
export type FolderContents = {
  /** By id: the documents that could be read. */
  readonly documents: ReadonlyMap<string, HashedDocument>;
  /** Ids that have a file, readable or not: a document whose file has a fault stays as it was. */
  readonly ids: ReadonlySet<string>;
};

/** The documents that runs can name: a live library over the log, and the only way to change it. */
export type WorkflowShelf = {
  /** Answers each question from the newest snapshot, for good: for whoever must always have today's documents. */
  readonly library: WorkflowLibrary;
  readonly put: WorkflowDesk['put'];
  readonly retire: WorkflowDesk['retire'];
  /** Publishes what the folder newly says and retires what it took back; answers what does not fit and was left. */
  readonly follow: (folder: FolderContents) => Promise<readonly RefusedChange[]>;
};

/**
 * Opens the shelf and publishes what is bundled and due. The read model must have caught up with the log; where it has
 * stopped, every answer is PROJECTION_STOPPED, and all that needs no workflow goes on.
 */
export async function openWorkflowShelf(
  parts: StreamParts & { readonly projector: Projector; readonly log: FastifyBaseLogger },
): Promise<WorkflowShelf> {
  const inTurn = createTurns();
  const snapshot = openWorkflowSnapshot(parts.projector, parts.log);
  const { library, held, fault } = snapshot;
  const { makeOne, makeAll } = createWorkflowChanges(parts, snapshot);
  const publicationOf = (id: string): Publication | null => held().get(id)?.publication ?? null;
  const expect = (id: string, expected: number | 'none', actual: number | 'none'): void => {
    if (actual !== expected) throw new LedgerError('WORKFLOW_VERSION', { workflow: id, expected, actual });
  };

  const shelf: WorkflowShelf = {
    library,
    put: (document, expected) =>
      inTurn(async () => {
        const { id } = document;
        const sha256 = contentHash(document);
        const before = publicationOf(id);
        const version = currentVersion(before);
        if (version !== 'none' && before?.sha256 === sha256)
          return { version, sha256, created: false, position: null };
        expect(id, expected, version);
        const { publication, position } = await makeOne({
          kind: 'publish',
          id,
          source: 'http',
          document,
          sha256,
        });
        return { version: publication.version, sha256, created: version === 'none', position };
      }),
    retire: (id, expected) =>
      inTurn(async () => {
        const version = currentVersion(publicationOf(id));
        if (version === 'none')
          throw new LedgerError('WORKFLOW_NOT_FOUND', { workflow: id, known: [...held().keys()] });
        expect(id, expected, version);
        return (await makeOne({ kind: 'retire', id, source: 'http' })).position;
      }),
    follow: (folder) => inTurn(() => makeAll(folderChanges(folder, publicationOf, held().keys()))),
  };
  if (fault !== undefined) return shelf;
  for (const { change, error } of await makeAll(bundledChanges(publicationOf)))
    parts.log.warn(
      { workflow: change.id, err: error },
      'a bundled workflow does not fit those that were changed',
    );
  return shelf;
}

type PublicationOf = (id: string) => Publication | null;

const bundledChanges = (publicationOf: PublicationOf): PlannedChange[] =>
  hashedDocuments(bundledDocuments).flatMap(({ document, sha256 }) => {
    const { id } = document;
    if (!isBundledDue(publicationOf(id), sha256)) return [];
    return { kind: 'publish', id, source: 'bundled', document, sha256 };
  });

function folderChanges(
  { documents, ids }: FolderContents,
  publicationOf: PublicationOf,
  known: Iterable<string>,
): PlannedChange[] {
  const published = [...documents].flatMap(([id, hashed]): PlannedChange[] =>
    isFolderDue(publicationOf(id), hashed.sha256)
      ? [{ kind: 'publish', id, source: 'folder', ...hashed }]
      : [],
  );
  const retired = [...known].flatMap((id): PlannedChange[] =>
    isFoldersOwn(publicationOf(id)) && !ids.has(id) ? [{ kind: 'retire', id, source: 'folder' }] : [],
  );
  return [...published, ...retired];
}

/** One change at a time, in the order of asking: each is checked against all that the ones before it made. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return async (work) => {
    if (waiting >= maxWaiting) {
      const what = `${maxWaiting} changes of workflows are waiting`;
      throw new LedgerError('UNAVAILABLE', { what, cure: 'try again in a little while' });
    }
    waiting += 1;
    const turn = last.then(work).finally(() => {
      waiting -= 1;
    });
    // Its failure is told to who asked for it; the next one goes on.
    last = turn.catch(() => undefined);
    return turn;
  };
}
