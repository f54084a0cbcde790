import { expect } from 'vitest';
import { z } from 'zod';
import { type Entry, jsonTable, type Projection, type Table } from '../../src/projector/projection.ts';
import type { Projector } from '../../src/projector/projector.ts';
import type { MemoryStore } from '../memory-store.ts';

export const perStream: Table<{ events: number; bytes: number }> = jsonTable(
  'per-stream',
  z.strictObject({ events: z.int(), bytes: z.int() }),
);

/** Adds up what it is given: an event that takes effect twice, or not at all, shows. */
export function adding(name: string, more: Partial<Projection> = {}): Projection {
  return {
    name,
    version: '1',
    tables: [perStream],
    handle(events, view) {
      for (const { stream, sizeBytes } of events) {
        const { events: count, bytes } = view.get(perStream, stream) ?? { events: 0, bytes: 0 };
        view.put(perStream, stream, { events: count + 1, bytes: bytes + sizeBytes });
      }
    },
    ...more,
  };
}

/** Throws at one event, for ever. */
export const poisonedAt = (name: string, stream: string, seq: number): Projection => {
  const plain = adding(name);
  return {
    ...plain,
    handle(events, view) {
      if (events.some((event) => event.stream === stream && event.revision === seq - 1))
        throw new RangeError('cannot fold this');
      plain.handle(events, view);
    },
  };
};

export const rowsOf = (projector: Projector, name: string): Entry<unknown>[] => [
  ...projector.reader(name).range(perStream),
];

function expected(store: MemoryStore): Map<string, { events: number; bytes: number }> {
  const sums = new Map<string, { events: number; bytes: number }>();
  for (const { stream, core, sealed } of store.events) {
    const { events, bytes } = sums.get(stream) ?? { events: 0, bytes: 0 };
    sums.set(stream, {
      events: events + 1,
      bytes: bytes + core.byteLength + (sealed?.byteLength ?? 0),
    });
  }
  return sums;
}

export function expectExact(projector: Projector, name: string, store: MemoryStore): void {
  expect(new Map(rowsOf(projector, name).map(({ key, row }) => [key, row]))).toEqual(expected(store));
}

export const oneItem = [{ item_type: 'user_input_text', content: 'x', time: '2025-11-03T20:52:39.000Z' }];
