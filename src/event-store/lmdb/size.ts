import type { Environment } from './environment.ts';

export type LogSize = {
  readonly events: number;
  readonly streams: number;
  /** Bytes of the pages that hold something. */
  readonly usedBytes: number;
};

type Stats = {
  readonly pageSize: number;
  readonly entryCount: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
};

/** What the log holds and takes, from lmdb's own counters. */
export function sizeOf({ events, index, names }: Environment): LogSize {
  const ofEvents = events.getStats() as Stats;
  const ofNames = names.getStats() as Stats;
  return {
    events: ofEvents.entryCount,
    // Two rows each: name → number and number → name.
    streams: ofNames.entryCount / 2,
    usedBytes: usedBytes(ofEvents) + usedBytes(ofNames) + usedBytes(index.getStats() as Stats),
  };
}

function usedBytes(stats: Stats): number {
  return stats.pageSize * (stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages);
}
