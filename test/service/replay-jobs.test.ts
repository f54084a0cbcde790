import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { readOpenReplays, readReplays } from '../../src/queries/replays.ts';
import { createRunLists } from '../../src/queries/run-list.ts';
import { createIds } from '../../src/run/randomness.ts';
import { createRecorder } from '../../src/run/recorder.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { activatePolicy } from '../../src/safety/policy.ts';
import { exportFiles, type ExportFiles } from '../../src/service/export-files.ts';
import { openParts } from '../../src/service/parts.ts';
import { createReplayJobs, type ReplayJobs } from '../../src/service/replay-jobs.ts';
import { createReplayStreams } from '../../src/service/replay-stream.ts';
import { settingsOf } from '../store-under-test.ts';

const active = activatePolicy(bundledPolicy);

async function replayBench() {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-replays-'));
  const parts = await openParts(readConfig(settingsOf(directory)));
  const { store, keys, projector } = parts;
  projector.start();
  await projector.built();
  const newId = createIds();
  const opened: ReplayJobs[] = [];
  let ids = 0;
  /** A process of its own as far as jobs go: another queue over the same log and folder. */
  const open = (files: Partial<ExportFiles> = {}): ReplayJobs => {
    const jobs = createReplayJobs({
      directory: join(directory, 'exports', 'replays'),
      files: { ...exportFiles, ...files },
      streams: createReplayStreams({ store, keys, clock: Date.now, newId }),
      source: { store, keyOf: keys.keyOf },
      select: createRunLists(projector).select,
      policyOf: async () => active,
      published: async () => active,
      listed: (page) => readReplays(projector, page),
      open: () => readOpenReplays(projector),
      newReplayId: () => `replay_20260101_000000_0000000${(ids += 1)}`,
      log: pino({ level: 'silent' }),
    });
    opened.push(jobs);
    return jobs;
  };
  onTestFinished(async () => {
    for (const jobs of opened) await jobs.close();
    await parts.close();
    await rm(directory, { recursive: true, force: true });
  });
  const caughtUp = async (): Promise<void> => {
    await projector.waitFor((await store.head()) ?? '', 10_000);
  };
  const recorder = createRecorder({ store, keys, clock: Date.now, newId });
  for (const executionId of ['run-a', 'run-b']) {
    const items = [{ draft: { item_type: 'pipeline_start', stage: 0 } }];
    await recorder.record({ executionId, by: 'foreign', run: 'new', items });
  }
  await caughtUp();
  return { directory, open, caughtUp };
}

const request = { policy: { id: 'workshop', version: 2 }, filter: {}, givenFilter: {} };

async function ended(jobs: ReplayJobs, id: string) {
  for (;;) {
    const state = await jobs.desk.read(id);
    if (state.job.status !== 'open') return state;
    await new Promise(setImmediate);
  }
}

/** A disk that comes to no end with the rows: only the stop of the process does. `begun` is told of it. */
const endless = (begun: () => void): Partial<ExportFiles> => ({
  writeStream: async (path, chunks, signal) => {
    if (!path.includes('rows')) return exportFiles.writeStream(path, chunks, signal);
    begun();
    return new Promise((_, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
    });
  },
});

test('one that its process left in the middle is done whole by the next one', async () => {
  const bench = await replayBench();
  let begun = (): void => {};
  const isBegun = new Promise<void>((resolve) => (begun = resolve));
  const first = bench.open(endless(begun));
  const { id } = await first.desk.start(request);
  await isBegun;
  expect(await first.desk.read(id)).toMatchObject({ status: 'running' });
  await first.close();
  await bench.caughtUp();

  const second = bench.open();
  expect(await second.desk.read(id)).toMatchObject({ status: 'queued' });
  await second.goOn();
  expect(await ended(second, id)).toMatchObject({
    status: 'finished',
    progress: { done: 2, total: 2, errors: 0 },
  });
});

test('a full disk ends it as failed, with the reason', async () => {
  const bench = await replayBench();
  const jobs = bench.open({
    writeStream: async (path, chunks, signal) => {
      if (!path.includes('rows')) return exportFiles.writeStream(path, chunks, signal);
      throw Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });
    },
  });
  const { id } = await jobs.desk.start(request);
  expect(await ended(jobs, id)).toMatchObject({ status: 'failed', job: { error: { type: 'STORAGE_FULL' } } });
});

test('one whose list of runs is gone fails: REPLAY_DAMAGED', async () => {
  const bench = await replayBench();
  const first = bench.open(endless(() => undefined));
  const { id } = await first.desk.start(request);
  await first.close();
  await bench.caughtUp();
  await rm(join(bench.directory, 'exports'), { recursive: true });
  const second = bench.open();
  await second.goOn();
  expect((await ended(second, id)).job.error).toMatchObject({ type: 'REPLAY_DAMAGED' });
});

test('after the stop nothing begins', async () => {
  const jobs = (await replayBench()).open();
  await jobs.close();
  await expect(jobs.desk.start(request)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
