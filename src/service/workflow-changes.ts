import type { Position } from '../event-store/port.ts';
import type { Projector } from '../projector/projector.ts';
import type { LibraryDocument } from '../workflows/document.ts';
import {
  fittingChanges,
  inOrder,
  type PlannedChange,
  type RefusedChange,
} from '../workflows/planned-changes.ts';
import type { WorkflowSnapshot } from './workflow-snapshot.ts';
import { type Changed, createWorkflowStreams, type StreamParts } from './workflow-stream.ts';

/** Streams that are appended to at the same time. */
const maxAppendsAtOnce = 16;
/** The longest that many changes wait for the read models, so that whoever is told of them finds them there. */
const readableWithinMs = 2_000;

/** Makes changes: each is checked against the whole set, then durable, then in the snapshot. Not for two callers at a time. */
export type WorkflowChanges = {
  /** Throws WORKFLOW_INVALID, WORKFLOW_IN_USE, and what {@link createWorkflowStreams} throws. */
  readonly makeOne: (change: PlannedChange) => Promise<Changed>;
  /** Makes those that fit together and answers the others. Throws where an append fails; what was made before stays. */
  readonly makeAll: (planned: readonly PlannedChange[]) => Promise<readonly RefusedChange[]>;
};

export function createWorkflowChanges(
  parts: StreamParts & { readonly projector: Projector },
  { held, learn }: WorkflowSnapshot,
): WorkflowChanges {
  const append = createWorkflowStreams(parts);
  const current = (): ReadonlyMap<string, LibraryDocument> =>
    new Map(
      [...held()].flatMap(([id, { publication, document }]) =>
        document === undefined || publication.retiredBy !== null ? [] : [[id, document]],
      ),
    );
  const make = async (change: PlannedChange): Promise<Changed> => {
    const known = held().get(change.id);
    const changed = await append(change, known?.publication ?? null);
    const document = change.kind === 'publish' ? change.document : known?.document;
    learn(change.id, changed.publication, () => document);
    return changed;
  };
  return {
    makeOne: async (change) => {
      const [refused] = fittingChanges(current(), [change]).refused;
      if (refused !== undefined) throw refused.error;
      return make(change);
    },
    makeAll: async (planned) => {
      const { fitting, refused } = fittingChanges(current(), planned);
      const positions: Position[] = [];
      for (const group of inOrder(fitting, current())) {
        for (let from = 0; from < group.length; from += maxAppendsAtOnce) {
          const made = await allOf(group.slice(from, from + maxAppendsAtOnce).map(make));
          positions.push(...made.flatMap(({ position }) => position ?? []));
        }
      }
      const last = positions.sort((a, b) => parts.store.compare(a, b)).at(-1);
      if (last !== undefined) await parts.projector.waitFor(last, readableWithinMs);
      return refused;
    },
  };
}

/** Throws the first failure only once nothing is under way any more. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
