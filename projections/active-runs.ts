import { z } from 'zod';
import { jsonTable, type Projection, type Table } from '../src/projector/projection.ts';
import { evolve, initialRunState, isTerminal, type RunState } from '../src/run/lifecycle.ts';
import { executionIdOf } from '../src/run/record.ts';

const activeRun = z.strictObject({
  life: z.custom<RunState>((value) => typeof value === 'object' && value !== null),
  /** Of the run's last event. */
  position: z.string(),
});
export type ActiveRun = z.infer<typeof activeRun>;
/** By execution id; a row goes when its run ends. */
export const activeTable: Table<ActiveRun> = jsonTable('active', activeRun);

/** Runs of our own orchestrator that nothing has ended yet: what recovery looks through at start. */
export default function activeRuns(): Projection {
  return {
    name: 'active-runs',
    version: '2',
    tables: [activeTable],
    handle(events, view) {
      const touched = new Map<string, ActiveRun | undefined>();
      for (const { stream, event, position } of events) {
        const id = executionIdOf(stream);
        if (id === undefined) continue;
        const before = touched.has(id) ? touched.get(id) : view.get(activeTable, id);
        // Without a row, all but a first event belongs to a run that has ended or that is not ours.
        if (before === undefined && event.core.seq !== 1) continue;
        const life = evolve(
          event.core.seq === 1 ? initialRunState : (before?.life ?? initialRunState),
          event.core,
        );
        touched.set(id, life.origin !== 'own' || isTerminal(life) ? undefined : { life, position });
      }
      for (const [id, row] of touched) {
        if (row === undefined) view.remove(activeTable, id);
        else view.put(activeTable, id, row);
      }
    },
  };
}
