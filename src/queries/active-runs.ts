import { activeTable } from '../../projections/active-runs.ts';
import type { Position } from '../event-store/port.ts';
import type { Projector } from '../projector/projector.ts';
import { type RunStatus, statusOf } from '../run/lifecycle.ts';

export type ActiveRunEntry = {
  readonly executionId: string;
  readonly status: RunStatus;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** Stream revision and place in the log of its last event. */
  readonly version: number;
  readonly position: Position;
};

/** Our own runs that nothing has ended, by execution id. */
export function readActiveRuns(projector: Projector): ActiveRunEntry[] {
  const rows = projector.reader('active-runs').range(activeTable);
  return Array.from(rows, ({ key, row: { life, position } }) => ({
    executionId: String(key),
    status: statusOf(life),
    startedAt: life.startedAt ?? '',
    version: life.version,
    position,
  }));
}
