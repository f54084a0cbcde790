import { expect, test } from 'vitest';
import { crashService } from '../crash/service-crash.ts';

const seed = Number(process.env['RUNLEDGER_CRASH_SEED'] ?? Date.now() % 1_000_000);

test(`kill -9 of the whole service under load: nothing acknowledged is lost, every projection equals its rebuild (seed ${seed})`, async () => {
  const { points, acknowledged, events } = await crashService(2, seed, 'SIGKILL');
  expect(points).toBe(2);
  expect(acknowledged).toBeGreaterThan(0);
  expect(events).toBeGreaterThan(0);
});
