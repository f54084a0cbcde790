import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import { batchOf } from '../crash/batch.ts';
import { type Child, program, startCommand, startProgram } from '../crash/child.ts';
import { crashLog, killAfter } from '../crash/log-crash.ts';
import { freshDirectory } from './lmdb-directory.ts';
import { contents, fill, idsOf, readyEvents } from './ready-events.ts';
import { unsyncedAcks } from './sync-trace.ts';

let directory = '';
beforeEach(async () => {
  directory = await freshDirectory();
});
afterEach(() => rmSync(directory, { recursive: true }));

const has = (command: string) => spawnSync('which', [command]).status === 0;
const seed = Number(process.env['RUNLEDGER_CRASH_SEED'] ?? Date.now() % 1_000_000);

describe('C51 acked means durable', () => {
  test(`kill -9 at random points: nothing acknowledged is lost, no half batch (seed ${seed})`, async () => {
    const result = await crashLog(8, seed);
    expect(result.points).toBe(8);
    expect(result.acks).toBeGreaterThan(0);
  });

  const traced = has('strace') ? test : test.skip;
  const aloud = has('strace') ? '' : ' – SKIPPED: strace is not installed';

  traced(`the system calls show data sync and meta sync before each ack${aloud}`, async () => {
    expect(await traceOf('safe')).toEqual({ acks: 10, unsynced: [] });
  });

  traced(`the same check fails when syncing is switched off${aloud}`, async () => {
    const { acks, unsynced } = await traceOf('unsafe');
    expect(acks).toBe(10);
    expect(unsynced).toHaveLength(10);
  });

  async function traceOf(mode: 'safe' | 'unsafe') {
    const file = join(directory, 'trace');
    const log = join(directory, 'log');
    const calls = 'trace=openat,write,writev,pwrite64,pwritev,fdatasync';
    const options = ['-f', '-y', '-e', calls, '-o', file];
    const child = startCommand('strace', options.concat(process.execPath, program('log-sync'), log, mode));
    expect(await child.exited).toBe(0);
    return unsyncedAcks(readFileSync(file, 'utf8'));
  }
});

describe('C52 one writer, many readers', () => {
  test('a second writer on the embedded log gets Locked', async () => {
    const store = await openLmdbLog({ directory });
    await expect(openLmdbLog({ directory })).rejects.toMatchObject({
      code: 'LOCKED',
      params: { directory, pid: process.pid },
    });
    const other = holder();
    expect(await other.line()).toBe('ready');
    other.process.stdin.write('go\n');
    expect(await other.line()).toBe(`refused LOCKED ${process.pid}`);
    expect(await other.exited).toBe(0);
    await store.close();
    const next = await openLmdbLog({ directory });
    await next.close();
  });

  test('of two simultaneous starters exactly one wins, also over a stale lock', async () => {
    for (let round = 0; round < 4; round++) {
      const starters = [holder(), holder(), holder()];
      for (const starter of starters) expect(await starter.line()).toBe('ready');
      for (const starter of starters) starter.process.stdin.write('go\n');
      const answers = await Promise.all(starters.map((starter) => starter.line()));
      expect(answers.filter((answer) => answer === 'held')).toHaveLength(1);
      const winner = starters[answers.indexOf('held')];
      expect(answers.filter((answer) => answer === `refused LOCKED ${winner?.process.pid}`)).toHaveLength(2);
      winner?.process.kill('SIGKILL');
      await Promise.all(starters.map((starter) => starter.exited));
    }
  });

  test('a stale lock after kill -9 is recognised, also when the pid was given out again', async () => {
    const writer = startProgram('log-writer', [directory, '1', '2']);
    await killAfter(writer, 3);
    const store = await openLmdbLog({ directory });
    await store.close();
    const [lock = ''] = readdirSync(directory).filter((name) => name.startsWith('writer.'));
    // Our own pid, but a process that began at another time: what a lock left by a killed process can look like.
    writeFileSync(join(directory, lock), JSON.stringify({ pid: process.pid, started: 'another boot/1' }));
    const again = await openLmdbLog({ directory });
    await again.close();
  });

  test('another process may open a read-only snapshot and copy it beside the service', async () => {
    const store = await openLmdbLog({ directory: join(directory, 'log') });
    await fill(store, 'run-1', 1000);
    const target = join(directory, 'copy');
    const reader = startProgram('log-snapshot', [join(directory, 'log'), target]);
    expect(await reader.line()).toBe('events 1000');
    await store.append('run-1', readyEvents(1), 999);
    expect(await reader.exited).toBe(0);
    await store.close();
    const copy = await openLmdbLog({ directory: target });
    expect((await contents(copy)).length).toBeGreaterThanOrEqual(1000);
    await copy.close();
  });

  function holder(): Child {
    return startProgram('log-holder', [directory]);
  }
});

