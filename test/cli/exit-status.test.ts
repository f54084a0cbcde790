import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { newDataDirectory, runledger } from './command.ts';

const data = newDataDirectory();
afterAll(() => data.remove());

/** One thing for each status that ends with it; `faults` has a test of its own (fsck.test.ts). */
const provoked: readonly (readonly [keyof typeof exitCodes, readonly string[]])[] = [
  ['done', ['run', 'dada', 'Eine Blume auf der Wiese']],
  ['done', ['--help']],
  ['failed', ['run', 'nothing-of-that-name', 'Eine Blume']],
  ['failed', ['import', 'no/such/folder']],
  ['usage', []],
  ['usage', ['dance']],
  ['usage', ['run', 'dada']],
  ['usage', ['run', 'dada', 'text', '--level', 'toddlers']],
  ['usage', ['run', 'dada', 'text', '--seed', 'many']],
  ['usage', ['list', '--colour']],
  ['usage', ['export', 'abc-123']],
  ['partly', ['run', 'dada', 'selbstverletzung']],
  ['partly', ['import', 'package.json']],
];

describe('the exit status', () => {
  test.each(provoked)('is that of "%s" for: %s', async (name, args) => {
    const { status, err } = await runledger(data.path, args);
    expect({ status, err }).toMatchObject({ status: exitCodes[name] });
  });

  test('says the same in the README and in the help', async () => {
    const readme = readFileSync('README.md', 'utf8').replaceAll('\n', ' ');
    const [, sentence = ''] = /Exit status: (.*?)\. `--json`/.exec(readme) ?? [];
    const written = sentence.split(' · ').map((entry) => entry.replaceAll('`', ''));
    expect(written.map((entry) => Number(entry.split(' ')[0]))).toEqual(Object.values(exitCodes));
    const { out } = await runledger(data.path, ['--help']);
    const helped = /Exit status: ([\s\S]*)\.\s*$/.exec(out)?.[1] ?? '';
    // The README says a little more about each.
    expect(helped.match(/\b\d+\b/g)?.map(Number)).toEqual(Object.values(exitCodes));
    for (const words of [
      'done',
      'refused or failed',
      'wrong usage',
      'blocked or failed',
      'fsck found faults',
      'interrupted',
    ])
      expect([sentence.replaceAll('`', ''), helped]).toEqual([
        expect.stringContaining(words),
        expect.stringContaining(words),
      ]);
  });

  test('is that of a failure where the environment is wrong, and all its faults are told', async () => {
    const { status, err } = await runledger(data.path, ['list'], {
      RUNLEDGER_PORT: 'x',
      RUNLEDGER_HOSTS: 'y',
    });
    expect(status).toBe(exitCodes.failed);
    expect(err).toContain('RUNLEDGER_PORT must be a port number');
    expect(err).toContain('RUNLEDGER_HOSTS is not a setting');
  });
});
