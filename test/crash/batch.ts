import { hash, randomUUID } from 'node:crypto';
import type { ReadyEvent, StoredEvent } from '../../src/events/stored-event.ts';

/** What each event says about the append it belongs to, so that a half batch can be told after a crash. */
export type BatchMark = { readonly batch: string; readonly at: number; readonly of: number };

/** `count` events of about `coreBytes` that know each other. */
export function batchOf(
  count: number,
  coreBytes = 600,
): { readonly batch: string; readonly events: ReadyEvent[] } {
  const batch = randomUUID();
  const events = Array.from({ length: count }, (_, at) => {
    const core = Buffer.from(JSON.stringify({ batch, at, of: count } satisfies BatchMark).padEnd(coreBytes));
    return {
      id: randomUUID(),
      type: 'stage_output',
      core,
      hash: hash('sha256', Buffer.concat([Buffer.from([0]), core]), 'buffer'),
      sealed: at % 2 === 0 ? Buffer.alloc(410, at) : null,
    };
  });
  return { batch, events };
}

export function markOf(event: StoredEvent): BatchMark {
  return JSON.parse(Buffer.from(event.core).toString()) as BatchMark;
}
