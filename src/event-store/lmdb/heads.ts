import type { Environment } from './environment.ts';
import { readU32 } from './record.ts';
import { lastRun, type Run } from './runs.ts';

/** An append that was accepted in memory and is not durable yet. */
type UnsettledAppend = { readonly ids: readonly string[]; readonly run: Run };

/** The end of one stream, as the next append will find it. */
export type Head = {
  readonly streamNumber: number;
  /** Of the last event, those on their way to the disk included. */
  revision: number;
  /** Oldest first. */
  readonly unsettled: UnsettledAppend[];
};

export type Heads = {
  /** Null for a stream without events. */
  readonly get: (stream: string) => Head | null;
  /** The head of a stream whose first event is about to be appended. */
  readonly begin: (stream: string) => Head;
  /** After a failed commit: forgets what was never stored and reads the disk again when asked. */
  readonly forget: () => void;
};

/** `limit` heads are kept in memory, the least recently used are read again when needed. */
export function createHeads(environment: Environment, limit: number): Heads {
  const cache = new Map<string, Head>();
  let lastStreamNumber = readLastStreamNumber(environment);
  const remember = (stream: string, head: Head) => {
    cache.set(stream, head);
    if (cache.size > limit) evictOne(cache);
    return head;
  };
  return {
    get: (stream) => {
      const cached = cache.get(stream);
      if (cached !== undefined) {
        cache.delete(stream);
        cache.set(stream, cached);
        return cached;
      }
      const stored = loadHead(environment, stream);
      return stored === null ? null : remember(stream, stored);
    },
    begin: (stream) => {
      lastStreamNumber += 1;
      return remember(stream, { streamNumber: lastStreamNumber, revision: -1, unsettled: [] });
    },
    forget: () => {
      cache.clear();
      lastStreamNumber = readLastStreamNumber(environment);
    },
  };
}

/** Heads with appends on their way are the only place that knows of them, so they stay. */
function evictOne(cache: Map<string, Head>): void {
  for (const [stream, head] of cache) {
    if (head.unsettled.length === 0) {
      cache.delete(stream);
      return;
    }
  }
}

function loadHead(environment: Environment, stream: string): Head | null {
  const number = environment.names.get(stream);
  if (number === undefined) return null;
  const streamNumber = readU32(number, 0);
  const last = lastRun(environment, streamNumber);
  if (last === null) return null;
  return { streamNumber, revision: last.revision + last.count - 1, unsettled: [] };
}

function readLastStreamNumber({ names }: Environment): number {
  for (const last of names.getKeys({ start: 0xffffffff, end: 0, reverse: true, limit: 1 }))
    return Number(last);
  return 0;
}
