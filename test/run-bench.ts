import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { decodeEvent, type LedgerEvent } from '../src/events/envelope.ts';
import { createRecorder, type Recorder } from '../src/run/recorder.ts';
import { type ExecutionRecord, replayRecord, streamOf } from '../src/run/record.ts';
import type { EventStore } from '../src/event-store/port.ts';
import { memoryEventStore, type MemoryEventStore } from './memory-event-store.ts';

/** A recorder over a store in memory, with keys that can be lost, and the way back from bytes to records. */
export type RunBench = {
  readonly store: MemoryEventStore & EventStore;
  readonly keys: Map<string, Uint8Array>;
  readonly naming: Uint8Array;
  readonly recorder: Recorder;
  /** Another process: its own cached heads over the same store and keys, with faults of its own. */
  readonly another: (wrap?: (store: EventStore) => EventStore) => Recorder;
  readonly eventsOf: (executionId: string) => readonly LedgerEvent[];
  readonly recordOf: (executionId: string) => ExecutionRecord;
};

export function runBench(whole: (store: EventStore) => EventStore = (store) => store): RunBench {
  const store = memoryEventStore();
  const keys = new Map<string, Uint8Array>();
  const naming = Buffer.alloc(32, 7);
  let now = Date.parse('2026-01-02T03:04:05.678Z');
  const another = (wrap = whole): Recorder =>
    createRecorder({
      store: wrap(store),
      keys: {
        naming,
        keyOf: (stream) => keys.get(stream),
        createKey: async (stream) => {
          const key = randomBytes(32);
          keys.set(stream, key);
          return key;
        },
      },
      clock: () => (now += 1),
      newId: () => v7(),
    });
  const eventsOf = (executionId: string): readonly LedgerEvent[] => {
    const stream = streamOf(executionId);
    return (store.streams.get(stream) ?? []).map((stored) => decodeEvent(stored, keys.get(stream)));
  };
  const recordOf = (executionId: string): ExecutionRecord => replayRecord(executionId, eventsOf(executionId));
  return { store, keys, naming, recorder: another(), another, eventsOf, recordOf };
}
