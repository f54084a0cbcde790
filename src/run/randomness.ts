import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const poolBytes = 16 * 1024;

/**
 * Random bytes of the operating system, drawn many at a time: asking for 44 of them costs as much as hashing an event.
 * No byte is ever handed out twice.
 */
export function createRandomness(): (count: number) => Uint8Array {
  let pool = new Uint8Array(0);
  let used = 0;
  return (count) => {
    if (used + count > pool.byteLength) {
      pool = randomFillSync(new Uint8Array(Math.max(poolBytes, count)));
      used = 0;
    }
    used += count;
    return pool.subarray(used - count, used);
  };
}

/** Fresh UUIDv7s, which sort by the time of their making. */
export function createIds(): () => string {
  const randomness = createRandomness();
  return () => v7({ random: randomness(16) });
}
