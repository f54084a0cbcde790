import { z } from 'zod';
import { jsonTable, type Projection, type Table, type View } from '../src/projector/projection.ts';
import { evolveReplay, replayIdOf, replayJob, replayTypes } from '../src/safety/replay-job.ts';

const replayRow = z.strictObject({
  /** The place of its request among all requests, from 0. */
  number: z.int().min(0),
  job: replayJob,
});
export type ReplayRow = z.infer<typeof replayRow>;

/** By the id of the replay. */
export const replaysTable: Table<ReplayRow> = jsonTable('replays', replayRow);
/** By number: the replay's id. */
export const replayOrderTable: Table<string> = jsonTable('order', z.string());

/** Every replay of decisions under another policy, in the order of their requests. */
export default function replays(): Projection {
  return {
    name: 'replays',
    version: '1',
    types: replayTypes,
    tables: [replaysTable, replayOrderTable],
    handle(events, view) {
      for (const { stream, event } of events) {
        const id = replayIdOf(stream);
        if (id === undefined) continue;
        const { core, payload } = event;
        const row = view.get(replaysTable, id);
        // A stream that is told from its beginning again (content_erased) is folded anew.
        const job = evolveReplay(core.seq === 1 ? null : (row?.job ?? null), core, payload);
        if (job === null) continue;
        const number = row?.number ?? nextNumber(view);
        view.put(replaysTable, id, { number, job });
        if (row === undefined) view.put(replayOrderTable, number, id);
      }
    },
  };
}

function nextNumber(view: View): number {
  const [last] = view.range(replayOrderTable, { start: Number.MAX_SAFE_INTEGER, reverse: true, limit: 1 });
  return last === undefined ? 0 : Number(last.key) + 1;
}
