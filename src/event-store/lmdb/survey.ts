import type { Environment } from './environment.ts';
import type { Positions } from './position.ts';
import { decodeRecord } from './record.ts';
import { runAt } from './runs.ts';

/** A place of the whole log that reading stream by stream does not come to. */
export type LostPlace = {
  readonly stream: string;
  readonly sequence: number | null;
  readonly what: string;
};

/** Highest stream number that the index knows; 0 in an empty log. */
export function lastStreamNumber({ index }: Environment): number {
  // Both ends are named: lmdb's own for a whole table assume its own encoding of keys.
  const range = { start: [0xffffffff, 0xffffffff], end: [0, 0], reverse: true, limit: 1 };
  for (const [streamNumber = 0] of index.getKeys(range)) return streamNumber;
  return 0;
}

/** Names in the order in which the streams began; a name that is lost is passed over. */
export function* streamNamesOf({ names }: Environment, lastNumber: number): Iterable<string> {
  for (let number = 1; number <= lastNumber; number += 1) {
    const name = names.get(number)?.toString();
    if (name !== undefined && names.get(name) !== undefined) yield name;
  }
}

/** Goes through the numbers of the whole log, which have no gap, and names each where no stream leads. */
export function* lostPlaces(
  environment: Environment,
  positions: Positions,
  lastOrdinal: number,
): Iterable<LostPlace> {
  const { events, names } = environment;
  for (let ordinal = 1; ordinal <= lastOrdinal; ordinal += 1) {
    const place = `position ${positions.format(ordinal)}`;
    const bytes = events.get(ordinal);
    const record = bytes === undefined ? 'no event stands there any more' : decodeRecord(bytes);
    if (typeof record === 'string') {
      yield { stream: 'unknown', sequence: null, what: `${place}: ${record}` };
      continue;
    }
    const { streamNumber, revision } = record;
    const name = names.get(streamNumber)?.toString();
    const run = runAt(environment, streamNumber, revision);
    const leads =
      run !== null &&
      revision < run.revision + run.count &&
      run.ordinal + revision - run.revision === ordinal;
    if (name === undefined || names.get(name) === undefined) {
      yield { stream: `number ${streamNumber}`, sequence: revision + 1, what: `${place}: its name is lost` };
    } else if (!leads) {
      yield { stream: name, sequence: revision + 1, what: `${place}: its stream does not lead to it` };
    }
  }
}
