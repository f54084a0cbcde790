import { z } from 'zod';
import { jsonTable, type Projection, type Table, textTable } from '../src/projector/projection.ts';
import {
  evolveRecord,
  executionIdOf,
  headerOf,
  initialRecordState,
  type RecordState,
} from '../src/run/record.ts';

/** By execution id: the fold to go on from. */
export const statesTable: Table<RecordState> = jsonTable(
  'states',
  z.custom<RecordState>((value) => typeof value === 'object' && value !== null),
);
/** By execution id: the version, a space, and RecordHeader as ready JSON. */
export const headersTable = textTable('headers', z.string().regex(/^\d+ \{.*\}$/s));

/** Every run's record without its items. */
export default function runRecord(): Projection {
  return {
    name: 'run-record',
    version: '3',
    tables: [statesTable, headersTable],
    handle(events, view) {
      const states = new Map<string, RecordState>();
      for (const { stream, event } of events) {
        const id = executionIdOf(stream);
        if (id === undefined) continue;
        // A stream that is told from its beginning again (content_erased) is folded anew.
        const before = event.core.seq === 1 ? undefined : (states.get(id) ?? view.get(statesTable, id));
        states.set(id, evolveRecord(before ?? initialRecordState(id), event));
      }
      for (const [id, state] of states) {
        // The items stand in run-items; a member of that name in an imported record would hide them.
        const { items: _, ...header } = headerOf(state) as ReturnType<typeof headerOf> & { items?: unknown };
        view.put(statesTable, id, state);
        view.put(headersTable, id, `${header.version} ${JSON.stringify(header)}`);
      }
    },
  };
}
