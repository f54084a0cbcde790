import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServiceProcess } from '../crash/service-process.ts';
import { newDataDirectory, runledger, runledgerJson, type Told } from './command.ts';

const data = newDataDirectory();
const old = 'exec_20251103_205239_896e054c';
let own = '';

beforeAll(async () => {
  own = String((await runledgerJson(data.path, 'run', 'dada', 'Eine Blume', '--seed', '7'))['execution_id']);
  await runledgerJson(data.path, 'import', `test/fixtures/records/${old}.json`);
});
afterAll(() => data.remove());

/** Every reading command, as sentences and as data. */
const answered = (): string[][] => [
  ['list'],
  ['list', '--limit', '1', '--offset', '1', '--json'],
  ['list', '--config', 'dada', '--status', 'completed', '--json'],
  ['show', own],
  ['show', old, '--json'],
  ['show', own, '--at-seq', '3'],
  ['show', own, '--at', '2100-01-01T00:00:00Z', '--json'],
  ['export', own, '--format', 'json'],
  ['export', old, '--format', 'xml', '--view', 'teacher'],
  ['export', own, '--format', 'pdf', '--lang', 'de'],
  ['export', own, '--format', 'audit'],
];
const refused = (): string[][] => [
  ['show', 'exec_20200101_000000_00000000'],
  ['show', own, '--at-seq', 'three', '--json'],
  ['list', '--limit', '1000'],
  ['list', '--date', '2026-02-31', '--json'],
  ['export', own, '--format', 'odt'],
];

async function answers(): Promise<Record<string, Told>> {
  const told: Record<string, Told> = {};
  for (const command of [...answered(), ...refused()])
    told[command.join(' ')] = await runledger(data.path, command);
  return told;
}

describe('reading commands', () => {
  test('give the same answers from the directory itself and from its running service', async () => {
    const here = await answers();
    const service = await startServiceProcess(data.path);
    try {
      expect(await answers()).toEqual(here);
    } finally {
      service.process.kill('SIGTERM');
    }
    expect(await service.exited).toBe(0);
    for (const command of answered()) expect(here[command.join(' ')]).toMatchObject({ status: 0, err: '' });
    for (const command of refused()) expect(here[command.join(' ')]).toMatchObject({ status: 1, out: '' });
  }, 600_000);

  test('show what a run was after an item', async () => {
    const whole = await runledgerJson(data.path, 'show', own);
    const early = await runledgerJson(data.path, 'show', own, '--at-seq', '3');
    expect(early['items']).toEqual((whole['items'] as unknown[]).slice(0, 3));
    expect(early['status']).toBe('running');
    expect(whole['status']).toBe('completed');
  });

  test('show what was known at a time, which is nothing before the run', async () => {
    const before = await runledger(data.path, ['show', own, '--at', '2020-01-01T00:00:00Z']);
    expect(before).toMatchObject({ status: 1, out: '' });
    expect(before.err).toContain(own);
  });

  test('a refusal is one sentence on stderr, without a stack', async () => {
    const { err, out } = await runledger(data.path, ['show', 'exec_20200101_000000_00000000']);
    expect(out).toBe('');
    expect(err).toBe(
      'runledger: There is no run exec_20200101_000000_00000000: GET /api/runs lists those you can see.\n',
    );
  });
});

describe('export -o', () => {
  test('writes a new file that equals what it prints', async () => {
    const file = data.beside('run.json');
    const { status } = await runledger(data.path, ['export', own, '--format', 'json', '-o', file]);
    expect(status).toBe(0);
    const printed = await runledger(data.path, ['export', own, '--format', 'json']);
    expect(readFileSync(file, 'utf8')).toBe(printed.out);
  });

  test('refuses a file that exists and leaves it as it is', async () => {
    const file = data.beside('precious.txt');
    writeFileSync(file, 'precious');
    const told = await runledger(data.path, ['export', own, '--format', 'json', '-o', file]);
    expect(told.status).toBe(1);
    expect(told.err).toBe(`runledger: ${file} exists and was left as it is: name a new file.\n`);
    expect(readFileSync(file, 'utf8')).toBe('precious');
  });

  test('makes no file for a run that is not there, and no folder', async () => {
    const file = data.beside('nothing.json');
    const missing = ['export', 'exec_20200101_000000_00000000', '--format', 'json', '-o', file];
    expect((await runledger(data.path, missing)).status).toBe(1);
    expect(existsSync(file)).toBe(false);
    const deep = data.beside('no/folder.json');
    const told = await runledger(data.path, ['export', own, '--format', 'json', '-o', deep]);
    expect(told).toMatchObject({
      status: 1,
      err: `runledger: ${deep} cannot be written (ENOENT): name a new file in a folder that exists.\n`,
    });
  });
});
