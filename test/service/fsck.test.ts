import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DataDirectory, newDataDirectory, runledger } from '../cli/command.ts';
import { recordId, writeRecords } from '../cli/record-files.ts';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import { eventHash } from '../../src/events/digest.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { loadService } from '../crash/service-load.ts';
import { startServiceProcess } from '../crash/service-process.ts';
import { keepEmbedded } from '../store-under-test.ts';
import { type Damage, damage } from './damage.ts';

type Report = {
  readonly streams: number;
  readonly events: number;
  readonly faults: readonly {
    readonly stream: string;
    readonly sequence: number | null;
    readonly kind: string;
  }[];
  readonly differences: readonly { readonly projection: string; readonly table: string }[];
};

let sound: DataDirectory;
/** Runs of the sound ledger that took several appends: items 1 and 2 stand in the first. */
let runs: readonly string[] = [];
let policy = '';

beforeAll(async () => {
  sound = newDataDirectory();
  keepEmbedded(sound.path);
  const service = await startServiceProcess(sound.path);
  for (const text of ['Eine Blume', 'Ein Baum', 'Ein Fluss']) {
    const answer = await fetch(`${service.url}/api/schema/pipeline/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema: 'dada', input_text: text }),
    });
    expect(answer.status).toBe(200);
    // Which has what is there signed.
    const { execution_id: id } = (await answer.json()) as { execution_id: string };
    expect((await fetch(`${service.url}/api/runs/${id}/export/audit`)).status).toBe(200);
  }
  service.process.kill('SIGTERM');
  expect(await service.exited).toBe(0);
  writeRecords(sound.beside('old'), 3);
  expect((await runledger(sound.path, ['import', sound.beside('old')])).status).toBe(0);
  const { events } = await damage(join(sound.path, 'log'));
  const streams = [...new Set(events.map(({ stream }) => stream))];
  runs = streams.filter((stream) => stream.startsWith('run-exec_') && !stream.includes('20251103'));
  policy = streams.find((stream) => stream.startsWith('policy-')) ?? '';
});
afterAll(() => sound.remove());

let data: DataDirectory;
let hurt: Damage;
beforeEach(async () => {
  data = newDataDirectory();
  cpSync(sound.path, data.path, { recursive: true });
  hurt = await damage(join(data.path, 'log'));
});
afterEach(() => data.remove());

async function fsck(): Promise<Report & { readonly status: number | null }> {
  const { status, out, err } = await runledger(data.path, ['fsck', '--json']);
  if (out === '') throw new Error(err);
  return { status, ...(JSON.parse(out) as Report) };
}

/** Writes the log anew, as a forger would who leaves no trace in the store: false leaves an event out. */
async function rewrite(edit: (event: StoredEvent) => boolean | StoredEvent): Promise<void> {
  rmSync(join(data.path, 'log'), { recursive: true });
  const store = await openLmdbLog({ directory: join(data.path, 'log') });
  for (const event of hurt.events) {
    const edited = edit(event);
    if (edited === false) continue;
    const { stream, revision } = event;
    await store.append(
      stream,
      [edited === true ? event : edited],
      revision === 0 ? 'noStream' : revision - 1,
    );
  }
  await store.close();
}

const run = (index: number): string => runs[index] ?? '';

describe('fsck', () => {
  test('of a sound ledger ends with 0, checks every event, and leaves the directory as it is', async () => {
    const before = readdirSync(data.path).sort();
    const report = await fsck();
    expect(report).toMatchObject({ status: 0, faults: [], differences: [], events: hurt.events.length });
    expect(report.streams).toBe(new Set(hurt.events.map(({ stream }) => stream)).size);
    expect(readdirSync(data.path).sort()).toEqual(before);
  });

  test('names a flipped byte by stream and sequence number, ends with 4, and goes on behind it', async () => {
    await hurt.flipByte(hurt.ordinalOf(run(0), 4));
    await hurt.flipByte(hurt.ordinalOf(run(0), 6));
    await hurt.flipByte(hurt.ordinalOf(run(2), 1));
    const { status, faults } = await fsck();
    expect(status).toBe(4);
    expect(faults.map(({ stream, sequence, kind }) => [stream, sequence, kind])).toEqual([
      [run(0), 4, 'damaged'],
      [run(0), 6, 'damaged'],
      [run(2), 1, 'damaged'],
    ]);
  });

  test('tells a person each fault in a line, and what to do', async () => {
    await hurt.flipByte(hurt.ordinalOf(run(1), 3));
    const { status, out, err } = await runledger(data.path, ['fsck']);
    expect(status).toBe(4);
    expect(err).toMatch(new RegExp(`^damaged: ${run(1)} item 3: [^\\n]+\\n$`));
    expect(out).toMatch(/1 faults, .*\nread models were not compared: mend the log from a backup first\n$/);
  });

  test('names an event that was removed, in the middle and at the end of a stream', async () => {
    const last = hurt.events.filter(({ stream }) => stream === run(0)).length;
    await hurt.removeRecord(hurt.ordinalOf(run(1), 5));
    await hurt.removeRecord(hurt.ordinalOf(run(0), last));
    const { status, faults } = await fsck();
    expect(status).toBe(4);
    expect(faults.map(({ stream, sequence }) => [stream, sequence])).toEqual([
      [run(0), last],
      [run(1), 5],
    ]);
  });

  test('notices the removed end of a stream though nothing leads to it any more', async () => {
    const last = hurt.events.filter(({ stream }) => stream === run(0)).length;
    const ordinal = hurt.ordinalOf(run(0), last);
    await hurt.removeRecord(ordinal);
    await hurt.removeIndex(run(0), last);
    const { status, faults } = await fsck();
    expect(status).toBe(4);
    expect(faults).toEqual([
      { stream: 'unknown', sequence: null, kind: 'unlinked', what: expect.stringContaining(`-${ordinal}: `) },
    ]);
  });

  test('names the run whose end was cut off so that the log is sound without it, by the signed run heads', async () => {
    const items = hurt.events.filter(({ stream }) => stream === run(1)).length;
    await rewrite((event) => event.stream !== run(1) || event.revision < items - 2);
    const { status, faults } = await fsck();
    expect(status).toBe(4);
    expect(faults).toEqual([
      expect.objectContaining({ stream: 'ledger', kind: 'unlinked' }),
      {
        stream: run(1),
        sequence: items - 1,
        kind: 'unlinked',
        what: expect.stringMatching(
          new RegExp(
            `^it is missing: the run heads that checkpoint \\d+ signs say that the run had ${items} items$`,
          ),
        ),
      },
    ]);
  });

  test('names the run that was taken out of a log that is sound without it, and where only one item is another', async () => {
    await rewrite(({ stream }) => stream !== run(0));
    expect((await fsck()).faults[1]).toMatchObject({ stream: run(0), sequence: 1 });
    data.remove();
    data = newDataDirectory();
    cpSync(sound.path, data.path, { recursive: true });
    const last = hurt.events.findLast(({ stream }) => stream === run(0))?.revision ?? 0;
    await rewrite((event) => {
      if (event.stream !== run(0) || event.revision !== last) return true;
      const core = Buffer.from(Buffer.from(event.core).toString().replace('"time":"20', '"time":"19'));
      return { ...event, core, hash: eventHash(core) };
    });
    const [, fault] = (await fsck()).faults;
    expect(fault).toMatchObject({ stream: run(0), sequence: last + 1, kind: 'unlinked' });
  });

  test('notices events that their stream does not lead to, and what stands behind them', async () => {
    await hurt.removeIndex(run(0), 5);
    await hurt.flipByte(hurt.ordinalOf(run(0), 7));
    const { status, faults } = await fsck();
    expect(status).toBe(4);
    expect(faults.map(({ stream, sequence }) => [stream, sequence])).toEqual([
      [run(0), 5],
      [run(0), 7],
    ]);
  });

  test('notices a stream whose name is lost, and checks the others', async () => {
    const count = hurt.events.filter(({ stream }) => stream === run(0)).length;
    await hurt.flipByte(hurt.ordinalOf(run(2), 2));
    await hurt.removeName(run(0));
    const { status, faults } = await fsck();
    expect(status).toBe(4);
    expect(faults[0]).toMatchObject({ stream: run(2), sequence: 2, kind: 'damaged' });
    const nameless = faults.filter(({ stream }) => stream.startsWith('number '));
    expect(nameless.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: count }, (_, at) => at + 1),
    );
  });

  test('notices events that were put in another order, each of them sound in itself', async () => {
    await hurt.exchange(hurt.ordinalOf(run(1), 4), hurt.ordinalOf(run(1), 5));
    const { status, faults } = await fsck();
    expect(status).toBe(4);
    expect(faults.filter(({ stream }) => stream === run(1)).map(({ sequence }) => sequence)).toEqual(
      expect.arrayContaining([4, 5]),
    );
    expect(faults.every(({ stream }) => stream === run(1))).toBe(true);
  });

  test('notices an event that was put into another stream, and a changed policy', async () => {
    await hurt.exchange(hurt.ordinalOf(run(0), 5), hurt.ordinalOf(run(1), 5));
    await hurt.flipByte(hurt.ordinalOf(policy, 1));
    const { status, faults } = await fsck();
    expect(status).toBe(4);
    for (const [stream, sequence] of [
      [policy, 1],
      [run(0), 5],
      [run(1), 5],
    ])
      expect(faults).toContainEqual(expect.objectContaining({ stream, sequence }));
  });

  test('notices a read model whose row is not what the log says, names it, and rebuild mends it', async () => {
    const id = recordId(1);
    await changeSummary(join(data.path, 'projections'), id);
    const { status, faults, differences } = await fsck();
    expect({ status, faults }).toEqual({ status: 4, faults: [] });
    expect(differences).toEqual([expect.objectContaining({ projection: 'run-list' })]);
    const { err } = await runledger(data.path, ['fsck']);
    expect(err).toMatch(/^differs: run-list\//);
    expect((await runledger(data.path, ['rebuild', 'run-list'])).status).toBe(0);
    expect(await fsck()).toMatchObject({ status: 0, differences: [] });
  });

  test('of a ledger whose read models were deleted checks the log alone', async () => {
    rmSync(join(data.path, 'projections'), { recursive: true });
    expect(await fsck()).toMatchObject({ status: 0, events: hurt.events.length });
  });

  test('of a directory without a log says so, and leaves nothing there', async () => {
    const empty = newDataDirectory();
    const embedded = { RUNLEDGER_STORE: 'lmdb' };
    const told = await runledger(empty.path, ['fsck'], embedded);
    expect(told).toMatchObject({ status: 1, out: '' });
    expect(told.err).toBe(`runledger: ${join(empty.path, 'log')} has no data.mdb: check the directory.\n`);
    expect(readdirSync(empty.path)).toEqual([]);
    const missing = await runledger(empty.beside('nowhere'), ['fsck'], embedded);
    expect(missing.status).toBe(1);
    expect(missing.err).not.toMatch(/\n.+\n/);
    empty.remove();
  });

  test('beside a running service under load reports no fault', async () => {
    const service = await startServiceProcess(data.path);
    const { begun, sent } = loadService(service.url, 1, 8);
    await begun;
    for (let round = 0; round < 3; round += 1) {
      const { status, faults, differences } = await fsck();
      expect({ status, faults, differences }).toEqual({ status: 0, faults: [], differences: [] });
    }
    service.process.kill('SIGTERM');
    expect(await service.exited).toBe(0);
    expect((await sent).length).toBeGreaterThan(0);
    expect(await fsck()).toMatchObject({ status: 0, faults: [], differences: [] });
  });
});

/** Gives a run another status in the first table of the run list that has it as JSON. */
async function changeSummary(directory: string, id: string): Promise<void> {
  const root = open({ path: directory, noSubdir: false, maxDbs: 512, pageSize: 8192 });
  const names = [...root.getKeys()].filter((key): key is string => typeof key === 'string');
  for (const name of names.filter((key) => key.includes('run-list'))) {
    const table = root.openDB<Buffer, string>({ name, encoding: 'binary' });
    // All read before the first is written: lmdb closes the reading transaction under an open range.
    const rows = Array.from(table.getRange({}));
    for (const { key, value } of rows) {
      const text = value.toString();
      if (!text.includes(id) || !text.includes('"completed"')) continue;
      await table.put(key, Buffer.from(text.replace('"completed"', '"failed"')));
      await root.close();
      return;
    }
  }
  throw new Error(`No row of ${names.join()} speaks of ${id}`);
}
