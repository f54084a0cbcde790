import { setImmediate } from 'node:timers/promises';
import type { Delivery } from '../event-store/port.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import type { Arrival } from './arrival.ts';

/** One transaction takes at most so much of the log; beyond it, LMDB's page rewriting gains nothing more. */
export const maxBatchEvents = 2000;
export const maxBatchBytes = 4 * 1024 * 1024;
/** Reading history gives the event loop back at least this often. */
const yieldEveryMs = 5;

export type Batch = {
  readonly arrivals: readonly Arrival[];
  /** What existed when the subscription began is through with this batch. */
  readonly caughtUp: boolean;
};

/**
 * Gathers a subscription into batches: full ones while it reads history, whatever is ready once it is live. It reads and
 * decodes the next batch while the consumer commits the one before; at most one waits. Leaving the loop ends the
 * subscription through `leave`.
 */
export async function* batchesOf(
  deliveries: AsyncIterable<Delivery>,
  decode: (stored: StoredEvent) => Arrival,
  leave: () => void,
): AsyncGenerator<Batch, void, undefined> {
  let arrivals: Arrival[] = [];
  let bytes = 0;
  let live = false;
  let ended = false;
  let announced = false;
  let changed = latch();
  let drained = latch();

  const isFull = (): boolean => arrivals.length >= maxBatchEvents || bytes >= maxBatchBytes;
  const pump = async (): Promise<void> => {
    let lastYield = performance.now();
    for await (const delivery of deliveries) {
      if (delivery.kind === 'caughtUp') live = true;
      else if (delivery.kind === 'event') {
        const arrival = decode(delivery.event);
        arrivals.push(arrival);
        bytes += arrival.sizeBytes;
      } else continue;
      if (live || isFull()) changed.open();
      if (performance.now() - lastYield > yieldEveryMs) {
        await setImmediate();
        lastYield = performance.now();
      }
      if (isFull() && !ended) await drained.opened;
      if (ended) return;
    }
  };
  const pumping = pump().finally(() => {
    ended = true;
    changed.open();
  });
  // Its failure is thrown below, at the consumer; until then it must not count as unhandled.
  pumping.catch(() => {});

  try {
    for (;;) {
      await changed.opened;
      changed = latch();
      if (arrivals.length > 0 || (live && !announced)) {
        const batch = { arrivals, caughtUp: live };
        announced = live;
        arrivals = [];
        bytes = 0;
        drained.open();
        drained = latch();
        yield batch;
      }
      if (ended && arrivals.length === 0) break;
      if ((live && arrivals.length > 0) || isFull() || ended) changed.open();
    }
    await pumping;
  } finally {
    ended = true;
    drained.open();
    leave();
  }
}

type Latch = { readonly opened: Promise<void>; readonly open: () => void };

function latch(): Latch {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
