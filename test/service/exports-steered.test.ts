import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { everything, recordRuns } from './export-bench.ts';
import { holdAt } from './export-result.ts';
import { exportBench } from './exporting.ts';

describe('exports in turn', () => {
  test('one renders while the others wait, in the order of asking', async () => {
    const held = holdAt(1);
    const bench = await exportBench({ before: held.before });
    await recordRuns(bench.recorder, 3);
    await bench.caughtUp();
    const one = await bench.jobs.desk.start(everything);
    const other = await bench.jobs.desk.start(everything);
    await held.reached;
    expect((await bench.jobs.desk.read(one.id)).status).toBe('running');
    expect((await bench.jobs.desk.read(other.id)).status).toBe('queued');
    held.go();
    expect((await bench.settled(other.id)).status).toBe('finished');
    expect((await bench.jobs.desk.read(one.id)).status).toBe('finished');
  });

  test('more than 100 that wait are refused with QUEUE_FULL, before anything is recorded', async () => {
    const held = holdAt(1);
    const bench = await exportBench({ before: held.before });
    await recordRuns(bench.recorder, 1);
    await bench.caughtUp();
    for (let count = 0; count < 101; count += 1) await bench.jobs.desk.start(everything);
    await held.reached;
    await expect(bench.jobs.desk.start(everything)).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      message: '100 exports wait for their turn already: try again in a little while.',
    });
    await bench.caughtUp();
    expect((await bench.jobs.desk.list({ limit: 1, offset: 0 })).total).toBe(101);
    expect(await readdir(join(bench.directory, 'exports'))).toHaveLength(101 + 1);
  });

  test('a request that comes again under its Idempotency-Key starts nothing, also after a restart', async () => {
    const first = await exportBench();
    await recordRuns(first.recorder, 2);
    await first.caughtUp();
    const once = { key: 'k-1', what: 'export', body: { format: 'json' } };
    const begun = await first.jobs.desk.start(everything, once);
    expect(await first.jobs.desk.start(everything, once)).toMatchObject({
      id: begun.id,
      startedAt: begun.startedAt,
    });
    await expect(
      first.jobs.desk.start(everything, { ...once, body: { format: 'xml' } }),
    ).rejects.toMatchObject({ code: 'REQUEST_KEY_REUSED' });
    await first.settled(begun.id);
    await first.close();
    const second = await exportBench({ directory: first.directory });
    expect(await second.jobs.desk.start(everything, once)).toMatchObject({
      id: begun.id,
      startedAt: begun.startedAt,
    });
    expect((await second.jobs.desk.list({ limit: 9, offset: 0 })).total).toBe(1);
  });
});

describe('cancelling an export', () => {
  test('stops the rendering, removes its files, and cannot be undone', async () => {
    const held = holdAt(3);
    const bench = await exportBench({ before: held.before });
    await recordRuns(bench.recorder, 5);
    await bench.caughtUp();
    const { id } = await bench.jobs.desk.start(everything);
    await held.reached;
    await bench.jobs.desk.cancel(id);
    expect(await bench.jobs.desk.read(id)).toMatchObject({ status: 'cancelled', expiresAt: null });
    expect(bench.rendered).toHaveLength(2);
    expect(await readdir(join(bench.directory, 'exports'))).toEqual(['drafts']);
    await bench.jobs.desk.cancel(id);
    await expect(bench.jobs.desk.resume(id)).rejects.toMatchObject({
      code: 'EXPORT_STATUS',
      params: { current_status: 'cancelled', action: 'resumed' },
    });
  });

  test('takes one that waits out of the queue, and lets the others go on', async () => {
    const held = holdAt(1);
    const bench = await exportBench({ before: held.before });
    await recordRuns(bench.recorder, 2);
    await bench.caughtUp();
    const [one, two, three] = [
      await bench.jobs.desk.start(everything),
      await bench.jobs.desk.start(everything),
      await bench.jobs.desk.start(everything),
    ];
    await held.reached;
    await bench.jobs.desk.cancel(two.id);
    await bench.jobs.desk.cancel(one.id);
    expect((await bench.settled(three.id)).status).toBe('finished');
    expect((await bench.settled(two.id)).status).toBe('cancelled');
  });

  test('is refused for a finished one, whose file stays', async () => {
    const bench = await exportBench();
    const { id } = await bench.jobs.desk.start(everything);
    await bench.settled(id);
    await expect(bench.jobs.desk.cancel(id)).rejects.toMatchObject({ code: 'EXPORT_STATUS' });
    expect(await readdir(bench.folderOf(id))).toEqual(['result.zip']);
    await expect(bench.jobs.desk.resume(id)).rejects.toMatchObject({ code: 'EXPORT_STATUS' });
  });
});

