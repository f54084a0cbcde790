import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/cli/client.ts';
import { downloadTo } from '../../src/cli/download.ts';
import { LedgerError } from '../../src/errors.ts';
import { compiled, environmentOf, startServiceProcess } from '../crash/service-process.ts';
import { openExportBench, recordRuns } from '../service/export-bench.ts';
import { readZip } from '../read-zip.ts';
import { newDataDirectory, runledger } from './command.ts';

const data = newDataDirectory();
const runs = 60;
const never = new AbortController().signal;

beforeAll(async () => {
  const bench = await openExportBench({ directory: data.path });
  await recordRuns(bench.recorder, runs);
  await bench.close();
});
afterAll(() => data.remove());

const namesIn = async (zip: string): Promise<string[]> =>
  [...(await readZip(zip)).keys()].filter((name) => name.startsWith('runs/'));

describe('export of several ids', () => {
  test('writes a file each into a folder, names those that are refused, and ends with 3', async () => {
    const folder = data.beside('some');
    const told = await runledger(data.path, [
      'export',
      'run-0001',
      'no-such',
      'run-0002',
      '--format',
      'json',
      '-o',
      folder,
    ]);
    expect(told.status).toBe(3);
    expect(told.err).toBe(
      'refused no-such: There is no run no-such: GET /api/runs lists those you can see.\n',
    );
    expect(readdirSync(folder)).toEqual(['run-0001.json', 'run-0002.json']);
    expect(JSON.parse(readFileSync(`${folder}/run-0002.json`, 'utf8'))).toMatchObject({
      execution_id: 'run-0002',
    });
    // Once more into the same folder: nothing is written over.
    const again = await runledger(data.path, [
      'export',
      'run-0001',
      'run-0003',
      '--format',
      'json',
      '-o',
      folder,
    ]);
    expect(again).toMatchObject({ status: 3, err: expect.stringContaining('exists and was left as it is') });
    expect(readdirSync(folder)).toEqual(['run-0001.json', 'run-0002.json', 'run-0003.json']);
  });

  test('needs a folder', async () => {
    const told = await runledger(data.path, ['export', 'run-0001', 'run-0002', '--format', 'json']);
    expect(told).toMatchObject({ status: 1, out: '', err: expect.stringContaining('name a folder with -o') });
  });
});

