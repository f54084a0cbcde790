import { z } from 'zod';
import { jsonTable, type Projection, type Table } from '../src/projector/projection.ts';
import { evolve, initialRunState, isTerminal, type RunState } from '../src/run/lifecycle.ts';
import { lease, leaseAfter, leasedIn } from '../src/run/lease.ts';
import { executionIdOf } from '../src/run/record.ts';

const activeRun = z.strictObject({
  life: z.custom<RunState>((value) => typeof value === 'object' && value !== null),
  /** Of the run's last event. */
  position: z.string(),
  /** Which process works at it; null where none ever said so, as on a log that is not shared. */
  lease: lease.nullable(),
});
export type ActiveRun = z.infer<typeof activeRun>;
/** By execution id; a row goes when its run ends. */
export const activeTable: Table<ActiveRun> = jsonTable('active', activeRun);

/** Runs of our own orchestrator that nothing has ended yet: what recovery looks through at start. */
export default function activeRuns(): Projection {
  return {
    name: 'active-runs',
    version: '3',
    tables: [activeTable],
    handle(events, view) {
      const touched = new Map<string, ActiveRun | undefined>();
      for (const { stream, event, position } of events) {
        const leased = leasedIn(stream);
        const id = leased ?? executionIdOf(stream);
        if (id === undefined) continue;
        const before = touched.has(id) ? touched.get(id) : view.get(activeTable, id);
        if (leased !== undefined) {
          // What runs have leases is known from the runs: one that has ended keeps no row.
          if (before !== undefined) touched.set(id, { ...before, lease: leaseAfter(event.core) });
          continue;
        }
        // Without a row, all but a first event belongs to a run that has ended or that is not ours.
        if (before === undefined && event.core.seq !== 1) continue;
        const life = evolve(
          event.core.seq === 1 ? initialRunState : (before?.life ?? initialRunState),
          event.core,
        );
        const isOver = life.origin !== 'own' || isTerminal(life);
        touched.set(id, isOver ? undefined : { life, position, lease: before?.lease ?? null });
      }
      for (const [id, row] of touched) {
        if (row === undefined) view.remove(activeTable, id);
        else view.put(activeTable, id, row);
      }
    },
  };
}
