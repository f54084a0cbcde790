import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import { startProgram } from '../crash/child.ts';
import { loadService } from '../crash/service-load.ts';
import { compiled, environmentOf, startServiceProcess } from '../crash/service-process.ts';
import { fill } from '../event-store/ready-events.ts';
import { eventsOf } from '../service/rest.ts';
import { keepEmbedded } from '../store-under-test.ts';
import { type DataDirectory, newDataDirectory, runledger, runledgerJson } from './command.ts';

let data: DataDirectory;
beforeEach(() => {
  data = newDataDirectory();
  keepEmbedded(data.path);
});
afterEach(() => data.remove());

const idsIn = async (directory: string): Promise<readonly string[]> =>
  (await eventsOf(directory)).map(({ id }) => id);

/** A log of many small streams, so that copying it takes many appends. */
async function makeLog(streams: number): Promise<void> {
  const store = await openLmdbLog({ directory: join(data.path, 'log') });
  await Promise.all(Array.from({ length: streams }, (_, number) => fill(store, `run-${number}`, 2)));
  await store.close();
}

/** Copies as a process of its own, and sends it a signal once it has told that events are copied. */
async function copyUntil(to: string, signal: NodeJS.Signals) {
  const child = spawn(process.execPath, [compiled('cli'), 'copy', '--to', to], {
    env: environmentOf(data.path),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = text(child.stdout);
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const told: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    told.push(line);
    if (told.length === 1) child.kill(signal);
  }
  const [status, killed] = await exited;
  return { status, killed, out: await out, told };
}

describe('runledger copy', () => {
  test('makes a ledger that answers like the original, with the keys and media of that', async () => {
    const { execution_id: id } = await runledgerJson(data.path, 'run', 'image_comparison', 'Eine Blume');
    const copy = data.beside('copy');
    const { status, out, err } = await runledger(data.path, ['copy', '--to', `lmdb:${copy}`]);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const events = (await idsIn(data.path)).length;
    expect(out).toMatch(
      new RegExp(`^${events} events in \\d+ streams are the same in lmdb and in lmdb:${copy} `),
    );
    expect(out).toMatch(/^ledger root of both: [A-Za-z0-9+/]{43}=$/m);
    expect(out).toMatch(/^not copied: keys\/ and media\/.*read models/m);
    const show = ['show', String(id), '--json'];
    const shown = await runledger(data.path, show);
    // With the same data directory, and as a data directory of its own.
    expect(await runledger(data.path, show, { RUNLEDGER_STORE: `lmdb:${copy}` })).toEqual(shown);
    for (const folder of ['keys', 'media'])
      cpSync(join(data.path, folder), join(copy, folder), { recursive: true });
    expect(await runledger(copy, show)).toEqual(shown);
    expect(await runledgerJson(copy, 'fsck')).toMatchObject({ faults: [], differences: [], erased: 0 });
  });

  test('tells numbers, root and seconds as data, adds nothing the second time, and compares without writing', async () => {
    await makeLog(20);
    const copy = `lmdb:${data.beside('copy')}`;
    const told = await runledgerJson(data.path, 'copy', '--from', 'lmdb', '--to', copy);
    expect(told).toEqual({
      from: 'lmdb',
      to: copy,
      events: 40,
      streams: 20,
      root: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      added: 40,
      seconds: expect.any(Number),
    });
    const same = { events: 40, streams: 20, root: told['root'], added: 0 };
    expect(await runledgerJson(data.path, 'copy', '--to', copy)).toMatchObject(same);
    expect(await runledgerJson(data.path, 'copy', '--from', copy, '--to', 'lmdb')).toMatchObject(same);
    expect(await runledgerJson(data.path, 'copy', '--to', copy, '--verify-only')).toMatchObject(same);
    await makeMore();
    const refused = await runledger(data.path, ['copy', '--to', copy, '--verify-only']);
    expect(refused).toMatchObject({ status: 1, out: '' });
    expect(refused.err).toMatch(
      /at event 41 of the log, item 1 of run-more, the target has ended; copy again/,
    );
    expect(await idsIn(data.beside('copy'))).toHaveLength(40);
  });

  async function makeMore(): Promise<void> {
    const store = await openLmdbLog({ directory: join(data.path, 'log') });
    await fill(store, 'run-more', 1);
    await store.close();
  }

  test('works beside a service that writes to the source, and takes the rest once that has stopped', async () => {
    const service = await startServiceProcess(data.path);
    const { begun, sent } = loadService(service.url, 3, 4);
    await begun;
    const copy = data.beside('copy');
    const first = await runledgerJson(data.path, 'copy', '--to', `lmdb:${copy}`);
    expect(Number(first['added'])).toBeGreaterThan(0);
    service.process.kill('SIGTERM');
    expect(await service.exited).toBe(0);
    await sent;
    const second = await runledgerJson(data.path, 'copy', '--to', `lmdb:${copy}`);
    expect(second['events']).toBe(Number(first['added']) + Number(second['added']));
    expect(await idsIn(copy)).toEqual(await idsIn(data.path));
  });

  test('that was killed goes on where it was, and loses and doubles nothing', async () => {
    await makeLog(1_500);
    const copy = data.beside('copy');
    const { killed, told } = await copyUntil(`lmdb:${copy}`, 'SIGKILL');
    expect([killed, told[0]]).toEqual(['SIGKILL', expect.stringMatching(/^copied \d+ of 3000 events$/)]);
    const whole = await idsIn(data.path);
    const left = await idsIn(copy);
    expect(left.length).toBeGreaterThanOrEqual(1_000);
    expect(left.length).toBeLessThan(3_000);
    expect(left).toEqual(whole.slice(0, left.length));
    const resumed = await runledgerJson(data.path, 'copy', '--to', `lmdb:${copy}`);
    expect(resumed).toMatchObject({ events: 3_000, streams: 1_500, added: 3_000 - left.length });
    expect(await idsIn(copy)).toEqual(whole);
  });

  test('ends with status 130 at Ctrl-C, says how far it came, and goes on from there', async () => {
    await makeLog(1_500);
    const copy = data.beside('copy');
    const { status, out, told } = await copyUntil(`lmdb:${copy}`, 'SIGINT');
    expect({ status, out }).toEqual({ status: 130, out: '' });
    const [, stored = ''] =
      /^runledger: interrupted; copied (\d+) of 3000 events: run the same command again to go on from there$/.exec(
        told.at(-1) ?? '',
      ) ?? [];
    expect(await idsIn(copy)).toHaveLength(Number(stored));
    expect(await runledgerJson(data.path, 'copy', '--to', `lmdb:${copy}`)).toMatchObject({
      events: 3_000,
      added: 3_000 - Number(stored),
    });
  });

  test('into a ledger with a history of its own is refused, and changes nothing there', async () => {
    await makeLog(2);
    const other = data.beside('other');
    keepEmbedded(other);
    await runledgerJson(other, 'run', 'dada', 'Eine Blume');
    const before = await idsIn(other);
    const { status, out, err } = await runledger(data.path, ['copy', '--to', `lmdb:${other}`]);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toMatch(/^runledger: The target is no copy of the source: at event 1 of the log, item 1 of /);
    expect(await idsIn(other)).toEqual(before);
  });

  test('into a log that a process has is refused with its pid', async () => {
    await makeLog(1);
    const log = data.beside('held');
    const holder = startProgram('log-holder', [log]);
    await holder.line();
    holder.process.stdin.write('go\n');
    expect(await holder.line()).toBe('held');
    const { status, err } = await runledger(data.path, ['copy', '--to', `lmdb:${log}`]);
    expect({ status, err }).toMatchObject({
      status: 1,
      err: expect.stringContaining(`is held by the process ${holder.process.pid}`) as string,
    });
    holder.process.stdin.end();
    expect(await holder.exited).toBe(0);
  });

  test('of nothing is refused, and makes nothing', async () => {
    const copy = data.beside('copy');
    const { status, err } = await runledger(data.path, ['copy', '--to', `lmdb:${copy}`]);
    expect({ status, err }).toMatchObject({
      status: 1,
      err: expect.stringContaining('has no data.mdb') as string,
    });
    expect(existsSync(copy)).toBe(false);
  });

  test('of a log into itself is refused, by whatever names', async () => {
    await makeLog(1);
    symlinkSync(data.path, data.beside('link'));
    for (const name of [`lmdb:${data.path}`, `lmdb:${data.path}/log`, `lmdb:${data.beside('link')}`]) {
      const { status, err } = await runledger(data.path, ['copy', '--from', name, '--to', 'lmdb']);
      expect({ status, err }).toMatchObject({
        status: 1,
        err: expect.stringContaining('are the same log') as string,
      });
    }
  });

  test('without a store to copy from or to is wrong usage', async () => {
    expect(await runledger(data.path, ['copy'])).toMatchObject({ status: 2, out: '' });
  });

  test('never shows the password of a server', async () => {
    await makeLog(1);
    const server = 'esdb://admin:changeit@127.0.0.1:2113?nonsense=1';
    for (const [from, to] of [
      ['lmdb', server],
      [server, 'lmdb'],
      [server, server],
      ['lmdb', server.replace('esdb', 'other')],
    ] as const) {
      const { status, out, err } = await runledger(data.path, ['copy', '--from', from, '--to', to]);
      expect(status).toBe(1);
      expect(err).toMatch(/:\/\/(admin:…@)?127\.0\.0\.1:2113/);
      expect(out + err).not.toContain('changeit');
    }
  });

  const limited = spawnSync('which', ['prlimit']).status === 0 ? test : test.skip;
  limited('onto a full disk stops, says how far it came, and goes on once there is room', async () => {
    await makeLog(1_500);
    const copy = data.beside('copy');
    mkdirSync(copy);
    const command = `ulimit -S -f 500; exec "${process.execPath}" "${compiled('cli')}" copy --to "lmdb:${copy}"`;
    const full = spawnSync('bash', ['-c', command], { env: environmentOf(data.path), encoding: 'utf8' });
    expect(full.status).toBe(1);
    const [, stored = ''] = /The copy stopped behind event (\d+) of the log/.exec(full.stderr) ?? [];
    expect(full.stderr).toContain('found no room on the disk');
    expect(await idsIn(copy)).toHaveLength(Number(stored));
    const resumed = await runledgerJson(data.path, 'copy', '--to', `lmdb:${copy}`);
    expect(resumed).toMatchObject({ events: 3_000, added: 3_000 - Number(stored) });
    rmSync(copy, { recursive: true });
  });
});
