import { expect, test } from 'vitest';
import { crashPipeline } from '../crash/pipeline-crash.ts';

test('kill -9 while a run is executed: after a restart it goes on to its end, and no recorded step is repeated', async () => {
  const { appends, calls, kills, recovered } = await crashPipeline({
    workflow: 'image_comparison',
    times: 1,
    every: 4,
  });
  expect(appends).toBeGreaterThan(5);
  expect(calls).toBe(4);
  expect(kills).toBeGreaterThan(calls);
  expect(recovered).toBeGreaterThanOrEqual(calls);
}, 600_000);
