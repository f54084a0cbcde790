import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { backUpLedger } from '../../src/service/backup.ts';
import { type DataDirectory, newDataDirectory, runledger, runledgerJson } from '../cli/command.ts';
import { loadService } from '../crash/service-load.ts';
import { type ServiceProcess, startServiceProcess } from '../crash/service-process.ts';
import { keepEmbedded } from '../store-under-test.ts';
import { ask, eventsOf } from './rest.ts';

let data: DataDirectory;
beforeEach(() => {
  data = newDataDirectory();
});
afterEach(() => data.remove());

async function stop(service: ServiceProcess): Promise<void> {
  service.process.kill('SIGTERM');
  expect(await service.exited).toBe(0);
}

type Items = readonly { readonly file_path: string | null }[];

/** Digests that the items of every run in the ledger name. */
async function mediaOf(directory: string): Promise<readonly string[]> {
  const ids = new Set(
    (await eventsOf(directory))
      .filter(({ type }) => type === 'output_image')
      .map(({ stream }) => stream.replace('run-', '')),
  );
  const found: string[] = [];
  const service = await startServiceProcess(directory);
  for (const id of ids) {
    const { json } = await ask(service.url, `/api/runs/${id}`);
    for (const { file_path } of json['items'] as Items) {
      const digest = file_path?.match(/[0-9a-f]{64}/)?.[0];
      if (digest === undefined) continue;
      expect((await fetch(`${service.url}/api/media/${digest}`)).status).toBe(200);
      found.push(digest);
    }
  }
  await stop(service);
  return found;
}

describe('backup', () => {
  test('while a service writes restores to a sound ledger with all that was there before, keys and media too', async () => {
    const service = await startServiceProcess(data.path);
    const picture = { schema: 'image_comparison', input_text: 'Eine Blume', seed: 1 };
    expect((await ask(service.url, '/api/schema/pipeline/execute', picture)).status).toBe(200);
    const { begun, sent } = loadService(service.url, 5, 8);
    await begun;
    const copies = ['copy-0', 'copy-1'].map(data.beside);
    for (const [index, copy] of copies.entries()) {
      const { json } = await ask(service.url, '/api/runs?limit=1');
      expect(await runledger(data.path, ['backup', copy])).toMatchObject({ status: 0, err: '' });
      const more = { ...picture, input_text: `Ein Baum ${index}` };
      expect((await ask(service.url, '/api/schema/pipeline/execute', more)).status).toBe(200);
      expect((await eventsOf(copy)).length).toBeGreaterThan(0);
      expect(await runledgerJson(copy, 'fsck')).toMatchObject({ faults: [], differences: [], erased: 0 });
      const { total } = (await runledgerJson(copy, 'list', '--limit', '1')) as { total: number };
      expect(total).toBeGreaterThanOrEqual(Number(json['total']));
    }
    await stop(service);
    await sent;
    const whole = (await eventsOf(data.path)).map(({ id }) => id);
    for (const [index, copy] of copies.entries()) {
      // What the copy took itself (runs that it found open and ended) stands behind.
      const ids = (await eventsOf(copy)).map(({ id }) => id);
      const shared = ids.findIndex((id, at) => id !== whole[at]);
      expect(shared === -1 ? ids.length : shared).toBeGreaterThan(7);
      expect((await mediaOf(copy)).length).toBeGreaterThanOrEqual(2 + index);
      expect(await runledgerJson(copy, 'fsck')).toMatchObject({ faults: [], differences: [], erased: 0 });
    }
  }, 180_000);

  test('of a stopped ledger answers like the original', async () => {
    const { execution_id: id } = await runledgerJson(data.path, 'run', 'dada', 'Eine Blume');
    const copy = data.beside('copy');
    expect(await runledgerJson(data.path, 'backup', copy)).toEqual({ directory: copy });
    expect(readdirSync(copy).sort()).toEqual(['keys', 'log', 'media']);
    expect(statSync(join(copy, 'keys')).mode & 0o777).toBe(0o700);
    expect(statSync(join(copy, 'keys', 'deployment.json')).mode & 0o777).toBe(0o600);
    const show = ['show', String(id), '--json'];
    expect(await runledger(copy, show)).toEqual(await runledger(data.path, show));
  });

  test('into a folder that holds something is refused, and changes nothing there', async () => {
    keepEmbedded(data.path);
    await runledgerJson(data.path, 'run', 'dada', 'Eine Blume');
    const target = data.beside('full');
    mkdirSync(target);
    writeFileSync(join(target, 'precious.txt'), 'precious');
    expect(await runledger(data.path, ['backup', target])).toEqual({
      status: 1,
      out: '',
      err: `runledger: ${target} holds files already: name a new or an empty directory.\n`,
    });
    const config = readConfig({ RUNLEDGER_DATA: data.path });
    await expect(backUpLedger(config, target)).rejects.toMatchObject({ code: 'BACKUP_TARGET' });
    expect(readdirSync(target)).toEqual(['precious.txt']);
  });

  test('of a directory without a log is refused, and makes nothing', async () => {
    keepEmbedded(data.path);
    const target = data.beside('copy');
    const told = await runledger(data.path, ['backup', target]);
    expect(told).toMatchObject({ status: 1, out: '' });
    expect(told.err).toContain('has no data.mdb');
    expect(existsSync(target)).toBe(false);
  });

  test('that was cut short has no log, and is never taken for a ledger without keys', async () => {
    await runledgerJson(data.path, 'run', 'dada', 'Eine Blume');
    rmSync(join(data.path, 'keys', 'deployment.json'));
    const target = data.beside('copy');
    const told = await runledger(data.path, ['backup', target]);
    expect(told.status).toBe(1);
    expect(told.err).toContain('keys/deployment.json is damaged or gone');
    expect(existsSync(join(target, 'log'))).toBe(false);
    expect((await runledger(target, ['fsck'])).status).toBe(1);
  });

  test('leaves out what is only being written among the media', async () => {
    await runledgerJson(data.path, 'run', 'image_comparison', 'Eine Blume');
    writeFileSync(join(data.path, 'media', 'tmp', 'half'), 'half a picture');
    const target = data.beside('copy');
    expect((await runledger(data.path, ['backup', target])).status).toBe(0);
    expect(existsSync(join(target, 'media', 'tmp'))).toBe(false);
  });
});

describe('a log elsewhere (RUNLEDGER_STORE=lmdb:DIR)', () => {
  test('is used by the service and by every command', async () => {
    const log = data.beside('other-disk');
    const settings = { RUNLEDGER_STORE: `lmdb:${log}` };
    const done = await runledger(data.path, ['run', 'dada', 'Eine Blume'], settings);
    expect(done.status).toBe(0);
    expect(existsSync(join(data.path, 'log'))).toBe(false);
    expect((await eventsOf(log)).length).toBeGreaterThan(7);
    const service = await startServiceProcess(data.path, settings);
    expect((await ask(service.url, '/api/runs')).json).toMatchObject({ total: 1 });
    expect((await runledger(data.path, ['list'], settings)).out).toMatch(/1 of 1 runs/);
    await stop(service);
    for (const command of [['rebuild'], ['fsck'], ['backup', data.beside('copy')]])
      expect(await runledger(data.path, command, settings)).toMatchObject({ status: 0 });
    expect(await runledgerJson(data.beside('copy'), 'list')).toMatchObject({ total: 1 });
  });
});
