import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startProgram } from '../crash/child.ts';
import { readZip } from '../read-zip.ts';
import { keepEmbedded } from '../store-under-test.ts';
import { openExportBench, recordRuns } from './export-bench.ts';

/** Every n-th change of a file is one after which the process is killed. */
const every = Number(process.env['RUNLEDGER_CRASH_EVERY'] ?? 6);
const runs = 5;

test('an export whose process is killed after any change of a file is whole after the next start, no part made twice', {
  timeout: 180_000,
}, async () => {
  const root = await mkdtemp(join(tmpdir(), 'runledger-export-crash-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const template = join(root, 'template');
  keepEmbedded(template);
  const bench = await openExportBench({ directory: template });
  const ids = (await recordRuns(bench.recorder, runs)).toReversed();
  await bench.caughtUp();
  await bench.close();

  let kills = 0;
  for (let at = 1; ; at += every) {
    const directory = join(root, String(at));
    await cp(template, directory, { recursive: true });
    const dying = startProgram('export-child', [directory, String(at)]);
    const survived = await dying.line();
    expect(await dying.exited).toBe(survived === null ? null : 0);
    if (survived !== null) break;
    kills += 1;
    const parts = await partsIn(directory);
    const next = startProgram('export-child', [directory, '0']);
    const told = JSON.parse((await next.line()) ?? '{}') as {
      id: string;
      status: string;
      rendered: string[];
    };
    expect(await next.exited).toBe(0);
    expect(told.status).toBe('finished');
    const folder = join(directory, 'exports', told.id);
    const files = await readZip(join(folder, 'result.zip'));
    const manifest = JSON.parse(String(files.get('manifest.json'))) as { runs: { execution_id: string }[] };
    expect(manifest.runs.map(({ execution_id }) => execution_id)).toEqual(ids);
    expect(files.size).toBe(runs + 2);
    expect(await readdir(folder)).toEqual(['result.zip']);
    const folders = await readdir(join(directory, 'exports'));
    expect(folders.filter((name) => name !== 'drafts')).toEqual([told.id]);
    // What was whole was not made again; a process that died once it was finished left nothing to do.
    expect(told.rendered.filter((id) => parts.includes(id))).toEqual([]);
    if (parts.length > 0 && told.rendered.length > 0)
      expect([...parts, ...told.rendered].sort()).toEqual(ids.toSorted());
    await rm(directory, { recursive: true });
  }
  expect(kills).toBeGreaterThan(5);
});

/** Runs that have a file, whatever export it is of. */
async function partsIn(directory: string): Promise<string[]> {
  const exports = join(directory, 'exports');
  const found = await readdir(exports, { recursive: true, withFileTypes: true }).catch(() => []);
  return found
    .filter((entry) => entry.isFile() && basename(entry.parentPath) === 'parts')
    .map(({ name }) => name.replace('.json', ''));
}
