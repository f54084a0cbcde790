import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { isLedgerError } from '../../src/errors.ts';
import { openRenderer, type Renderer, type RenderTask } from '../../src/service/renderer.ts';
import { writeReplay } from '../../src/service/replay-file.ts';
import { item, recordOf } from '../exporters/record-of.ts';
import { replayOf } from '../exporters/replay-of.ts';

const never = new AbortController().signal;
const limits = { maxProcesses: 1, maxWaiting: 1, maxRenderMs: 60_000 };

let renderer: Renderer;
const directories: string[] = [];
afterEach(async () => {
  await renderer.close();
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-render-'));
  directories.push(directory);
  return directory;
}

/** A render that waits for its replay as long as nobody writes it: a pipe of the file system. */
async function stuckTask(): Promise<RenderTask> {
  const directory = await temporaryDirectory();
  const replayFile = join(directory, 'pipe');
  execFileSync('mkfifo', [replayFile]);
  return { format: 'zip', replayFile, mediaDirectory: directory, outFile: join(directory, 'out') };
}

async function task(): Promise<RenderTask> {
  const directory = await temporaryDirectory();
  const replayFile = join(directory, 'replay');
  await writeReplay(replayFile, replayOf(recordOf([item(1, 'pipeline_start', { stage: 0 })])), never);
  return { format: 'zip', replayFile, mediaDirectory: directory, outFile: join(directory, 'out') };
}

/** Ids of the processes that this one has started. */
async function children(): Promise<readonly number[]> {
  const threads = await readdir('/proc/self/task');
  const lists = await Promise.all(threads.map((id) => readFile(`/proc/self/task/${id}/children`, 'utf8')));
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

describe('a render process', () => {
  test('writes the file and tells its size and digest', async () => {
    renderer = openRenderer(limits);
    const wanted = await task();
    const { sizeBytes, sha256 } = await renderer.render(wanted, never);
    expect((await readFile(wanted.outFile)).byteLength).toBe(sizeBytes);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('ends with the wish for its file', async () => {
    renderer = openRenderer(limits);
    const before = await children();
    const leaving = new AbortController();
    const rendering = renderer.render(await stuckTask(), leaving.signal);
    await expect
      .poll(async () => (await children()).length, { timeout: 30_000 })
      .toBeGreaterThan(before.length);
    leaving.abort(new Error('nobody wants it'));
    await expect(rendering).rejects.toThrow('nobody wants it');
    await expect.poll(async () => (await children()).length, { timeout: 30_000 }).toBe(before.length);
  });

  test('that takes too long is ended: EXPORT_IMPOSSIBLE', async () => {
    renderer = openRenderer({ ...limits, maxRenderMs: 300 });
    await expect(renderer.render(await stuckTask(), never)).rejects.toSatisfy(
      (error) => isLedgerError(error, 'EXPORT_IMPOSSIBLE') && error.message.includes('was not done after'),
    );
  });

  test('has its whole time, however long it waited behind one that was ended', async () => {
    renderer = openRenderer({ ...limits, maxRenderMs: 5_000 });
    const stuck = expect(renderer.render(await stuckTask(), never)).rejects.toThrow('was not done after');
    const waited = renderer.render(await task(), never);
    await stuck;
    expect((await waited).sizeBytes).toBeGreaterThan(0);
  });

  test('that dies is told of, and the next one works: EXPORT_IMPOSSIBLE', async () => {
    renderer = openRenderer(limits);
    const before = new Set(await children());
    const rendering = renderer.render(await stuckTask(), never);
    const told = expect(rendering).rejects.toSatisfy((error) => isLedgerError(error, 'EXPORT_IMPOSSIBLE'));
    await expect
      .poll(async () => (await children()).length, { timeout: 30_000 })
      .toBeGreaterThan(before.size);
    for (const id of await children()) if (!before.has(id)) process.kill(id, 'SIGKILL');
    await told;
    expect((await renderer.render(await task(), never)).sizeBytes).toBeGreaterThan(0);
  });

  test('has room for so many that wait, and refuses more: EXPORT_BUSY', async () => {
    renderer = openRenderer(limits);
    const leaving = new AbortController();
    const stuck = await stuckTask();
    const waiting = [renderer.render(stuck, leaving.signal), renderer.render(stuck, leaving.signal)];
    const told = waiting.map((one) => expect(one).rejects.toThrow());
    await expect(renderer.render(stuck, never)).rejects.toSatisfy((error) =>
      isLedgerError(error, 'EXPORT_BUSY'),
    );
    leaving.abort();
    await Promise.all(told);
  });

  test('says what an exporter or the disk refuses', async () => {
    renderer = openRenderer(limits);
    const wanted = await task();
    await writeFile(wanted.outFile, 'there already');
    await expect(renderer.render(wanted, never)).rejects.toSatisfy((error) =>
      isLedgerError(error, 'UNAVAILABLE'),
    );
    await expect(renderer.render({ ...wanted, format: 'odt' }, never)).rejects.toThrow('no exporter for odt');
  });
});