describe('C53 disk full: StorageFull, old data intact, works again after space is freed', () => {
  const limited = has('prlimit') ? test : test.skip;
  limited(`file size limit${has('prlimit') ? '' : ' – SKIPPED: prlimit is not installed'}`, async () => {
    const command = `ulimit -S -f 3000; exec "${process.execPath}" "${program('log-full')}" "${directory}"`;
    const child = startCommand('bash', ['-c', command]);
    await fullThenFreed(child, () => {
      const { status } = spawnSync('prlimit', ['--pid', String(child.process.pid), '--fsize=unlimited']);
      expect(status).toBe(0);
    });
  });

  const mounted = mayMount() ? test : test.skip;
  mounted(`small tmpfs${mayMount() ? '' : ' – SKIPPED: mounting is not permitted'}`, async () => {
    const small = join(directory, 'small');
    mkdirSync(small);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', small]).status).toBe(0);
    try {
      const ballast = join(small, 'ballast');
      writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024, 1));
      await fullThenFreed(startProgram('log-full', [join(small, 'log')]), () => rmSync(ballast));
    } finally {
      spawnSync('umount', ['--lazy', small]);
    }
  });

  async function fullThenFreed(child: Child, free: () => void) {
    const [word, code, acked, readable] = (await child.line())?.split(' ') ?? [];
    expect([word, code, readable]).toEqual(['full', 'STORAGE_FULL', acked]);
    expect(Number(acked)).toBeGreaterThan(100);
    free();
    child.process.stdin.write('freed\n');
    expect(await child.line()).toBe(`stored ${Number(acked) + 20}`);
    expect(await child.line()).toBe(`read ${Number(acked) + 20}`);
    expect(await child.exited).toBe(0);
  }

  function mayMount(): boolean {
    return process.getuid?.() === 0 && has('mount') && spawnSync('unshare', ['-m', 'true']).status === 0;
  }
});

describe('C54 backup while writing restores to a prefix', () => {
  test('the copy opens, is a prefix, and takes appends of its own', async () => {
    const store = await openLmdbLog({ directory: join(directory, 'log') });
    await fill(store, 'run-0', 2000, 600);
    const control = new AbortController();
    const writer = (async () => {
      for (let revision = -1; !control.signal.aborted; revision += 3) {
        await store.append('run-1', batchOf(3).events, revision < 0 ? 'noStream' : revision);
      }
    })();
    const target = join(directory, 'copy');
    await store.backup(target);
    control.abort();
    await writer;
    await expect(store.backup(target)).rejects.toMatchObject({ code: 'NO_LOG' });
    const all = idsOf(await contents(store));
    await store.close();

    expect(readdirSync(target).map((name) => basename(name))).toEqual(['data.mdb']);
    const copy = await openLmdbLog({ directory: target });
    const copied = idsOf(await contents(copy));
    expect(copied.length).toBeGreaterThanOrEqual(2000);
    expect(copied).toEqual(all.slice(0, copied.length));
    expect((await copy.append('run-new', readyEvents(1), 'noStream')).revision).toBe(0);
    await copy.close();
  });
});

describe('C40 the process can exit', () => {
  test.each(['exit', 'end'])(
    'after close, with appends in flight and a subscription waiting (%s)',
    async (mode) => {
      const child = startProgram('log-exit', [directory, mode]);
      expect(await child.line()).toBe('acked 50');
      expect(await child.exited).toBe(0);
    },
  );
});
