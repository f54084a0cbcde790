import { z } from 'zod';
import { isLedgerError } from '../errors.ts';
import { type CoreDraft, taxonomyVersion } from '../events/core.ts';
import { decodeEvent } from '../events/envelope.ts';
import { keyedDigest, token } from '../events/token.ts';
import { exportStreamOf, isExportId } from '../exporters/export-job.ts';
import { streamOf } from '../run/record.ts';
import { createStreamWriter } from '../run/stream-writer.ts';
import type { StreamParts } from './workflow-stream.ts';

/** What a key is to start, and the HMAC of the body that it came with. */
export type Reservation = { readonly body: string; readonly startedId: string };

/**
 * Idempotency-Keys where several processes take requests: the first event of `request-<key>` reserves an id for what the
 * key starts. A process that died between that and the start leaves the id to whoever comes with the key again.
 */
export type RequestReservations = {
  readonly read: (key: string) => Promise<Reservation | undefined>;
  /** Answers the reservation that came first: this one, or another's. */
  readonly reserve: (key: string, reservation: Reservation) => Promise<Reservation>;
  /** Is there a run, or an export, of that id? */
  readonly isStarted: (startedId: string) => Promise<boolean>;
};

const reserved = z.object({ started_id: token, request_body: keyedDigest });

/** Why nothing is appended: another reservation stands there. */
class ReservedBefore extends Error {
  readonly reservation: Reservation;

  constructor(reservation: Reservation) {
    super('the key has reserved an id before');
    this.name = 'ReservedBefore';
    this.reservation = reservation;
  }
}

export function createRequestReservations(parts: StreamParts): RequestReservations {
  const writer = createStreamWriter<Reservation | null>({
    ...parts,
    initial: null,
    fold: (state, core) => state ?? reservationIn(core),
  });
  const firstOf = async (stream: string): Promise<CoreDraft | undefined> => {
    try {
      for await (const stored of parts.store.readStream(stream, { limit: 1 }))
        return decodeEvent(stored, undefined).core;
    } catch (error) {
      if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
    }
    return undefined;
  };
  return {
    read: async (key) => {
      const core = await firstOf(streamOfKey(key));
      return core === undefined ? undefined : (reservationIn(core) ?? undefined);
    },
    reserve: async (key, reservation) => {
      const { startedId: started_id, body: request_body } = reservation;
      const metadata = { started_id, request_body };
      try {
        await writer.write({
          stream: streamOfKey(key),
          actor: { kind: 'service', id: 'requests' },
          tax: taxonomyVersion,
          items: [{ draft: { item_type: 'request_reserved', stage: 0, media_type: 'metadata', metadata } }],
          guard: (state) => {
            if (state !== null) throw new ReservedBefore(state);
          },
          decide: () => undefined,
        });
        return reservation;
      } catch (error) {
        if (error instanceof ReservedBefore) return error.reservation;
        throw error;
      }
    },
    isStarted: async (startedId) =>
      (await firstOf(isExportId(startedId) ? exportStreamOf(startedId) : streamOf(startedId))) !== undefined,
  };
}

const streamOfKey = (key: string): string => `request-${key}`;

function reservationIn({ facts }: Pick<CoreDraft, 'facts'>): Reservation | null {
  const { data } = reserved.safeParse(facts);
  return data === undefined ? null : { body: data.request_body, startedId: data.started_id };
}
