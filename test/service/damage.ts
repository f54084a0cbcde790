import { dirname, join } from 'node:path';
import { type Key, open } from 'lmdb';
import { indexKey, nameKey, ordinalKey } from '../../src/event-store/lmdb/key.ts';
import { decodeRecord, encodeRecord, recordSize } from '../../src/event-store/lmdb/record.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { eventsOf } from './rest.ts';

/** Reaches past the adapter into the files of a log that nobody has open, as a broken disk or a forger would. */
export type Damage = {
  readonly events: readonly StoredEvent[];
  /** Place of an event in the whole log. */
  readonly ordinalOf: (stream: string, sequence: number) => number;
  readonly flipByte: (ordinal: number) => Promise<void>;
  readonly removeRecord: (ordinal: number) => Promise<void>;
  /** The entry that leads to an append that begins with this event. */
  readonly removeIndex: (stream: string, sequence: number) => Promise<void>;
  readonly removeName: (stream: string) => Promise<void>;
  /** Exchanges two events so that every single record is in itself as it should be. */
  readonly exchange: (a: number, b: number) => Promise<void>;
};

type Encoder = { readonly keyEncoder: unknown };

export async function damage(logDirectory: string): Promise<Damage> {
  const events = await eventsOf(dirname(logDirectory));
  const ordinalOf = (stream: string, sequence: number): number => {
    const found = events.findIndex((event) => event.stream === stream && event.revision === sequence - 1);
    if (found < 0) throw new Error(`There is no event ${sequence} in ${stream}`);
    return found + 1;
  };
  const change = async <K extends Key>(
    table: string,
    encoder: Encoder,
    edit: (rows: {
      get: (key: K) => Buffer;
      put: (key: K, value: Buffer | null) => Promise<unknown>;
    }) => Promise<unknown>,
  ): Promise<void> => {
    const path = join(logDirectory, 'data.mdb');
    const root = open<Buffer, string>({ path, noSubdir: true, maxDbs: 8, overlappingSync: false });
    const options = { name: table, encoding: 'binary', ...encoder } as const;
    const rows = root.openDB<Buffer, K>(options);
    await edit({
      get: (key) => Buffer.from(rows.get(key) ?? []),
      put: (key, value) => (value === null ? rows.remove(key) : rows.put(key, value)),
    });
    await root.close();
  };
  const inEvents = { keyEncoder: ordinalKey };
  const streamNumber = async (stream: string): Promise<number> => {
    let number = 0;
    await change<string | number>('names', { keyEncoder: nameKey }, async (rows) => {
      number = rows.get(stream).readUInt32BE(0);
    });
    return number;
  };
  return {
    events,
    ordinalOf,
    flipByte: (ordinal) =>
      change<number>('events', inEvents, async ({ get, put }) => {
        const bytes = get(ordinal);
        // Behind the head of 69 bytes, the type and the zero: in the core.
        const at = 69 + (bytes[20] ?? 0) + 20;
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        await put(ordinal, bytes);
      }),
    removeRecord: (ordinal) => change<number>('events', inEvents, ({ put }) => put(ordinal, null)),
    removeIndex: async (stream, sequence) => {
      const key = [await streamNumber(stream), sequence - 1];
      await change<number[]>('index', { keyEncoder: indexKey }, ({ put }) => put(key, null));
    },
    removeName: async (stream) => {
      const number = await streamNumber(stream);
      await change<string | number>('names', { keyEncoder: nameKey }, ({ put }) => put(number, null));
    },
    exchange: (a, b) =>
      change<number>('events', inEvents, async ({ get, put }) => {
        const [one, other] = [decodeRecord(get(a)), decodeRecord(get(b))];
        if (typeof one === 'string' || typeof other === 'string') throw new Error('Already damaged');
        for (const [ordinal, place, { event }] of [
          [a, one, other],
          [b, other, one],
        ] as const) {
          const bytes = Buffer.alloc(recordSize(event));
          encodeRecord(bytes, 0, place.streamNumber, place.revision, event);
          await put(ordinal, bytes);
        }
      }),
  };
}