describe('the files of an export', () => {
  test('go when their time is up: when somebody asks for them', async () => {
    const bench = await exportBench({ keepHours: 24 });
    const { id } = await bench.jobs.desk.start(everything);
    const { expiresAt, job } = await bench.settled(id);
    expect(Date.parse(expiresAt ?? '') - Date.parse(job.endedAt ?? '')).toBe(24 * 3_600_000);
    bench.passHours(23);
    for await (const chunk of (await bench.jobs.desk.open(id)).read(AbortSignal.any([])))
      expect(chunk.byteLength).toBeGreaterThan(0);
    bench.passHours(1);
    expect(await bench.jobs.desk.read(id)).toMatchObject({ status: 'expired', expiresAt });
    expect(await readdir(bench.folderOf(id))).toEqual(['result.zip']);
    await expect(bench.jobs.desk.open(id)).rejects.toMatchObject({
      code: 'EXPORT_EXPIRED',
      message: `The files of export ${id} were kept until ${expiresAt}: ask for it again with POST /api/exports.`,
    });
    expect(await readdir(join(bench.directory, 'exports'))).not.toContain(id);
    expect((await bench.jobs.desk.read(id)).job.status).toBe('expired');
    await expect(bench.jobs.desk.open(id)).rejects.toMatchObject({ code: 'EXPORT_EXPIRED' });
  });

  test('go at the start of a process, and whenever it looks, also those of one that failed', async () => {
    let isFull = true;
    const bench = await exportBench({
      before: async () => {
        if (isFull) throw new LedgerError('STORAGE_FULL', { what: 'The disk' });
      },
    });
    await recordRuns(bench.recorder, 1);
    await bench.caughtUp();
    const failed = await bench.jobs.desk.start(everything);
    expect((await bench.settled(failed.id)).status).toBe('failed');
    isFull = false;
    const finished = await bench.jobs.desk.start(everything);
    expect((await bench.settled(finished.id)).status).toBe('finished');
    await bench.caughtUp();
    await bench.jobs.expireDue();
    expect(await readdir(join(bench.directory, 'exports'))).toHaveLength(3);
    bench.passHours(168);
    await bench.jobs.clearUp();
    expect(await readdir(join(bench.directory, 'exports'))).toEqual(['drafts']);
    for (const { id } of [failed, finished]) {
      expect((await bench.jobs.desk.read(id)).job.status).toBe('expired');
      await expect(bench.jobs.desk.resume(id)).rejects.toMatchObject({ code: 'EXPORT_EXPIRED' });
    }
  });

  test('that were changed are not given out: EXPORT_DAMAGED', async () => {
    const bench = await exportBench();
    const { id } = await bench.jobs.desk.start(everything);
    await bench.settled(id);
    const path = join(bench.folderOf(id), 'result.zip');
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, -1));
    await expect(bench.jobs.desk.open(id)).rejects.toMatchObject({ code: 'EXPORT_DAMAGED' });
  });

  test('of an id that nobody was given are not looked for', async () => {
    const bench = await exportBench();
    for (const id of ['export_20260101_000000_ffffffff', '../log', 'drafts'])
      await expect(bench.jobs.desk.open(id)).rejects.toMatchObject({ code: 'EXPORT_NOT_FOUND' });
  });
});
