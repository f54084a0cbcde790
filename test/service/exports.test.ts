import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { runStatuses } from '../../src/run/lifecycle.ts';
import { unzipped } from '../exporters/unzipped.ts';
import { readZip } from '../read-zip.ts';
import { everything, recordRuns } from './export-bench.ts';
import { holdAt, resultIn } from './export-result.ts';
import { exportBench } from './exporting.ts';

describe('an export of many runs', () => {
  test('holds every run that matches, whatever its status, and its manifest tells each one’s digest', async () => {
    const bench = await exportBench();
    const ids = await recordRuns(bench.recorder, 150);
    await bench.caughtUp();
    const { id } = await bench.jobs.desk.start({
      ...everything,
      view: 'researcher',
      givenFilter: { from: '2026-01-01T00:00:00Z' },
    });
    expect(await bench.settled(id)).toMatchObject({
      status: 'finished',
      progress: { done: 150, total: 150, errors: 0 },
      error: null,
    });
    const { manifest, errors, ids: exported } = await resultIn(bench.folderOf(id));
    // Newest first, like the list; more than one page of it.
    expect(exported).toEqual(ids.toReversed());
    expect(errors).toEqual([]);
    expect(manifest).toMatchObject({
      export_id: id,
      format: 'json',
      view: 'researcher',
      language: 'en',
      filter: { from: '2026-01-01T00:00:00Z' },
      total: 150,
      exported: 150,
      errors: 0,
    });
    expect(Object.keys(manifest.by_status).sort()).toEqual([...runStatuses].sort());
    expect(Object.values(manifest.by_status)).toEqual(runStatuses.map(() => 15));
  });

  test('holds only what the filter selects', async () => {
    const bench = await exportBench();
    const ids = await recordRuns(bench.recorder, 40);
    await bench.caughtUp();
    const filter = { status: ['failed', 'blocked'] as const };
    const { id } = await bench.jobs.desk.start({ ...everything, filter });
    await bench.settled(id);
    const { manifest } = await resultIn(bench.folderOf(id));
    expect(manifest.by_status).toEqual({ failed: 4, blocked: 4 });
    expect(manifest.total).toBeLessThan(ids.length);
  });

  test('of nothing is a ZIP with a manifest of no runs', async () => {
    const bench = await exportBench();
    const { id } = await bench.jobs.desk.start({ ...everything, filter: { config: 'no-such' } });
    expect(await bench.settled(id)).toMatchObject({ status: 'finished', progress: { total: 0 } });
    const { manifest, errors } = await resultIn(bench.folderOf(id));
    expect(manifest).toMatchObject({ total: 0, runs: [], by_status: {} });
    expect(errors).toEqual([]);
  });

  test('holds the runs of the moment it was asked for, as they were then, whatever arrives meanwhile', async () => {
    const held = holdAt(1);
    const bench = await exportBench({ before: held.before });
    const ids = await recordRuns(bench.recorder, 120);
    await bench.caughtUp();
    // Runs arrive, and selected ones go on, while they are being selected and before any is rendered.
    const asked = bench.jobs.desk.start({ ...everything, filter: { status: ['active'] } });
    await recordRuns(bench.recorder, 30, 'later');
    const pausedId = ids[6] ?? '';
    const { id } = await asked;
    await held.reached;
    await bench.recorder.record({
      executionId: pausedId,
      by: 'own',
      run: 'existing',
      items: [{ draft: { item_type: 'run_resumed' } }],
    });
    held.go();
    await bench.settled(id);
    const { ids: exported, manifest } = await resultIn(bench.folderOf(id));
    expect(exported.filter((one) => one.startsWith('later'))).toEqual([]);
    expect(new Set(exported).size).toBe(exported.length);
    expect(exported).toHaveLength(60);
    expect(manifest.runs.find(({ execution_id }) => execution_id === pausedId)).toMatchObject({
      status: 'paused',
      version: 1,
    });
  });

  test('lists a run that cannot be exported with the reason, and goes on', async () => {
    const bench = await exportBench({
      before: async (executionId) => {
        if (executionId === 'run-0003') throw new LedgerError('MEDIA_CORRUPT', { sha256: 'f'.repeat(64) });
        if (executionId === 'run-0005') throw new TypeError('a defect of ours with /a/path in it');
      },
    });
    await recordRuns(bench.recorder, 10);
    await bench.caughtUp();
    const { id } = await bench.jobs.desk.start(everything);
    expect(await bench.settled(id)).toMatchObject({
      status: 'finished',
      progress: { done: 10, total: 10, errors: 2 },
    });
    const { manifest, errors } = await resultIn(bench.folderOf(id));
    expect(errors).toEqual([
      { execution_id: 'run-0005', error: 'INTERNAL', detail: expect.not.stringContaining('/a/path') },
      { execution_id: 'run-0003', error: 'MEDIA_CORRUPT', detail: expect.stringContaining('f'.repeat(64)) },
    ]);
    expect(manifest).toMatchObject({ total: 10, exported: 8, errors: 2 });
    expect(manifest.runs.find(({ execution_id }) => execution_id === 'run-0003')).toMatchObject({
      error: 'MEDIA_CORRUPT',
    });
  });

  test('exports a run whose medium cannot be read from the disk, and its zip says so', async () => {
    const bench = await exportBench();
    await recordRuns(bench.recorder, 2);
    const sha256 = 'a'.repeat(64);
    const picture = { item_type: 'output_image', stage: 4, file_path: `/api/media/${sha256}` };
    await bench.recorder.record({
      executionId: 'pictured',
      by: 'foreign',
      run: 'new',
      items: [{ draft: picture }],
    });
    await recordRuns(bench.recorder, 2, 'later');
    await mkdir(join(bench.directory, 'media', 'aa', sha256), { recursive: true });
    await bench.caughtUp();
    const { id } = await bench.jobs.desk.start({ ...everything, format: 'zip' });
    expect(await bench.settled(id)).toMatchObject({
      status: 'finished',
      progress: { done: 5, total: 5, errors: 0 },
    });
    const files = await readZip(join(bench.folderOf(id), 'result.zip'));
    const pictured = unzipped(files.get('runs/pictured.zip') ?? new Uint8Array());
    expect(JSON.parse(String(Buffer.from(pictured.get('manifest.json') ?? [])))).toMatchObject({
      // The ledger of this bench signs nothing.
      missing: [{ reason: 'no_evidence' }, { name: `media/${sha256}`, reason: 'damaged' }],
    });
  });

  test.each([
    ['the disk', Object.assign(new Error('EIO: i/o error, read /a/path'), { code: 'EIO', syscall: 'read' })],
    ['a part of ours', new LedgerError('UNAVAILABLE', { what: 'The medium', cure: 'check the disk' })],
  ])('lists a run that %s has refused as UNAVAILABLE, and goes on', async (_, refusal) => {
    const bench = await exportBench({
      before: async (executionId) => {
        if (executionId === 'run-0001') throw refusal;
      },
    });
    await recordRuns(bench.recorder, 4);
    await bench.caughtUp();
    const { id } = await bench.jobs.desk.start(everything);
    expect(await bench.settled(id)).toMatchObject({
      status: 'finished',
      progress: { done: 4, total: 4, errors: 1 },
    });
    const { manifest, errors } = await resultIn(bench.folderOf(id));
    expect(errors).toEqual([
      { execution_id: 'run-0001', error: 'UNAVAILABLE', detail: expect.not.stringContaining('/a/path') },
    ]);
    expect(manifest).toMatchObject({ total: 4, exported: 3, errors: 1 });
  });

  test('waits while single exports have all renderers', async () => {
    let busy = 3;
    const bench = await exportBench({
      before: async () => {
        if (busy-- > 0) throw new LedgerError('EXPORT_BUSY', { waiting: 32 });
      },
    });
    await recordRuns(bench.recorder, 2);
    await bench.caughtUp();
    const { id } = await bench.jobs.desk.start(everything);
    expect(await bench.settled(id)).toMatchObject({ status: 'finished', progress: { done: 2, errors: 0 } });
  });

  test.each(['xml', 'zip'])('takes every run as %s, heavy formats in their own process', async (format) => {
    const bench = await exportBench();
    await recordRuns(bench.recorder, 4);
    await bench.caughtUp();
    const { id } = await bench.jobs.desk.start({ ...everything, format });
    expect(await bench.settled(id)).toMatchObject({ status: 'finished', progress: { done: 4, errors: 0 } });
    const files = await readZip(join(bench.folderOf(id), 'result.zip'));
    expect([...files.keys()].filter((name) => name.endsWith(`.${format}`))).toHaveLength(4);
  });

  test('of the same runs has the same files in the same order, byte for byte', async () => {
    const bench = await exportBench();
    await recordRuns(bench.recorder, 10);
    await bench.caughtUp();
    const [one, other] = [await bench.jobs.desk.start(everything), await bench.jobs.desk.start(everything)];
    await Promise.all([bench.settled(one.id), bench.settled(other.id)]);
    const [a, b] = [await resultIn(bench.folderOf(one.id)), await resultIn(bench.folderOf(other.id))];
    expect(b.manifest.runs).toEqual(a.manifest.runs);
  });
});
