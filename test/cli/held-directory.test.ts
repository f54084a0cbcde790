import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Child, startProgram } from '../crash/child.ts';
import { startServiceProcess } from '../crash/service-process.ts';
import { keepEmbedded } from '../store-under-test.ts';
import { type DataDirectory, newDataDirectory, runledger, runledgerJson } from './command.ts';

let data: DataDirectory;
beforeEach(() => {
  data = newDataDirectory();
  keepEmbedded(data.path);
});
afterEach(() => data.remove());

/** A process that has the data directory and serves nothing, as another command line has. */
async function hold(): Promise<Child> {
  const holder = startProgram('log-holder', [join(data.path, 'log')]);
  expect(await holder.line()).toBe('ready');
  holder.process.stdin.write('go\n');
  expect(await holder.line()).toBe('held');
  return holder;
}

async function release(holder: Child): Promise<void> {
  holder.process.stdin.end();
  expect(await holder.exited).toBe(0);
}

const lockedBy = (pid: number | undefined): string =>
  `runledger: ${join(data.path, 'log')} is held by the process ${pid}: wait until it ends, or stop it; a service that runs can be asked over HTTP.\n`;

describe('a directory that another command has', () => {
  test.each([['list'], ['run', 'dada', 'Eine Blume'], ['import', 'test/fixtures/records'], ['rebuild']])(
    'is refused with the pid and what to do: %s',
    async (...command) => {
      const holder = await hold();
      const told = await runledger(data.path, command);
      expect(told).toEqual({ status: 1, out: '', err: lockedBy(holder.process.pid) });
      await release(holder);
      expect((await runledger(data.path, ['list'])).status).toBe(0);
    },
  );

  test('is not mistaken for one that an address file of a dead service speaks of', async () => {
    const service = await startServiceProcess(data.path);
    service.process.kill('SIGKILL');
    expect(await service.exited).toBe('SIGKILL');
    const holder = await hold();
    expect(await runledger(data.path, ['list'])).toMatchObject({
      status: 1,
      err: lockedBy(holder.process.pid),
    });
    await release(holder);
  });

  test('of two commands at once each does its work or is refused, and nothing is lost', async () => {
    const texts = ['Eine Blume', 'Ein Baum', 'Ein Fluss', 'Ein Berg'];
    const told = await Promise.all(texts.map((text) => runledger(data.path, ['run', 'dada', text])));
    const done = told.filter(({ status }) => status === 0);
    expect(done.length).toBeGreaterThan(0);
    for (const { status, err } of told) {
      if (status !== 0) expect(err).toMatch(/is held by the process \d+: wait until it ends/);
    }
    expect((await runledgerJson(data.path, 'list'))['total']).toBe(done.length);
    expect((await runledger(data.path, ['fsck'])).status).toBe(0);
  });
});

describe('a service', () => {
  test('that does not answer is told so, with its address', async () => {
    const holder = await hold();
    // A port of this machine on which nothing listens: 1 is reserved.
    const address = { url: 'http://127.0.0.1:1', pid: holder.process.pid };
    writeFileSync(join(data.path, 'service.json'), JSON.stringify(address));
    expect(await runledger(data.path, ['list'])).toEqual({
      status: 1,
      out: '',
      err: 'runledger: The service at http://127.0.0.1:1 does not answer: see whether it is still starting or stopping, then try again.\n',
    });
    await release(holder);
  });

  test('whose address file is damaged is named by its pid', async () => {
    const holder = await hold();
    writeFileSync(join(data.path, 'service.json'), '{"url":');
    expect(await runledger(data.path, ['list'])).toMatchObject({ err: lockedBy(holder.process.pid) });
    await release(holder);
  });

  test('keeps rebuild out, and a second service too', async () => {
    const service = await startServiceProcess(data.path);
    const told = await runledger(data.path, ['rebuild']);
    expect(told).toEqual({ status: 1, out: '', err: lockedBy(service.process.pid) });
    await expect(startServiceProcess(data.path)).rejects.toThrow(/ended with 1 before it listened/);
    expect((await runledger(data.path, ['list'])).status).toBe(0);
    service.process.kill('SIGTERM');
    expect(await service.exited).toBe(0);
  });
});
