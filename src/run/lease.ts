import { z } from 'zod';
import type { CoreDraft } from '../events/core.ts';
import { leaseFacts } from '../events/facts.ts';
import { token } from '../events/token.ts';

/** A lease as the last event of its stream leaves it. */
export const lease = z.strictObject({
  /** Null once it was given back. */
  holder: token.nullable(),
  seconds: leaseFacts.seconds,
  /** Of that event in the lease's stream: whoever comes later has a larger one. */
  revision: z.int().min(0),
});
export type Lease = z.infer<typeof lease>;

const prefix = 'lease-';
const held = z.object(leaseFacts);

/** `what`: an execution id, the id of an export, `ledger`. */
export const leaseStreamOf = (what: string): string => `${prefix}${what}`;

/** What the stream is a lease on; undefined for the stream of something else. */
export const leasedIn = (stream: string): string | undefined =>
  stream.startsWith(prefix) ? stream.slice(prefix.length) : undefined;

/** The lease after an event of its stream. Every event says all of it; one that cannot be read gives it back. */
export function leaseAfter({ type, facts, seq }: Pick<CoreDraft, 'type' | 'facts' | 'seq'>): Lease {
  const { data } = held.safeParse(facts);
  return type === 'lease_released' || data === undefined
    ? { holder: null, seconds: 1, revision: seq - 1 }
    : { ...data, revision: seq - 1 };
}
