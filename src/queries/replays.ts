import { replayOrderTable, type ReplayRow, replaysTable } from '../../projections/replays.ts';
import type { Projector } from '../projector/projector.ts';

const projection = 'replays';

export type ReplayEntry = { readonly id: string; readonly job: ReplayRow['job'] };
export type ReplayList = { readonly entries: readonly ReplayEntry[]; readonly total: number };

/** Replays, newest first, and how many there are. */
export function readReplays(
  projector: Projector,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): ReplayList {
  const reader = projector.reader(projection);
  const range = { start: Number.MAX_SAFE_INTEGER, reverse: true, limit, offset };
  const entries = Array.from(reader.range(replayOrderTable, range), ({ row }) => row).flatMap((id) => {
    const row = reader.get(replaysTable, id);
    return row === undefined ? [] : [{ id, job: row.job }];
  });
  return { entries, total: reader.count(replayOrderTable) };
}

/** Replays that nothing has ended, in the order of their requests. */
export function readOpenReplays(projector: Projector): readonly string[] {
  return Array.from(projector.reader(projection).range(replaysTable), ({ key, row }) => ({
    id: String(key),
    ...row,
  }))
    .filter(({ job }) => job.status === 'open')
    .sort((a, b) => a.number - b.number)
    .map(({ id }) => id);
}
