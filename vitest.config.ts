import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', '**/node_modules/**'],
    // Real LMDB, real HTTP, real processes: forks keep native handles of one file away from the next.
    globalSetup: ['test/start-store.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Only for what hangs: a busy machine takes many times what a quiet one does.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
