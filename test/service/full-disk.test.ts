import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { newDataDirectory, runledger, runledgerJson } from '../cli/command.ts';
import { type ServiceProcess, startServiceProcess } from '../crash/service-process.ts';
import { keepEmbedded } from '../store-under-test.ts';
import { ask } from './rest.ts';

const has = (command: string): boolean => spawnSync('which', [command]).status === 0;
const limited = has('prlimit') ? test : test.skip;
const aloud = has('prlimit') ? '' : ' – SKIPPED: prlimit is not installed';
/** Files of the service may have so many KiB until there is room again. */
const fileLimitKiB = 1_500;

limited(
  `a full disk is 507 over HTTP; the service lives on, and works again once there is room${aloud}`,
  async () => {
    const data = newDataDirectory();
    keepEmbedded(data.path);
    const service = await startServiceProcess(data.path, {}, `ulimit -S -f ${fileLimitKiB}`);
    expect(
      (await ask(service.url, '/api/runs', { execution_id: 'full-1', config_name: 'dada' })).status,
    ).toBe(201);
    const stored = await fill(service);
    expect(stored).toBeGreaterThan(1);

    expect(await ask(service.url, '/health/live')).toMatchObject({ status: 204 });
    for (let round = 0; round < 3; round += 1) expect((await add(service)).status).toBe(507);
    const prompt = { schema: 'dada', input_text: 'Eine Blume' };

    const pid = String(service.process.pid);
    expect(spawnSync('prlimit', ['--pid', pid, '--fsize=unlimited:unlimited']).status).toBe(0);
    const again = await add(service);
    expect(again.status).toBe(201);
    // Nothing of what was refused is there, and nothing that was acknowledged is missing: item 1 began the run.
    expect(again.json).toMatchObject({ sequence_numbers: [stored + 2] });
    expect((await ask(service.url, '/api/schema/pipeline/execute', prompt)).status).toBe(200);
    const { json } = await ask(service.url, '/api/runs/full-1');
    expect(json['items']).toHaveLength(stored + 2);
    expect(await ask(service.url, '/health/ready')).toMatchObject({ status: 200 });

    service.process.kill('SIGTERM');
    expect(await service.exited).toBe(0);
    expect(await runledgerJson(data.path, 'fsck')).toMatchObject({ faults: [], differences: [] });
    expect((await runledger(data.path, ['list'])).status).toBe(0);
    data.remove();
  },
);

const add = (service: ServiceProcess) =>
  ask(service.url, '/api/runs/full-1/items', {
    item_type: 'foreign_step',
    stage: 2,
    content: 'Wiese '.repeat(30_000),
  });

/** Adds items until the disk is full; how many were acknowledged. */
async function fill(service: ServiceProcess): Promise<number> {
  for (let stored = 0; ; stored += 1) {
    const answer = await add(service);
    if (answer.status === 201) continue;
    expect(answer).toMatchObject({
      status: 507,
      type: 'application/problem+json',
      json: { status: 507, type: 'urn:runledger:error:storage-full' },
    });
    return stored;
  }
}
