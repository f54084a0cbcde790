import type { Delivery, SubscribeOptions } from '../port.ts';
import type { Bell } from './bell.ts';
import type { Positions } from './position.ts';
import type { Reader } from './reader.ts';

type Source = {
  readonly reader: Reader;
  readonly positions: Positions;
  /** Ordinal of the last durable event. */
  readonly last: () => number;
  /** Rings after each commit and when the log is closed. */
  readonly bell: Bell;
};

/**
 * Pulls the log from an exclusive ordinal on, at the consumer's pace: nothing is queued for it, so a slow one costs
 * nobody anything. History and live events come the same way, from the disk, so there is no seam between them.
 */
export async function* follow(
  { reader, positions, last, bell }: Source,
  beginning: number,
  { from = 'start', streamPrefixes, signal }: SubscribeOptions,
): AsyncGenerator<Delivery> {
  let seen = from === 'start' ? 0 : from === 'end' ? beginning : positions.parse(from);
  let caughtUp = false;
  const matches = (stream: string) =>
    streamPrefixes === undefined || streamPrefixes.some((prefix) => stream.startsWith(prefix));
  const aborted = () => signal?.aborted === true;
  for (;;) {
    if (aborted()) return;
    const events = reader.piece(seen + 1, last());
    let passedOver = false;
    for (const event of events) {
      seen += 1;
      passedOver = !matches(event.stream);
      if (passedOver) continue;
      yield { kind: 'event', event };
      if (aborted()) return;
    }
    if (passedOver) {
      yield { kind: 'checkpoint', position: positions.format(seen) };
      if (aborted()) return;
    }
    if (!caughtUp && seen >= beginning) {
      caughtUp = true;
      yield { kind: 'caughtUp' };
      continue;
    }
    // No await between looking and waiting: a commit cannot slip through.
    if (events.length === 0 && last() <= seen) await bell.wait(signal);
  }
}
