import { z } from 'zod';
import { keyedDigest } from '../src/events/token.ts';
import { exportIdOf } from '../src/exporters/export-job.ts';
import { jsonTable, type Projection, type Table } from '../src/projector/projection.ts';
import { executionIdOf } from '../src/run/record.ts';

const knownRequest = z.strictObject({
  /** Of a run, or of an export. */
  startedId: z.string(),
  /** HMAC of the body that the key came with; null where none was recorded. */
  body: keyedDigest.nullable(),
});
export type KnownRequest = z.infer<typeof knownRequest>;
/** By the HMAC of an Idempotency-Key; whoever used it first keeps it. */
export const requestsTable: Table<KnownRequest> = jsonTable('requests', knownRequest);

/** Which run or export an Idempotency-Key has started. */
export default function requests(): Projection {
  return {
    name: 'requests',
    version: '2',
    tables: [requestsTable],
    handle(events, view) {
      for (const { stream, event } of events) {
        const { request, facts } = event.core;
        const startedId = executionIdOf(stream) ?? exportIdOf(stream);
        if (request === undefined || startedId === undefined) continue;
        const first = view.get(requestsTable, request);
        if (first !== undefined && first.startedId !== startedId) continue;
        const body = keyedDigest.safeParse(facts?.['request_body']);
        view.put(requestsTable, request, { startedId, body: body.success ? body.data : null });
      }
    },
  };
}
