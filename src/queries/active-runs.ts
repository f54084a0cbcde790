import { type ActiveRun, activeTable } from '../../projections/active-runs.ts';
import type { Position } from '../event-store/port.ts';
import type { Projector } from '../projector/projector.ts';
import type { Lease } from '../run/lease.ts';
import { type RunStatus, statusOf } from '../run/lifecycle.ts';

export type ActiveRunEntry = {
  readonly executionId: string;
  readonly status: RunStatus;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** Stream revision and place in the log of its last event. */
  readonly version: number;
  readonly position: Position;
  /** Which process works at it; null where none ever said so. */
  readonly lease: Lease | null;
};

const projection = 'active-runs';

/** Our own runs that nothing has ended, by execution id. */
export function readActiveRuns(projector: Projector): ActiveRunEntry[] {
  const rows = projector.reader(projection).range(activeTable);
  return Array.from(rows, ({ key, row }) => entryOf(String(key), row));
}

/**
 * Calls with each run of ours that changed, in the turn in which readers begin to see it: undefined for one that has
 * ended. Where all rows were replaced, `replaced` is called instead.
 */
export function watchActiveRuns(
  projector: Projector,
  changed: (executionId: string, entry: ActiveRunEntry | undefined) => void,
  replaced: () => void,
): () => void {
  return projector.watch(projection, (change) => {
    if (change.kind === 'replaced') return replaced();
    for (const { key, row } of change.rows(activeTable)) {
      const id = String(key);
      changed(id, row === undefined ? undefined : entryOf(id, row as ActiveRun));
    }
  });
}

/** Does the read model follow the log, as far as it knows? */
export function followsActiveRuns(projector: Projector): boolean {
  const own = projector.status().find(({ name }) => name === projection);
  return own !== undefined && own.state === 'running' && own.error === undefined;
}

const entryOf = (executionId: string, { life, position, lease }: ActiveRun): ActiveRunEntry => ({
  executionId,
  status: statusOf(life),
  startedAt: life.startedAt ?? '',
  version: life.version,
  position,
  lease,
});
