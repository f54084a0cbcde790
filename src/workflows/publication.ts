import { z } from 'zod';
import type { CoreDraft } from '../events/core.ts';
import { hexDigest } from '../events/token.ts';

const source = z.enum(['bundled', 'folder', 'http']);
/** Who published a version. */
export type Source = z.infer<typeof source>;
const retirer = z.enum(['folder', 'http']);
export type Retirer = z.infer<typeof retirer>;

const version = z.int().min(1);

/** Where a document stands: the fold of its stream. */
export const publication = z.strictObject({
  /** The newest, from 1; a retired document keeps its last. */
  version,
  sha256: hexDigest,
  source,
  /** Who retired it; null while it can be run. */
  retiredBy: retirer.nullable(),
  /** What the folder published last, whatever came after it; null where it never did. */
  folderSha256: hexDigest.nullable(),
  /** Publications and retirements so far: of two states of one document, the one with more of them is the later. */
  changes: version,
});
export type Publication = z.infer<typeof publication>;

const published = z.object({ version, sha256: hexDigest, source });
const retired = z.object({ source: retirer });

const prefix = 'workflow-';
/** The item types of a document's stream. */
export const publicationTypes = ['workflow_published', 'workflow_retired'] as const;

export const workflowStreamOf = (id: string): string => `${prefix}${id}`;

/** The document whose stream this is; undefined for the stream of something else. */
export const workflowIdOf = (stream: string): string | undefined =>
  stream.startsWith(prefix) ? stream.slice(prefix.length) : undefined;

/** Folds one event of a document's stream; null before the first publication. Total: what it cannot read changes nothing. */
export function evolvePublication(
  state: Publication | null,
  { type, facts }: Pick<CoreDraft, 'type' | 'facts'>,
): Publication | null {
  const changes = (state?.changes ?? 0) + 1;
  if (type === 'workflow_published') {
    const { data } = published.safeParse(facts);
    if (data === undefined) return state;
    const folderSha256 = data.source === 'folder' ? data.sha256 : (state?.folderSha256 ?? null);
    return { ...data, retiredBy: null, folderSha256, changes };
  }
  if (type === 'workflow_retired' && state !== null) {
    const { data } = retired.safeParse(facts);
    return data === undefined ? state : { ...state, retiredBy: data.source, changes };
  }
  return state;
}

/** The version that can be run. */
export const currentVersion = (state: Publication | null): number | 'none' =>
  state === null || state.retiredBy !== null ? 'none' : state.version;

/** Is a bundled document to be published? Only over nothing, or over what an older release bundled: an edit stands. */
export const isBundledDue = (state: Publication | null, sha256: string): boolean =>
  state === null || (state.retiredBy === null && state.source === 'bundled' && state.sha256 !== sha256);

/**
 * Is a document of the folder to be published? Where its file says something else than the folder said last, or is back
 * after the folder retired it: an edit over HTTP stands until the file changes.
 */
export const isFolderDue = (state: Publication | null, sha256: string): boolean =>
  state === null || state.retiredBy === 'folder' || state.folderSha256 !== sha256;

/** Does a file that is gone retire its document? Only where what can be run came from the folder. */
export const isFoldersOwn = (state: Publication | null): boolean =>
  state !== null && state.retiredBy === null && state.source === 'folder';
