import { NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client';
import { LedgerError } from '../../errors.ts';
import type { ReadyEvent } from '../../events/stored-event.ts';
import type { Appended, ExpectedRevision } from '../port.ts';
import type { Address } from './connection-string.ts';
import type { Connection } from './connection.ts';
import { type Patience, patiently } from './patience.ts';
import type { Names } from './names.ts';
import type { Positions } from './position.ts';
import type { Reader } from './reader.ts';
import { toServer } from './record.ts';
import type { Slots } from './slots.ts';

/** What a call may need beyond its own deadline before we stop waiting: to find the cluster, to be told of its end. */
const graceMs = 1_000;

export type Writer = {
  /** Everything about the append was checked before. */
  readonly append: (
    stream: string,
    events: readonly ReadyEvent[],
    expected: ExpectedRevision,
  ) => Promise<Appended>;
};

type Options = {
  readonly connection: Connection;
  readonly address: Address;
  readonly slots: Slots;
  readonly limits: Patience;
  readonly names: Names;
  readonly positions: () => Positions;
  readonly reader: Pick<Reader, 'readStream'>;
};

/**
 * Appends by unary calls to the leader. What is open after a failure is sent again, the same ids at the same revision, so
 * that it is stored once. Throws CONFLICT, TOO_LARGE, STORE_REFUSED; UNAVAILABLE or TIMEOUT once patience ends.
 */
export function createWriter({
  connection,
  address,
  slots,
  limits,
  names,
  positions,
  reader,
}: Options): Writer {
  const { credentials } = address;

  /** Where these very events stand behind the expected revision: then it was a retry. */
  const storedBefore = async (
    stream: string,
    events: readonly ReadyEvent[],
    before: number,
  ): Promise<Appended | undefined> => {
    let index = 0;
    let last: Appended | undefined;
    for await (const stored of reader.readStream(stream, { from: before + 1, limit: events.length })) {
      if (stored.id !== events[index]?.id || stored.revision !== before + 1 + index) return undefined;
      last = { revision: stored.revision, position: stored.position };
      index += 1;
    }
    return index === events.length ? last : undefined;
  };

  return {
    append: async (stream, events, expected) => {
      const release = await slots.take();
      try {
        const before = expected === 'noStream' ? -1 : expected;
        const last = before + events.length;
        const onServer = names.toServer(stream);
        const sent = events.map(toServer);
        const what = `The append to ${stream}`;
        const answer = await patiently(limits, { what, stream }, () =>
          connection.call(what, limits.callMs + graceMs, async (client) => {
            try {
              return await client.appendToStream(onServer, sent, {
                expectedRevision: expected === 'noStream' ? NO_STREAM : BigInt(expected),
                credentials,
                requiresLeader: true,
                deadline: limits.callMs,
              });
            } catch (error) {
              // An answer, and no failure of the connection.
              if (error instanceof WrongExpectedVersionError) return error;
              throw error;
            }
          }),
        );
        if (!(answer instanceof WrongExpectedVersionError)) {
          const { position } = answer;
          // A retry may be answered with where the stream stands by now, or without a position.
          const isPlain =
            position !== undefined && Number(answer.nextExpectedRevision) === last && isPlace(position);
          if (isPlain) return { revision: last, position: positions().format(position) };
        }
        const actual = answer instanceof WrongExpectedVersionError ? actualOf(answer) : last;
        const stored =
          actual === 'none' || actual < last ? undefined : await storedBefore(stream, events, before);
        if (stored !== undefined) return stored;
        throw new LedgerError('CONFLICT', {
          stream,
          expected: expected === 'noStream' ? 'no stream' : `revision ${expected}`,
          actual,
        });
      } finally {
        release();
      }
    },
  };
}

function actualOf({ actualVersion }: WrongExpectedVersionError): number | 'none' {
  return typeof actualVersion === 'bigint' && actualVersion >= 0n ? Number(actualVersion) : 'none';
}

/** The server's word for "nowhere" is the largest number there is. */
const isPlace = ({ commit }: { readonly commit: bigint }): boolean => commit >= 0n && commit < 2n ** 63n - 1n;
