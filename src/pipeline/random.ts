import { hash } from 'node:crypto';

/** Numbers in [0, 1), always the same ones for the same seed. */
export type Random = () => number;

/** sfc32, seeded with 128 bits of SHA-256 over the parts: the same on every machine and every version of Node. */
export function seededRandom(...parts: readonly (string | number)[]): Random {
  const digest = hash('sha256', parts.join('\0'), 'buffer');
  let [a, b, c, counter] = [
    digest.readUInt32LE(0),
    digest.readUInt32LE(4),
    digest.readUInt32LE(8),
    digest.readUInt32LE(12),
  ];
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4294967296;
  };
}

/** One of the choices, which must not be empty. */
export function pick<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[Math.floor(random() * choices.length)];
  if (chosen === undefined) throw new RangeError('there is nothing to pick from');
  return chosen;
}
