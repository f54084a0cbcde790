import { randomUUID } from 'node:crypto';
import {
  type AllStreamResolvedEvent,
  type AppendToStreamOptions,
  binaryEvent,
  EventStoreDBClient,
  type ResolvedEvent,
} from '@eventstore/db-client';

/** Bytes in the adapter's manner: `data` plain, metadata behind a zero byte; ids of its own. */
export function someEvents(count: number, { dataBytes = 100, type = 'stage_output' } = {}) {
  return Array.from({ length: count }, (_, index) =>
    binaryEvent({
      id: randomUUID(),
      type,
      data: Uint8Array.from({ length: dataBytes }, (_, at) => (index + at) % 256),
      metadata: Uint8Array.from([0, index % 256, 255]),
    }),
  );
}

/** A bare client; credentials with each append choose the unary call. */
export function connect(url: string): EventStoreDBClient {
  return EventStoreDBClient.connectionString(url);
}

export function exactly(
  expectedRevision: AppendToStreamOptions['expectedRevision'],
  { requiresLeader = true, deadline = 10_000 } = {},
): AppendToStreamOptions {
  return {
    expectedRevision: expectedRevision ?? 'any',
    credentials: { username: 'admin', password: 'changeit' },
    requiresLeader,
    deadline,
  };
}

/** The ids of everything that a read yields. */
export async function idsOf(
  events: AsyncIterable<ResolvedEvent | AllStreamResolvedEvent>,
): Promise<(string | undefined)[]> {
  const ids = [];
  for await (const { event } of events) ids.push(event?.id);
  return ids;
}
