import { LedgerError } from '../../errors.ts';
import type { Appended, ExpectedRevision } from '../port.ts';
import type { ReadyEvent } from '../../events/stored-event.ts';
import type { Environment } from './environment.ts';
import type { Head } from './heads.ts';
import type { Positions } from './position.ts';
import { idOf } from './record.ts';
import { runAt } from './runs.ts';

/**
 * What becomes of an append: `store` it; the answer it got the first time, because it is a retry; or CONFLICT. There is
 * no index of ids: a retry carries the same expected revision, so its events can only be right behind that revision.
 */
export function decide(
  environment: Environment,
  positions: Positions,
  stream: string,
  head: Head | null,
  events: readonly ReadyEvent[],
  expected: ExpectedRevision,
): 'store' | Appended | LedgerError {
  const actual = head?.revision ?? -1;
  const before = expected === 'noStream' ? -1 : expected;
  if (before === actual) return 'store';
  const last = before + events.length;
  if (head !== null && last <= actual) {
    const ordinal = ordinalOfRetry(environment, head, events, before + 1);
    if (ordinal !== null) return { revision: last, position: positions.format(ordinal) };
  }
  return new LedgerError('CONFLICT', {
    stream,
    expected: expected === 'noStream' ? 'no stream' : `revision ${expected}`,
    actual: actual === -1 ? 'none' : actual,
  });
}

/** The ordinal of the last event where the stream holds exactly these ids from revision `first` on. */
function ordinalOfRetry(
  environment: Environment,
  head: Head,
  events: readonly ReadyEvent[],
  first: number,
): number | null {
  let ordinal: number | null = null;
  for (const [offset, event] of events.entries()) {
    const place = placeOf(environment, head, first + offset);
    if (place?.id !== event.id) return null;
    ordinal = place.ordinal;
  }
  return ordinal;
}

function placeOf(
  environment: Environment,
  head: Head,
  revision: number,
): { readonly id: string; readonly ordinal: number } | null {
  for (const { ids, run } of head.unsettled) {
    const id = revision < run.revision ? undefined : ids[revision - run.revision];
    if (id !== undefined) return { id, ordinal: run.ordinal + revision - run.revision };
  }
  const run = runAt(environment, head.streamNumber, revision);
  if (run === null) return null;
  const ordinal = run.ordinal + revision - run.revision;
  const record = environment.events.get(ordinal);
  return record === undefined ? null : { id: idOf(record), ordinal };
}
