import { expect, test } from 'vitest';
import { outage } from '../crash/store-outage.ts';

/** The long run is `npm run crash -- --outage 10000`. */
test.each([
  [1, 'restart'],
  [3, 'changeLeader'],
])(
  'what %i node(s) acknowledged in trouble is there once, and what nobody heard of at most once',
  async (nodes, upheaval) => {
    const result = await outage({ appends: 500, nodes, seed: 11 });
    expect(result.acknowledged).toBeGreaterThan(400);
    expect(result.givenUp).toBeGreaterThan(0);
    expect(Object.keys(result.struck)).toContain(upheaval);
  },
);
