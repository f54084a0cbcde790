import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { everything, recordRuns } from './export-bench.ts';
import { holdAt, resultIn } from './export-result.ts';
import { exportBench } from './exporting.ts';

describe('an export that is interrupted', () => {
  test('by the end of its process goes on in the next one, and renders no run twice', async () => {
    const held = holdAt(6);
    const first = await exportBench({ before: held.before });
    const ids = await recordRuns(first.recorder, 12);
    await first.caughtUp();
    const { id } = await first.jobs.desk.start(everything);
    await held.reached;
    expect((await first.jobs.desk.read(id)).progress).toEqual({ done: 5, total: 12, errors: 0 });
    await first.close();
    expect(first.rendered).toHaveLength(5);

    const second = await exportBench({ directory: first.directory });
    await recordRuns(second.recorder, 3, 'later');
    await second.jobs.clearUp();
    expect(await second.jobs.desk.read(id)).toMatchObject({
      status: 'queued',
      progress: { done: 5, total: 12 },
    });
    second.jobs.goOn();
    expect(await second.settled(id)).toMatchObject({ status: 'finished', progress: { done: 12, total: 12 } });
    expect([...first.rendered, ...second.rendered]).toEqual(ids.toReversed());
    expect((await resultIn(second.folderOf(id))).ids).toEqual(ids.toReversed());
    expect(await readdir(second.folderOf(id))).toEqual(['result.zip']);
  });

  test('is listed after a restart like before, the newest first', async () => {
    const first = await exportBench();
    await recordRuns(first.recorder, 3);
    await first.caughtUp();
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const { id } = await first.jobs.desk.start(everything);
      await first.settled(id);
      ids.push(id);
    }
    await first.caughtUp();
    const before = await first.jobs.desk.list({ limit: 2, offset: 1 });
    await first.close();
    const second = await exportBench({ directory: first.directory });
    const after = await second.jobs.desk.list({ limit: 2, offset: 1 });
    expect(after).toEqual(before);
    expect(after.exports.map(({ id }) => id)).toEqual(ids.toReversed().slice(1));
    expect(after.total).toBe(3);
  });

  const noRoom = Object.assign(new Error('ENOSPC: no space left on /a/path'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
  test.each([
    ['renderer', 8],
    ['part', 9],
  ] as const)(
    'by a disk that is full for a %s has failed, leaves nothing by halves, and is resumed',
    async (what, renders) => {
      const room = { renderer: 5, part: 5 };
      const take = (place: keyof typeof room): void => {
        if (what === place && room[place]-- === 0) throw noRoom;
      };
      const bench = await exportBench({
        before: async () => take('renderer'),
        files: (files) => ({
          ...files,
          sync: async (path) => {
            take('part');
            await files.sync(path);
          },
        }),
      });
      await recordRuns(bench.recorder, 8);
      await bench.caughtUp();
      const { id } = await bench.jobs.desk.start(everything);
      expect(await bench.settled(id)).toMatchObject({
        status: 'failed',
        progress: { done: 5, total: 8, errors: 0 },
        error: {
          type: 'STORAGE_FULL',
          message:
            'The export folder found no room on the disk and stored nothing: free space, then try again.',
        },
      });
      expect(await readdir(bench.folderOf(id))).toEqual(['parts', 'refusals', 'selection.ndjson']);
      expect(await readdir(bench.drafts)).toEqual([]);
      await expect(bench.jobs.desk.open(id)).rejects.toMatchObject({ code: 'EXPORT_STATUS' });
      await bench.jobs.desk.resume(id);
      expect(await bench.settled(id)).toMatchObject({ status: 'finished', error: null });
      expect(bench.rendered).toHaveLength(renders);
      expect((await resultIn(bench.folderOf(id))).ids).toHaveLength(8);
    },
  );

  test.each(['index.ndjson', 'manifest.json', 'errors.json', 'result.zip'])(
    'by a disk that is full once %s is written renders nothing again',
    async (name) => {
      let isFull = true;
      const bench = await exportBench({
        files: (files) => ({
          ...files,
          writeStream: async (path, chunks, signal) => {
            await files.writeStream(path, chunks, signal);
            if (!path.endsWith(`${name}.part`) || !isFull) return;
            isFull = false;
            throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'fsync' });
          },
        }),
      });
      await recordRuns(bench.recorder, 4);
      await bench.caughtUp();
      const { id } = await bench.jobs.desk.start(everything);
      expect(await bench.settled(id)).toMatchObject({ status: 'failed', error: { type: 'STORAGE_FULL' } });
      expect(await readdir(bench.folderOf(id))).not.toContain(expect.stringContaining(name));
      await bench.jobs.desk.resume(id);
      expect((await bench.settled(id)).status).toBe('finished');
      expect(bench.rendered).toHaveLength(4);
      expect((await resultIn(bench.folderOf(id))).ids).toHaveLength(4);
    },
  );

  test('on a disk that is full for the log too has failed all the same, and is resumed or gone on with', async () => {
    let isFull = false;
    const first = await exportBench({
      before: async (executionId) => {
        if (executionId !== 'run-0002') return;
        isFull = true;
        throw new LedgerError('STORAGE_FULL', { what: 'The disk' });
      },
      store: (store) => ({
        ...store,
        append: (...args) =>
          isFull
            ? Promise.reject(new LedgerError('STORAGE_FULL', { what: 'The log' }))
            : store.append(...args),
      }),
    });
    await recordRuns(first.recorder, 4);
    await first.caughtUp();
    const { id } = await first.jobs.desk.start(everything);
    expect(await first.settled(id)).toMatchObject({ status: 'failed', error: { type: 'STORAGE_FULL' } });
    await first.jobs.desk.resume(id);
    expect((await first.settled(id)).status).toBe('failed');
    await first.close();
    const second = await exportBench({ directory: first.directory });
    second.jobs.goOn();
    expect((await second.settled(id)).status).toBe('finished');
    expect([...first.rendered, ...second.rendered]).toEqual(['run-0003', 'run-0002', 'run-0001', 'run-0000']);
  });

  test('whose list of runs is gone, as after a backup was restored, has failed and cannot be resumed', async () => {
    const held = holdAt(1);
    const first = await exportBench({ before: held.before });
    await recordRuns(first.recorder, 2);
    await first.caughtUp();
    const { id } = await first.jobs.desk.start(everything);
    await held.reached;
    await first.close();

    await rm(first.folderOf(id), { recursive: true });
    const second = await exportBench({ directory: first.directory });
    second.jobs.goOn();
    expect(await second.settled(id)).toMatchObject({ status: 'failed', error: { type: 'EXPORT_DAMAGED' } });
    await expect(second.jobs.desk.resume(id)).rejects.toMatchObject({ code: 'EXPORT_DAMAGED' });
  });

  test('before its request was recorded leaves a folder that the next process removes', async () => {
    const bench = await exportBench();
    const stray = bench.folderOf('export_20260101_000000_0000abcd');
    await mkdir(stray, { recursive: true });
    await writeFile(join(stray, 'selection.ndjson'), '');
    await bench.jobs.clearUp();
    expect(await readdir(join(bench.directory, 'exports'))).not.toContain('export_20260101_000000_0000abcd');
  });
});
