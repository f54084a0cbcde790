import { describe, test } from 'vitest';
import { describeEventStore } from './conformance.ts';
import { openFreshLedger } from './eventstoredb-ledger.ts';

/** A real server or cluster that tests may write to, such as esdb://127.0.0.1:2113?tls=false. */
const server = process.env['EVENTSTORE_URL'];

if (server === undefined) {
  describe.skip('event store eventstoredb on a real server (set EVENTSTORE_URL)', () => {
    test('the laws of the event-store port', () => undefined);
  });
} else {
  describeEventStore('eventstoredb on a real server', () => openFreshLedger(server));
}
