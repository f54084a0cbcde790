import type { FastifyBaseLogger } from 'fastify';
import { isLedgerError, LedgerError } from '../errors.ts';
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
import { readStanding, type StreamParts } from './workflow-stream.ts';

/** Changes that wait for their turn; beyond it they are refused. */
const maxWaiting = 100;

/** How often changes are planned anew where other processes keep making the same ones. */
const maxPlans = 10;

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
  const { isShared } = parts.store;
  const said = createFolderMemory();
  const { makeOne, makeAll } = createWorkflowChanges(parts, snapshot);
  const publicationOf = (id: string): Publication | null => held().get(id)?.publication ?? null;
  const expect = (id: string, expected: number | 'none', actual: number | 'none'): void => {
    if (actual !== expected) throw new LedgerError('WORKFLOW_VERSION', { workflow: id, expected, actual });
  };

  /** The read model may not have yet what another process published. */
  const refresh = async (id: string): Promise<void> => {
    const standing = isShared ? await readStanding(parts, id) : undefined;
    if (standing !== undefined)
      snapshot.learn(id, standing.publication, () => snapshot.parse(id, standing.document));
  };
  /** What another process did a moment before is no fault, and is not done twice. */
  const makePlanned = async (plan: () => readonly PlannedChange[]): Promise<readonly RefusedChange[]> => {
    for (let plans = 1; ; plans += 1) {
      const planned = plan();
      try {
        return await makeAll(planned);
      } catch (error) {
        if (!isShared || plans === maxPlans || !isLedgerError(error, 'WORKFLOW_VERSION')) throw error;
        for (const { id } of planned) await refresh(id);
      }
    }
  };

  const shelf: WorkflowShelf = {
    library,
    put: (document, expected) =>
      inTurn(async () => {
        const { id } = document;
        await refresh(id);
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
        await refresh(id);
        const version = currentVersion(publicationOf(id));
        if (version === 'none')
          throw new LedgerError('WORKFLOW_NOT_FOUND', { workflow: id, known: [...held().keys()] });
        expect(id, expected, version);
        return (await makeOne({ kind: 'retire', id, source: 'http' })).position;
      }),
    follow: (folder) =>
      inTurn(async () => {
        const refused = await makePlanned(() =>
          folderChanges(folder, publicationOf, held().keys()).filter(
            (change) => !isShared || said.isNews(change),
          ),
        );
        said.keep(folder, refused);
        return refused;
      }),
  };
  if (fault !== undefined) return shelf;
  for (const { change, error } of await makePlanned(() => bundledChanges(publicationOf)))
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

/**
 * What the folder said last, as this process saw it. Where others follow the folder too, one that sees a change later must
 * not take it back: after the first look only what changed here is done.
 */
function createFolderMemory(): {
  readonly isNews: (change: PlannedChange) => boolean;
  readonly keep: (folder: FolderContents, refused: readonly RefusedChange[]) => void;
} {
  let said: ReadonlyMap<string, string> | undefined;
  return {
    isNews: (change) =>
      said === undefined ||
      (change.kind === 'publish' ? said.get(change.id) !== change.sha256 : said.has(change.id)),
    keep: ({ documents, ids }, refused) => {
      const again = new Set(refused.map(({ change }) => change.id));
      const before = [...(said ?? [])].filter(([id]) => ids.has(id) || again.has(id));
      const now = [...documents].flatMap(([id, { sha256 }]) =>
        again.has(id) ? [] : [[id, sha256] as const],
      );
      said = new Map([...before, ...now]);
    },
  };
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
