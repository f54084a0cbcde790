import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emitRun, type ReplayOptions } from '../../src/cli/replay.ts';
import type { ExecutionItem } from '../../src/events/item.ts';
import { compiled, environmentOf } from '../crash/service-process.ts';
import { newDataDirectory, runledger, runledgerJson } from './command.ts';

const data = newDataDirectory();
let id = '';
let items: readonly ExecutionItem[] = [];
beforeAll(async () => {
  const run = ['run', 'dada', 'Eine Blume', '--seed', '7'];
  id = String((await runledgerJson(data.path, ...run))['execution_id']);
  items = (await runledgerJson(data.path, 'show', id))['items'] as ExecutionItem[];
});
afterAll(() => data.remove());

const itemAt = (timestamp: string, content: string | null = null): ExecutionItem => ({
  ...(items[0] as ExecutionItem),
  timestamp,
  content,
});
const parsed = (lines: string): unknown[] =>
  lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

async function emitted(told: readonly ExecutionItem[], options: Partial<ReplayOptions>) {
  const [written, pauses]: [string[], number[]] = [[], []];
  await emitRun(
    { items: told },
    { to: 'stream', speed: 1, ...options },
    {
      write: (text) => void written.push(text),
      pause: async (ms) => void pauses.push(ms),
    },
    new AbortController().signal,
  );
  return { written, pauses };
}

describe('a run is told again', () => {
  const told = (): ExecutionItem[] =>
    ['12:00:00.000Z', '12:00:01.500Z', '12:00:01.000Z', '13:00:01.000Z'].map((time) =>
      itemAt(`2026-01-01T${time}`),
    );

  test('with the pauses that it had, so many times as fast; a clock that went back makes none', async () => {
    expect((await emitted(told(), {})).pauses).toEqual([1_500, 3_600_000]);
    expect((await emitted(told(), { speed: 10 })).pauses).toEqual([150, 360_000]);
    expect((await emitted(told(), { speed: 'max' })).pauses).toEqual([]);
  });

  test('a pause of years is as long as a timer can be', async () => {
    const years = [itemAt('2026-01-01T00:00:00Z'), itemAt('2030-01-01T00:00:00Z')];
    expect((await emitted(years, {})).pauses).toEqual([2 ** 31 - 1]);
  });

  test('for people as lines in which no character of a prompt moves the cursor', async () => {
    const { written } = await emitted([itemAt('2026-01-01T12:00:00Z', 'one\ntwo\u001b[2J')], {
      to: 'terminal',
    });
    expect(written.join('')).toBe(
      '2026-01-01T12:00:00Z    1  pipeline_start\n      one\n      two⟨U+001B⟩[2J\n',
    );
  });
});

describe('runledger replay', () => {
  test('tells every item in order to a stream, and the same into a new file', async () => {
    const streamed = await runledger(data.path, ['replay', id, '--speed', 'max', '--to', 'stream']);
    expect(streamed).toMatchObject({ status: 0, err: '' });
    expect(parsed(streamed.out)).toEqual(items);
    const file = data.beside('run.ndjson');
    expect(await runledger(data.path, ['replay', id, '--to', file])).toMatchObject({
      status: 0,
      out: '',
      err: '',
    });
    expect(readFileSync(file, 'utf8')).toBe(streamed.out);
  });

  test('tells it to a terminal, up to an item', async () => {
    const { status, out } = await runledger(data.path, ['replay', id, '--speed', 'max', '--at-seq', '2']);
    expect(status).toBe(0);
    expect(out).toContain('user_input_text');
    expect(out).toContain('Eine Blume');
    expect(out).not.toContain('stage1_safety_check');
  });

  test('writes over nothing, and refuses what it cannot do', async () => {
    const file = data.beside('there.ndjson');
    writeFileSync(file, 'mine');
    const there = await runledger(data.path, ['replay', id, '--to', file]);
    expect(there).toMatchObject({ status: 1, out: '' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await runledger(data.path, ['replay', 'exec_20200101_000000_00000000'])).status).toBe(1);
    for (const speed of ['0', '-1', 'fast'])
      expect((await runledger(data.path, ['replay', id, `--speed=${speed}`])).status).toBe(2);
    const nowhere = data.beside('no-folder/run.ndjson');
    expect((await runledger(data.path, ['replay', id, '--to', nowhere])).status).toBe(1);
    expect(existsSync(nowhere)).toBe(false);
  });

  // So slow that it would take hours: only what ends it can end it.
  const slowly = ['replay', id, '--to', 'stream', '--speed', '0.000001'];
  const begun = () => {
    slowly[1] = id;
    return spawn(process.execPath, [compiled('cli'), ...slowly], {
      env: environmentOf(data.path),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };

  test('ends with 130 at Ctrl-C, in the middle of a pause', async () => {
    const child = begun();
    const exit = once(child, 'exit');
    await once(createInterface(child.stdout), 'line');
    child.kill('SIGINT');
    expect(await exit).toEqual([130, null]);
  });

  test('lets the ledger go before the first pause', async () => {
    const child = begun();
    const exit = once(child, 'exit');
    await once(createInterface(child.stdout), 'line');
    expect((await runledger(data.path, ['list'])).status).toBe(0);
    child.kill('SIGTERM');
    expect(await exit).toEqual([130, null]);
  });
});

test('a reader that reads no further ends it without a complaint', async () => {
  const child = spawn(
    'bash',
    [
      '-c',
      `set -o pipefail; "$0" "$@" | head -n 1 >/dev/null; exit "\${PIPESTATUS[0]}"`,
      process.execPath,
      compiled('cli'),
      'replay',
      id,
      '--to',
      'stream',
      '--speed',
      '20',
    ],
    { env: environmentOf(data.path), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(said.join('')).toBe('');
});
