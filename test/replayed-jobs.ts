import { replayStreamOf, type ReplayType } from '../src/safety/replay-job.ts';
import type { MemoryStore } from './memory-store.ts';
import { readyEventsOn, type Recorded } from './recorded-runs.ts';

const counts = {
  decisions: 9,
  recomputed: 6,
  needs_model: 2,
  content_erased: 1,
  no_evidence: 0,
  to_allow: 1,
  to_block: 0,
};
const metadataOf: Readonly<Record<ReplayType, Record<string, unknown>>> = {
  replay_requested: {
    policy: { id: 'workshop', version: 3, sha256: '3'.repeat(64) },
    runs: 3,
    filter: { user_id: 'grace hopper' },
  },
  replay_finished: { ...counts, sha256: '1'.repeat(64), size_bytes: 1_234, errors: 0 },
  replay_failed: { error_type: 'STORAGE_FULL' },
};

/** Appends what became of a replay of decisions, as the service leaves it behind. */
export function replayHistory(store: MemoryStore, id: string, ...types: readonly ReplayType[]): void {
  const items = types.map(
    (item_type, index): Recorded => ({
      item_type,
      time: new Date(Date.UTC(2025, 10, 3, 21, index)).toISOString(),
      stage: 0,
      media_type: 'metadata',
      metadata: metadataOf[item_type],
      content: item_type === 'replay_failed' ? 'The disk is full, said grace hopper.' : undefined,
    }),
  );
  const stream = replayStreamOf(id);
  store.add(stream, readyEventsOn(stream, items));
}
