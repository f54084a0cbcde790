import { isLedgerError, LedgerError } from '../errors.ts';
import type { EventStore, Position } from '../event-store/port.ts';
import { type Actor, taxonomyVersion } from '../events/core.ts';
import { decodeEvent } from '../events/envelope.ts';
import type { ItemDraft } from '../events/item.ts';
import { createStreamWriter, type StreamKeys } from '../run/stream-writer.ts';
import type { PlannedChange } from '../workflows/planned-changes.ts';
import {
  currentVersion,
  evolvePublication,
  type Publication,
  workflowStreamOf,
} from '../workflows/publication.ts';

export type StreamParts = {
  readonly store: EventStore;
  readonly keys: StreamKeys;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly newId: () => string;
};

/** What a change made of a document, and where it ends in the log. */
export type Changed = { readonly publication: Publication; readonly position: Position | null };

/**
 * Appends a change to its document's stream and resolves once it is durable. `known` is where its planner thinks that
 * the document stands; throws WORKFLOW_VERSION where the stream says otherwise.
 */
export type AppendChange = (change: PlannedChange, known: Publication | null) => Promise<Changed>;

export function createWorkflowStreams(parts: StreamParts): AppendChange {
  const writer = createStreamWriter<Publication | null>({
    ...parts,
    initial: null,
    fold: evolvePublication,
  });
  return async (change, known) => {
    const { id, source } = change;
    const { state, position } = await writer.write({
      stream: workflowStreamOf(id),
      actor: actors[source],
      tax: taxonomyVersion,
      items: [{ draft: draftOf(change, known?.version ?? 0) }],
      guard: (state) => {
        if (state?.changes === known?.changes) return;
        throw new LedgerError('WORKFLOW_VERSION', {
          workflow: id,
          expected: currentVersion(known),
          actual: currentVersion(state),
        });
      },
      decide: () => undefined,
    });
    if (state === null) throw new TypeError(`${id} was changed and is not there`);
    return { publication: state, position };
  };
}

/** Where a document stands by its stream, and its newest version; undefined for one that was never published. */
export async function readStanding(
  { store, keys }: Pick<StreamParts, 'store' | 'keys'>,
  id: string,
): Promise<{ readonly publication: Publication; readonly document: unknown } | undefined> {
  const stream = workflowStreamOf(id);
  let publication: Publication | null = null;
  let document: unknown;
  try {
    for await (const stored of store.readStream(stream)) {
      const { core, payload } = decodeEvent(stored, keys.keyOf(stream));
      publication = evolvePublication(publication, core);
      if (core.type === 'workflow_published') document = payload?.metadata?.['document'];
    }
  } catch (error) {
    if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
  }
  return publication === null ? undefined : { publication, document };
}

const actors: Readonly<Record<PlannedChange['source'], Actor>> = {
  bundled: { kind: 'service', id: 'workflows' },
  folder: { kind: 'service', id: 'workflows' },
  http: { kind: 'client', id: 'http' },
};

function draftOf(change: PlannedChange, before: number): ItemDraft {
  const common = { stage: 0, media_type: 'metadata' } as const;
  const { id: workflow_id, source } = change;
  if (change.kind === 'retire')
    return { ...common, item_type: 'workflow_retired', metadata: { workflow_id, version: before, source } };
  const { sha256, document } = change;
  const metadata = { workflow_id, version: before + 1, sha256, source, document };
  return { ...common, item_type: 'workflow_published', metadata };
}
