import { afterEach, beforeEach, describe } from 'vitest';
import type { EventStore } from '../../src/event-store/port.ts';
import { appendTests } from './conformance-append.ts';
import { readTests } from './conformance-read.ts';
import { subscribeTests } from './conformance-subscribe.ts';

/** A store of its own for one test. */
export type Harness = {
  readonly store: EventStore;
  /** Closes the store and its client and opens both again on the same log. */
  readonly reopen: () => Promise<EventStore>;
  /** Closes whatever is open and removes the log. */
  readonly destroy: () => Promise<void>;
};

/** What a test is given: the fresh store, its harness, and a second, foreign store where it asks for one. */
export type Subject = {
  readonly store: () => EventStore;
  readonly reopen: () => Promise<EventStore>;
  readonly another: () => Promise<EventStore>;
};

/** The laws of the event-store port (docs/log.md). Takes no options: an adapter that needs one is not an adapter. */
export function describeEventStore(name: string, openFresh: () => Promise<Harness>): void {
  describe(`event store ${name}`, () => {
    let harnesses: Harness[] = [];
    const open = async () => {
      const harness = await openFresh();
      harnesses.push(harness);
      return harness;
    };
    const main = () => {
      const [harness] = harnesses;
      if (harness === undefined) throw new Error('No store is open');
      return harness;
    };
    beforeEach(open);
    afterEach(async () => {
      const used = harnesses;
      harnesses = [];
      for (const harness of used) await harness.destroy();
    });
    const subject: Subject = {
      store: () => main().store,
      reopen: () => main().reopen(),
      another: async () => (await open()).store,
    };
    describe('append', () => appendTests(subject));
    describe('read', () => readTests(subject));
    describe('subscribe', () => subscribeTests(subject));
  });
}
