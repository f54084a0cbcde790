import type { Environment } from './environment.ts';
import { readU32 } from './record.ts';

/** Neighbours: the events of one append, in the stream and in the whole log. */
export type Run = {
  readonly streamNumber: number;
  /** Of the first event. */
  readonly revision: number;
  /** Of the first event in the whole log. */
  readonly ordinal: number;
  readonly count: number;
};

const noRevision = 0xffffffff;

export function encodeRun(run: Run): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUIntBE(run.ordinal, 0, 6);
  bytes.writeUInt16BE(run.count, 6);
  return bytes;
}

/** The run that holds `revision`, or the stream's last one before it; null before the beginning. */
export function runAt({ index }: Environment, streamNumber: number, revision: number): Run | null {
  if (revision < 0) return null;
  const range = {
    start: [streamNumber, revision],
    end: [streamNumber - 1, noRevision],
    reverse: true,
    limit: 1,
  };
  for (const { key, value } of index.getRange(range)) return decodeRun(key, value);
  return null;
}

export function lastRun(environment: Environment, streamNumber: number): Run | null {
  return runAt(environment, streamNumber, noRevision);
}

/** The run whose first event has exactly this revision. */
export function runFrom({ index }: Environment, streamNumber: number, revision: number): Run | null {
  const key = [streamNumber, revision];
  const value = index.get(key);
  return value === undefined ? null : decodeRun(key, value);
}

/** Does an append of the stream begin behind this revision? */
export function hasRunAfter({ index }: Environment, streamNumber: number, revision: number): boolean {
  if (revision >= noRevision) return false;
  const range = { start: [streamNumber, revision + 1], end: [streamNumber + 1, 0], limit: 1 };
  return index.getKeysCount(range) > 0;
}

function decodeRun([streamNumber = 0, revision = 0]: readonly number[], value: Buffer): Run {
  // lmdb hands out plain arrays where it copies, whatever its types say.
  return {
    streamNumber,
    revision,
    ordinal: ((value[0] ?? 0) * 256 + (value[1] ?? 0)) * 2 ** 32 + readU32(value, 2),
    count: ((value[6] ?? 0) << 8) | (value[7] ?? 0),
  };
}
