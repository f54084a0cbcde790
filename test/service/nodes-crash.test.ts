import { expect, test } from 'vitest';
import { crashNodes } from '../crash/nodes-crash.ts';

/** The long run is `npm run crash -- --nodes 200`. */
test('two processes execute each run once, whatever one of them dies of', async () => {
  const { byNode, kills, takenOver } = await crashNodes({ runs: 40, kills: 3, seed: 5, maxPauseMs: 1_000 });
  expect(kills).toBeGreaterThanOrEqual(3);
  expect(byNode.reduce((sum, count) => sum + count)).toBe(40);
  expect(takenOver).toBeGreaterThan(0);
}, 600_000);
