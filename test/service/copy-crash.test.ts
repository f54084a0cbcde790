import { expect, test } from 'vitest';
import { crashCopy } from '../crash/copy-crash.ts';

const seed = Number(process.env['RUNLEDGER_CRASH_SEED'] ?? Date.now() % 1_000_000);

test(`a log that is copied there and back, and killed on both ways, comes back identical and with the same root (seed ${seed})`, async () => {
  const { events, kills } = await crashCopy({ events: 3_000, kills: 1, seed });
  expect(events).toBeGreaterThanOrEqual(3_000);
  expect(kills).toBe(2);
});
