import { randomUUID } from 'node:crypto';
import { NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client';
import { z } from 'zod';
import { LedgerError } from '../../errors.ts';
import type { Address } from './connection-string.ts';
import type { Connection } from './connection.ts';
import type { Names } from './names.ts';
import { type Patience, patiently } from './patience.ts';
import type { Place } from './position.ts';
import type { Reader } from './reader.ts';
import { placeOf } from './record.ts';

const format = 1;

const shape = z.looseObject({ storeId: z.uuid(), format: z.int().min(1) });

export type Identity = {
  readonly storeId: string;
  /** Where the log was named: nothing of it stands before. Undefined where the server does not say. */
  readonly birth: Place | undefined;
};

type Options = {
  readonly connection: Connection;
  readonly reader: Pick<Reader, 'lastOf'>;
  readonly names: Names;
  readonly address: Address;
  readonly limits: Patience;
};

/** Which log this is, named by whoever opened it first. Throws FORMAT_TOO_NEW for a log of a newer release. */
export async function identify(options: Options): Promise<Identity> {
  const known = await readIdentity(options);
  if (known !== undefined) return known;
  const { connection, names, address, limits } = options;
  const what = 'Naming the log';
  await patiently(limits, { what }, () =>
    connection.call(what, limits.callMs, async (client) => {
      try {
        await client.setStreamMetadata(
          names.identity,
          { storeId: randomUUID(), format },
          {
            expectedRevision: NO_STREAM,
            credentials: address.credentials,
            requiresLeader: true,
            deadline: limits.callMs,
          },
        );
      } catch (error) {
        // Another node was first, or our own try before was: what stands there now is the name.
        if (!(error instanceof WrongExpectedVersionError)) throw error;
      }
    }),
  );
  const given = await readIdentity(options);
  if (given !== undefined) return given;
  throw new LedgerError('UNAVAILABLE', { what: 'The name of the log cannot be read', cure: 'start again' });
}

async function readIdentity({ reader, names, address }: Options): Promise<Identity | undefined> {
  const stream = `$$${names.identity}`;
  const resolved = await reader.lastOf(stream);
  if (resolved?.event === undefined) return undefined;
  const parsed = shape.safeParse(resolved.event.data);
  if (!parsed.success) {
    const params = { stream, sequence: 'unknown', what: 'it does not name a log' } as const;
    throw new LedgerError('CORRUPT_EVENT', params, { cause: parsed.error });
  }
  const { storeId, format: found } = parsed.data;
  if (found > format)
    throw new LedgerError('FORMAT_TOO_NEW', { directory: address.shown, format: found, newestKnown: format });
  return { storeId, birth: placeOf(resolved.event) };
}
