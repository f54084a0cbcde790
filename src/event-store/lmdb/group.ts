import type { Appended } from '../port.ts';
import type { ReadyEvent } from '../../events/stored-event.ts';
import type { LedgerError } from '../../errors.ts';
import type { Environment } from './environment.ts';
import type { Head } from './heads.ts';
import { encodeRecord, recordSize } from './record.ts';
import { encodeRun, type Run } from './runs.ts';
import type { Slabs } from './slab.ts';

/** What one caller waits for: its answer, to be given once everything it rests on is durable. */
export type Waiter = {
  readonly answer: Appended | LedgerError;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
  /** The head whose oldest unsettled append this is; null for answers that store nothing. */
  readonly head: Head | null;
};

/** All appends that go to the disk together, in the order of the whole log. */
export type Group = {
  readonly firstOrdinal: number;
  readonly waiters: Waiter[];
  sizeBytes: number;
  /** Already encoded: the callers may do what they like with their arrays. */
  readonly records: Buffer[];
  readonly runs: Run[];
  readonly newStreams: { readonly name: string; readonly number: number }[];
  /** Where the records are; the last one is being filled. */
  readonly slabs: Buffer[];
  slabUsed: number;
};

export function createGroup(firstOrdinal: number): Group {
  return {
    firstOrdinal,
    waiters: [],
    sizeBytes: 0,
    records: [],
    runs: [],
    newStreams: [],
    slabs: [],
    slabUsed: 0,
  };
}

/** Encodes one append at the end of the group. */
export function addToGroup(group: Group, slabs: Slabs, run: Run, events: readonly ReadyEvent[]): void {
  let revision = run.revision;
  let slab = group.slabs.at(-1);
  for (const event of events) {
    const size = recordSize(event);
    if (slab === undefined || group.slabUsed + size > slab.length) {
      slab = slabs.take(size);
      group.slabs.push(slab);
      group.slabUsed = 0;
    }
    const end = encodeRecord(slab, group.slabUsed, run.streamNumber, revision, event);
    group.records.push(slab.subarray(group.slabUsed, end));
    group.slabUsed = end;
    revision += 1;
  }
  group.runs.push(run);
}

/**
 * Commits the group in one transaction on lmdb's own thread. Resolves to false, with nothing stored, where another writer
 * has already used the first ordinal: the last fence, should the lock on the directory have failed.
 */
export async function writeGroup({ events, index, names }: Environment, group: Group): Promise<boolean> {
  return events.ifNoExists(group.firstOrdinal, () => {
    // Nothing in here can throw: lmdb would commit the half that was put.
    let ordinal = group.firstOrdinal;
    for (const record of group.records) {
      // The answer for all is that of `ifNoExists`; each put's own promise is only kept from being reported as unhandled.
      events.put(ordinal, record, appending).catch(ignore);
      ordinal += 1;
    }
    for (const run of group.runs) void index.put([run.streamNumber, run.revision], encodeRun(run));
    for (const { name, number } of group.newStreams) {
      const bytes = Buffer.allocUnsafe(4);
      bytes.writeUInt32BE(number);
      void names.put(name, bytes);
      void names.put(number, Buffer.from(name));
    }
  });
}

/** Fills pages to the brim instead of splitting them. */
// lmdb takes options here, its type declaration knows only of a version.
const appending = { append: true } as unknown as number;
const ignore = () => {};
