import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServiceProcess } from '../crash/service-process.ts';
import { newDataDirectory, runledger, runledgerJson, type Told } from './command.ts';

const data = newDataDirectory();
/** Its checks hold no evidence. */
const old = 'exec_20251103_205239_896e054c';
/** It counts a blocked output as generated. */
const broken = 'exec_20251104_104412_5eed0003';
let own = '';

beforeAll(async () => {
  own = String((await runledgerJson(data.path, 'run', 'dada', 'Eine Blume', '--seed', '7'))['execution_id']);
  await runledgerJson(data.path, 'import', `test/fixtures/records/${old}.json`);
});
afterAll(() => data.remove());

const commands = (): string[][] => [
  ['audit'],
  ['audit', '--json'],
  ['audit', own],
  ['audit', own, broken, '--json'],
  ['audit', 'exec_20200101_000000_00000000'],
];
async function answers(): Promise<Record<string, Told>> {
  const told: Record<string, Told> = {};
  for (const command of commands()) told[command.join(' ')] = await runledger(data.path, command);
  return told;
}

test('audit ends with 0 where nothing is violated, and tells what is unproven', async () => {
  const all = await runledger(data.path, ['audit']);
  expect(all).toMatchObject({ status: 0, err: '' });
  expect(all.out).toMatch(/^2 runs with \d+ events: 0 violations, 3 unproven$/m);
  expect(all.out).toMatch(
    new RegExp(`^${old} +I4 +unproven +5 +Item 5 \\(stage3_safety_check\\) names no policy\\.$`, 'm'),
  );
  const one = await runledger(data.path, ['audit', own]);
  expect(one).toMatchObject({ status: 0, err: '' });
  expect(one.out.match(/^I\d+ +pass +– /gm)).toHaveLength(10);
});

test('audit ends with 4 where a violation is found, here and at the running service alike', async () => {
  await runledgerJson(data.path, 'import', `test/fixtures/records/${broken}.json`);
  const here = await answers();
  expect(here['audit']).toMatchObject({ status: 4, err: '' });
  expect(here['audit']?.out).toMatch(new RegExp(`^${broken} +I8 +fail +9 `, 'm'));
  expect(here[`audit ${own}`]).toMatchObject({ status: 0 });
  expect(here[`audit ${own} ${broken} --json`]).toMatchObject({ status: 4 });
  expect(here['audit exec_20200101_000000_00000000']).toMatchObject({ status: 1, out: '' });
  const shown = JSON.parse(here['audit --json']?.out ?? '') as Record<string, unknown[]>;
  expect(shown['violations']).toMatchObject([{ execution_id: broken, invariant: 'I8', offending: [9] }]);
  expect(shown).toMatchObject({ complete: true, checked: { runs: 3 } });
  const service = await startServiceProcess(data.path);
  try {
    // Where the log ends is another place once a service has begun.
    const there = await answers();
    expect(withoutPlace(there)).toEqual(withoutPlace(here));
  } finally {
    service.process.kill('SIGTERM');
  }
  expect(await service.exited).toBe(0);
});

const withoutPlace = (told: Record<string, Told>): string =>
  JSON.stringify(told).replaceAll(/\\"as_of\\":\\"[^"]*\\"/g, '');
