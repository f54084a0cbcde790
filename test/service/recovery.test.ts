import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ExecutionItem } from '../../src/events/item.ts';
import { type DataDirectory, newDataDirectory } from '../cli/command.ts';
import { type ServiceProcess, startServiceProcess } from '../crash/service-process.ts';
import { ask, eventsOf } from './rest.ts';

let data: DataDirectory;
beforeEach(() => {
  data = newDataDirectory();
});
afterEach(() => data.remove());

type Listed = { readonly total: number; readonly executions: readonly { readonly execution_id: string }[] };

async function stop(service: ServiceProcess): Promise<void> {
  service.process.kill('SIGTERM');
  expect(await service.exited).toBe(0);
}

/** Kills a service while it executes; the ids of the runs that it left open. */
async function leaveOpen(): Promise<readonly string[]> {
  const service = await startServiceProcess(data.path);
  const prompts = Array.from({ length: 24 }, (_, index) =>
    ask(service.url, '/api/schema/pipeline/execute', {
      schema: 'stillepost',
      input_text: `Ein Fluss ${index}`,
      user_id: 'left-open',
    }).catch(() => undefined),
  );
  for (;;) {
    const { json } = await ask(service.url, '/api/runs?status=running&user_id=left-open');
    if ((json as Listed).total > 3) break;
  }
  service.process.kill('SIGKILL');
  expect(await service.exited).toBe('SIGKILL');
  await Promise.all(prompts);
  const last = new Map<string, string>();
  for (const { stream, type } of await eventsOf(data.path)) {
    if (stream.startsWith('run-')) last.set(stream, type);
  }
  const ended = new Set(['pipeline_complete']);
  return [...last].flatMap(([stream, type]) => (ended.has(type) ? [] : stream.replace('run-', '')));
}

test('runs that kill -9 left open go on at the next start, to their end, without repeating a step', async () => {
  let open: readonly string[] = [];
  // The kill may have come when none was open.
  while (open.length === 0) open = await leaveOpen();
  const service = await startServiceProcess(data.path);
  for (;;) {
    const { json } = await ask(service.url, '/api/runs?status=active');
    if ((json as Listed).total === 0) break;
  }
  for (const id of open) {
    const { json } = await ask(service.url, `/api/runs/${id}`);
    expect(json).toMatchObject({ status: 'completed', findings: [] });
    const iterations = (json['items'] as ExecutionItem[]).filter((item) => item.stage_iteration !== null);
    const results = iterations.filter((item) => item.item_type === 'interception_iteration');
    expect(results.map((item) => item.stage_iteration)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  }
  await stop(service);
  // The ledger may have something to sign.
  const others = async () => (await eventsOf(data.path)).filter(({ stream }) => stream !== 'ledger').length;
  const before = await others();
  await stop(await startServiceProcess(data.path));
  expect(await others()).toBe(before);
});

test('a run of a pipeline elsewhere is none of ours to end', async () => {
  const first = await startServiceProcess(data.path);
  const begun = await ask(first.url, '/api/runs', { execution_id: 'elsewhere-1', config_name: 'dada' });
  expect(begun.status).toBe(201);
  first.process.kill('SIGKILL');
  await first.exited;
  const second = await startServiceProcess(data.path);
  expect((await ask(second.url, '/api/runs/elsewhere-1')).json).toMatchObject({ is_terminal: false });
  const item = { item_type: 'user_input_text', content: 'it goes on' };
  expect((await ask(second.url, '/api/runs/elsewhere-1/items', item)).status).toBe(201);
  await stop(second);
});

test('a start that finds a log whose keys are gone is refused, and makes no new ones', async () => {
  await stop(await startServiceProcess(data.path));
  rmSync(join(data.path, 'keys'), { recursive: true });
  await expect(startServiceProcess(data.path, { RUNLEDGER_LOG_LEVEL: 'info' })).rejects.toThrow(
    /ended with 1 .*keys\/deployment\.json is damaged or gone/s,
  );
  expect(existsSync(join(data.path, 'keys', 'deployment.json'))).toBe(false);
});

test('a start on a port that is taken ends with status 1 and leaves the directory free', async () => {
  const first = await startServiceProcess(data.path);
  const port = new URL(first.url).port;
  const other = newDataDirectory();
  try {
    const refused = startServiceProcess(other.path, { RUNLEDGER_PORT: port, RUNLEDGER_LOG_LEVEL: 'info' });
    await expect(refused).rejects.toThrow(/ended with 1 .*ADDRESS_IN_USE/s);
    await stop(await startServiceProcess(other.path));
  } finally {
    other.remove();
    await stop(first);
  }
});