describe('export --filter', () => {
  const filtered = (file: string): string[] => {
    const filter = '--filter status=completed --filter status=blocked --filter execution_mode=eco';
    return ['export', ...filter.split(' '), '--format', 'json', '-o', file];
  };

  test('writes one ZIP of every run that matches, with and without a service', async () => {
    const here = data.beside('here.zip');
    const told = await runledger(data.path, filtered(here));
    expect(told).toMatchObject({ status: 0, out: `12 of 12 runs in ${here}\n` });
    expect(told.err).toMatch(/^export_\w+ finished: 12 of 12 runs\n$/m);
    const service = await startServiceProcess(data.path);
    const there = data.beside('there.zip');
    try {
      expect((await runledger(data.path, filtered(there))).status).toBe(0);
    } finally {
      service.process.kill('SIGTERM');
    }
    expect(await service.exited).toBe(0);
    expect(await namesIn(there)).toEqual(await namesIn(here));
    expect(await namesIn(here)).toHaveLength(12);
  });

  test('refuses a file that exists before it starts anything', async () => {
    const file = data.beside('precious.zip');
    writeFileSync(file, 'precious');
    const exports = (): string[] =>
      readdirSync(`${data.path}/exports`).filter((name) => name.startsWith('export_'));
    const before = exports();
    const told = await runledger(data.path, filtered(file));
    expect(told).toMatchObject({ status: 1, err: expect.stringContaining('exists and was left as it is') });
    expect(readFileSync(file, 'utf8')).toBe('precious');
    expect(exports()).toEqual(before);
  });

  test.each([
    ['no pair', ['--filter', 'failed'], 1, 'write it like status=failed'],
    ['a filter twice', ['--filter', 'config=a', '--filter', 'config=b'], 1, 'give each once'],
    ['a filter that there is not', ['--filter', 'colour=red'], 1, 'colour'],
    ['a format that there is not', ['--all', '--format', 'odt'], 1, 'use one of'],
    ['ids beside filters', ['run-0001', '--all'], 2, 'name either ids, or filters'],
    ['nothing at all', [], 2, 'name either ids, or filters'],
    ['all beside some', ['--all', '--filter', 'status=failed'], 2, 'name one of the two'],
    ['a format of what goes on', ['--resume', 'export_x', '--format', 'pdf'], 2, 'leave them out'],
    ['a name of every object', ['--filter', '__proto__=x'], 1, expect.not.stringContaining('twice')],
  ])('refuses %s', async (_, args, status, words) => {
    const format = args.includes('--format') ? [] : ['--format', 'json'];
    const file = data.beside('refused.zip');
    const told = await runledger(data.path, ['export', ...args, ...format, '-o', file]);
    expect(told).toMatchObject({
      status,
      out: '',
      err: typeof words === 'string' ? expect.stringContaining(words) : words,
    });
    expect(existsSync(file)).toBe(false);
  });

  test('that is interrupted says how to go on, and --resume goes on with it', async () => {
    const file = data.beside('interrupted.zip');
    const args = ['export', '--all', '--format', 'json', '-o', file];
    const child = spawn(process.execPath, [compiled('cli'), ...args], {
      env: environmentOf(data.path),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit') as Promise<[number | null]>;
    child.stderr.once('data', () => child.kill('SIGINT'));
    const err = await text(child.stderr);
    expect((await exited)[0]).toBe(1);
    const [, id = ''] = /runledger export --resume (export_\w+) -o /.exec(err) ?? [];
    expect(id).not.toBe('');
    expect(existsSync(file)).toBe(false);
    const resumed = await runledger(data.path, ['export', '--resume', id, '-o', file]);
    expect(resumed).toMatchObject({ status: 0, out: `${runs} of ${runs} runs in ${file}\n` });
    expect(await namesIn(file)).toHaveLength(runs);
    // A finished one is only fetched again.
    const again = data.beside('again.zip');
    expect((await runledger(data.path, ['export', '--resume', id, '-o', again])).status).toBe(0);
    expect(readFileSync(again)).toEqual(readFileSync(file));
  });

  const hasScript = spawnSync('which', ['script']).status === 0;
  test.skipIf(!hasScript)(
    `shows its progress on a terminal${hasScript ? '' : ' – SKIPPED: script is not installed'}`,
    () => {
      const file = data.beside('terminal.zip');
      const command = `"${process.execPath}" "${compiled('cli')}" export --all --format json -o "${file}"`;
      const env = { ...environmentOf(data.path), TERM: 'xterm' };
      const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { env, encoding: 'utf8' });
      expect(stdout).toMatch(/\/60 runs, 0 refused/);
      expect(stdout).toContain(`60 of 60 runs in ${file}`);
    },
  );

  test('--resume of an export that there is not is refused', async () => {
    const none = ['--resume', 'export_20260101_000000_00000000', '-o', data.beside('none.zip')];
    const told = await runledger(data.path, ['export', ...none]);
    expect(told).toMatchObject({ status: 1, err: expect.stringContaining('GET /api/exports lists them') });
  });
});

describe('a download', () => {
  const bytes = Buffer.from([0, 1, 2, 0xff, 0xfe, 10, 13]);
  const digest = `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
  const answering = (body: Buffer, headers: Record<string, string>): Pick<Client, 'download'> => ({
    download: async () => ({
      status: 200,
      header: (name) => headers[name],
      body: (async function* () {
        yield body;
      })(),
    }),
  });

  test('keeps every byte', async () => {
    const file = data.beside('binary');
    const headers = { 'content-length': String(bytes.byteLength), 'content-digest': digest };
    await downloadTo(answering(bytes, headers), '/', file, never);
    expect(readFileSync(file)).toEqual(bytes);
  });

  test('that is broken off leaves nothing, and ends with the reason of the signal', async () => {
    const file = data.beside('broken-off');
    const before = readdirSync(data.beside('.'));
    const leaving = new AbortController();
    let during: readonly string[] = [];
    const breaking: Pick<Client, 'download'> = {
      download: async (_, signal) => ({
        status: 200,
        header: () => undefined,
        body: (async function* () {
          yield bytes;
          during = readdirSync(data.beside('.')).filter((name) => !before.includes(name));
          leaving.abort(new Error('Ctrl-C'));
          throw new LedgerError('UNAVAILABLE', { what: `aborted: ${signal.aborted}`, cure: 'none' });
        })(),
      }),
    };
    await expect(downloadTo(breaking, '/', file, leaving.signal)).rejects.toThrow('Ctrl-C');
    expect(during).toEqual([expect.stringMatching(/^\.runledger-.*\.part$/)]);
    expect(readdirSync(data.beside('.'))).toEqual(before);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('to standard output leaves nothing at %s', async (name) => {
    const data = newDataDirectory();
    const bench = await openExportBench({ directory: data.path });
    const draft = { item_type: 'user_input_text', stage: 1, content: 'Eine Blume '.repeat(20_000) };
    const items = [{ draft }, { draft }, { draft }];
    await bench.recorder.record({ executionId: 'long', by: 'foreign', run: 'new', items });
    await bench.close();
    const folder = data.beside(`tmp-${name}`);
    mkdirSync(folder);
    // Nobody reads its output: it comes to a halt with the whole run on the disk.
    const child = spawn(process.execPath, [compiled('cli'), 'export', 'long', '--format', 'json'], {
      env: environmentOf(data.path, { TMPDIR: folder }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit') as Promise<[number | null]>;
    const told = text(child.stderr);
    await expect
      .poll(() => readdirSync(folder, { recursive: true }), { timeout: 30_000 })
      .toContainEqual(expect.stringMatching(/^runledger-\w+\/download$/));
    child.kill(name);
    await expect.poll(() => readdirSync(folder), { timeout: 30_000 }).toEqual([]);
    child.stdout.resume();
    expect({ status: (await exited)[0], err: await told }).toEqual({
      status: 130,
      err: 'runledger: interrupted; what had not come whole was thrown away\n',
    });
  });

  test.each([
    ['is shorter than was told', { 'content-length': '8' }],
    ['has another digest', { 'content-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` }],
  ])('that %s leaves no file', async (_, headers) => {
    const file = data.beside('half');
    const before = readdirSync(data.beside('.'));
    await expect(downloadTo(answering(bytes, headers), '/', file, never)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(readdirSync(data.beside('.'))).toEqual(before);
  });
});
