import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compiled, type ServiceProcess, startServiceProcess } from '../crash/service-process.ts';
import { type DataDirectory, newDataDirectory, runledger, runledgerJson } from './command.ts';
import { brokenFiles, recordId, recordText, writeRecords } from './record-files.ts';

const count = 300;

type Tally = {
  readonly imported: number;
  readonly unchanged: number;
  readonly refused: readonly { readonly file: string; readonly reason: string }[];
};

describe.each(['no service', 'a running service'])('import of a folder with %s', (way) => {
  let data: DataDirectory;
  let service: ServiceProcess | undefined;
  let folder = '';
  beforeAll(async () => {
    data = newDataDirectory();
    folder = data.beside('records');
    writeRecords(folder, count);
    mkdirSync(join(folder, 'zz-broken'));
    for (const [name, [content]] of Object.entries(brokenFiles))
      writeFileSync(join(folder, 'zz-broken', name), content);
    writeFileSync(join(folder, 'notes.txt'), 'no record, and not taken for one');
    if (way === 'a running service') service = await startServiceProcess(data.path);
  });
  afterAll(async () => {
    service?.process.kill('SIGTERM');
    await service?.exited;
    data.remove();
  });

  test('takes every good file, and tells each refused one by its path with the reason', async () => {
    const { status, out, err } = await runledger(data.path, ['import', folder]);
    expect(status).toBe(3);
    expect(out).toMatch(new RegExp(`^${count} imported, 0 unchanged, 9 refused, \\d+ findings\n$`));
    const lines = err.trimEnd().split('\n');
    for (const [name, [, reason]] of Object.entries(brokenFiles)) {
      const path = join(folder, 'zz-broken', name);
      const told = lines.filter((line) => line.startsWith(`refused ${path}: `));
      expect(told).toEqual([expect.stringMatching(reason)]);
    }
    // Nothing but these lines: no progress bar without a terminal.
    expect(lines).toHaveLength(Object.keys(brokenFiles).length);
    expect((await runledgerJson(data.path, 'list', '--limit', '1'))['total']).toBe(count);
  });

  test('a second time changes nothing', async () => {
    const { status, out } = await runledger(data.path, ['import', folder, '--json']);
    const tally = JSON.parse(out) as Tally;
    expect(status).toBe(3);
    expect(tally).toMatchObject({ imported: 0, unchanged: count });
    expect(tally.refused.map(({ file }) => file).sort()).toEqual(
      Object.keys(brokenFiles)
        .map((name) => join(folder, 'zz-broken', name))
        .sort(),
    );
    const again = await runledger(data.path, ['import', join(folder, 'day-0')]);
    expect(again).toMatchObject({ status: 0, err: '' });
    expect(again.out).toMatch(/^0 imported, 100 unchanged, 0 refused/);
  });

  test('leaves a ledger in which fsck finds no fault', async () => {
    expect(await runledgerJson(data.path, 'fsck')).toMatchObject({ faults: [], differences: [] });
  });
});

describe('import', () => {
  let data: DataDirectory;
  beforeAll(() => {
    data = newDataDirectory();
  });
  afterAll(() => data.remove());

  test('of one file takes it whatever its name is, after its time zone', async () => {
    const file = data.beside('record.txt');
    const id = recordId(1);
    writeFileSync(file, recordText(id));
    const { status } = await runledger(data.path, ['import', '--timezone', 'Europe/Berlin', file]);
    expect(status).toBe(0);
    const record = await runledgerJson(data.path, 'show', id);
    // 20:52 in Berlin, in November.
    expect(record['timestamp']).toMatch(/^2025-11-03T19:52/);
  });

  test('with a time zone that does not exist takes nothing', async () => {
    const file = data.beside('other.json');
    writeFileSync(file, recordText(recordId(2)));
    const told = await runledger(data.path, ['import', '--timezone', 'Mars/Olympus', file]);
    expect(told).toMatchObject({ status: 1, out: '' });
    expect(told.err).toMatch(/^runledger: There is no time zone "Mars\/Olympus": [^\n]*\n$/);
    expect((await runledgerJson(data.path, 'list'))['total']).toBe(1);
  });

  const hasScript = spawnSync('which', ['script']).status === 0;
  const onTerminal = hasScript ? test : test.skip;
  onTerminal(
    `shows its progress on a terminal${hasScript ? '' : ' – SKIPPED: script is not installed'}`,
    () => {
      const folder = data.beside('more');
      writeRecords(folder, 150);
      const command = `"${process.execPath}" "${compiled('cli')}" import "${folder}"`;
      const env = { PATH: process.env['PATH'], RUNLEDGER_DATA: data.path, TERM: 'xterm' };
      const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { env, encoding: 'utf8' });
      expect(stdout).toMatch(/\/150 files, 0 refused/);
    },
  );
});
