import { isLedgerError } from '../errors.ts';
import type { EventStore } from '../event-store/port.ts';
import { taxonomyVersion } from '../events/core.ts';
import { chainStart } from '../events/digest.ts';
import { decodeEvent, placeItem, sealItem } from '../events/envelope.ts';
import { runKeyBytes } from '../events/seal.ts';
import { timeOf } from '../events/time.ts';
import { type Lease, leaseAfter, leaseStreamOf } from '../run/lease.ts';

export type LeaseStreamParts = {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  /** Milliseconds since 1970: only for the time that stands in the event. */
  readonly clock: () => number;
  readonly newId: () => string;
};

export type LeaseChange =
  | { readonly type: 'lease_taken' | 'lease_renewed'; readonly holder: string; readonly seconds: number }
  | { readonly type: 'lease_released'; readonly holder: string };

/** Where a lease's stream ends; a null lease: there is no stream yet. */
export type LeaseEnd = { readonly lease: Lease | null; readonly prev: string };

/** The streams of leases. Only their last event counts, so they are read from the end and never folded. */
export type LeaseStreams = {
  readonly read: (what: string, signal?: AbortSignal) => Promise<LeaseEnd>;
  /**
   * Makes the event that follows. Each call of the answer sends the same bytes at the same revision: harmless after an
   * error that leaves open whether they were stored. Throws CONFLICT where somebody else came first.
   */
  readonly next: (
    what: string,
    change: LeaseChange,
    after: LeaseEnd,
  ) => (signal?: AbortSignal) => Promise<LeaseEnd>;
};

export function createLeaseStreams({ store, clock, newId }: LeaseStreamParts): LeaseStreams {
  return {
    async read(what, signal) {
      const stream = leaseStreamOf(what);
      try {
        const last = {
          direction: 'backwards',
          limit: 1,
          ...(signal === undefined ? {} : { signal }),
        } as const;
        for await (const stored of store.readStream(stream, last)) {
          const { core } = decodeEvent(stored, undefined);
          return { lease: leaseAfter(core), prev: Buffer.from(stored.hash).toString('base64') };
        }
      } catch (error) {
        if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
      }
      return { lease: null, prev: chainStart(stream) };
    },
    next(what, { type, ...metadata }, { lease, prev }) {
      const stream = leaseStreamOf(what);
      const revision = lease?.revision ?? -1;
      const placed = placeItem(
        { item_type: type, stage: 0, media_type: 'metadata', metadata },
        {
          id: newId(),
          stream,
          seq: revision + 2,
          tax: taxonomyVersion,
          time: timeOf(clock()),
          actor: { kind: 'service', id: 'leases' },
        },
      );
      const ready = sealItem(placed, prev, { key: noKey, salt: noKey, nonce: noKey });
      const after: LeaseEnd = {
        lease: leaseAfter(placed.core),
        prev: Buffer.from(ready.hash).toString('base64'),
      };
      return async (signal) => {
        await store.append(stream, [ready], revision === -1 ? 'noStream' : revision, signal);
        return after;
      };
    },
  };
}

/** A lease holds nothing that anybody wrote: nothing is sealed. */
const noKey = new Uint8Array(runKeyBytes);
