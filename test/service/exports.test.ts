import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { runStatuses } from '../../src/run/lifecycle.ts';
import { moment } from '../moment.ts';
import { readZip } from '../read-zip.ts';
import { everything, recordRuns } from './export-bench.ts';
import { exportBench } from './exporting.ts';

type ManifestRun = {
  readonly execution_id: string;
  readonly status: string;
  readonly version: number;
  readonly file?: string;
  readonly bytes?: number;
  readonly sha256?: string;
  readonly error?: string;
};
type Manifest = {
  readonly total: number;
  readonly exported: number;
  readonly errors: number;
  readonly by_status: Readonly<Record<string, number>>;
  readonly runs: readonly ManifestRun[];
  readonly [member: string]: unknown;
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const parsed = (bytes: Buffer | undefined): unknown => JSON.parse(String(bytes));

/** What a result holds, each file held against what the manifest says of it. */
async function resultIn(folder: string) {
  const files = await readZip(join(folder, 'result.zip'));
  const manifest = parsed(files.get('manifest.json')) as Manifest;
  const errors = parsed(files.get('errors.json')) as {
    execution_id: string;
    error: string;
    detail: string;
  }[];
  const named = manifest.runs.flatMap(({ file }) => file ?? []);
  expect([...files.keys()]).toEqual(['manifest.json', 'errors.json', ...named]);
  for (const run of manifest.runs) {
    if (run.file === undefined) continue;
    const bytes = files.get(run.file) ?? Buffer.alloc(0);
    expect({ bytes: bytes.byteLength, sha256: sha256(bytes) }).toEqual({
      bytes: run.bytes,
      sha256: run.sha256,
    });
    const record = parsed(bytes);
    expect(record).toMatchObject({
      execution_id: run.execution_id,
      status: run.status,
      version: run.version,
    });
  }
  return { files, manifest, errors, ids: manifest.runs.map(({ execution_id }) => execution_id) };
}

/** A rendering that waits at its n-th run, until it is let go or stopped. */
function holdAt(n: number) {
  const [reached, go] = [moment(), moment()];
  let calls = 0;
  const before = async (_: string, signal: AbortSignal): Promise<void> => {
    calls += 1;
    if (calls !== n) return;
    reached.arrive();
    await Promise.race([
      go.come,
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    ]);
  };
  return { before, reached: reached.come, go: go.arrive };
}

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
      expect(await readdir(join(bench.directory, 'exports', 'drafts'))).toEqual([]);
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
