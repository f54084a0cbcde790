import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { chainStart } from '../../src/events/digest.ts';
import { placeItem, sealItem } from '../../src/events/envelope.ts';
import { createIds } from '../../src/run/randomness.ts';
import type { Ledger } from '../../src/service/assemble.ts';
import { ledgerFiles } from '../../src/service/ledger-files.ts';
import { acceptRestore, rotateLedgerKey } from '../../src/service/ledger-key-changes.ts';
import { openLedger } from '../../src/service/open.ts';
import { type LedgerParts, openParts } from '../../src/service/parts.ts';
import { startServiceProcess } from '../crash/service-process.ts';

const log = pino({ level: 'silent' });
let directory: string;
let data: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runledger-fork-'));
  data = join(directory, 'data');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (): Promise<Ledger> => openLedger(readConfig({ RUNLEDGER_DATA: data }), log);

/** Opens the ledger, lets something be done with it, signs, and closes it. */
async function signedAfter(work: (ledger: Ledger) => Promise<void>): Promise<number> {
  const ledger = await open();
  try {
    await work(ledger);
    return (await ledger.service.ledger.sign())?.size ?? 0;
  } finally {
    await ledger.close(0);
  }
}

const record =
  (executionId: string, items = 3) =>
  async ({ service }: Ledger): Promise<void> => {
    for (let index = 0; index < items; index += 1) {
      const draft = { item_type: index === 0 ? 'pipeline_start' : 'my_own_step', stage: index === 0 ? 0 : 2 };
      const run = index === 0 ? 'new' : 'existing';
      await service.recorder.record({ executionId, by: 'foreign', items: [{ draft }], run });
    }
  };

/** Stores an event that no read model can read: its payload was sealed for another one. */
async function stopReadModel(): Promise<void> {
  const { store, keys, close } = await openParts(readConfig({ RUNLEDGER_DATA: data }));
  const stream = `workflow-bad-${createIds()()}`;
  await keys.createKey(stream);
  const draft = { item_type: 'workflow_published', metadata: { document: {} } };
  const place = { id: createIds()(), stream, seq: 1, tax: '1.1', time: '2026-01-01T00:00:00Z' };
  const item = placeItem(draft, { ...place, actor: { kind: 'service', id: 'test' } });
  const other = Buffer.alloc(32, 1);
  const kit = { key: other, salt: other, nonce: other.subarray(0, 12) };
  await store.append(stream, [sealItem(item, chainStart(stream), kit)], 'noStream');
  await close();
}

/** What a data directory keeps, by path with its digest: all but read models, which are made anew, and locks. */
async function keptFiles(path: string): Promise<readonly (readonly [string, string])[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !/^(?:writer\.\d+|data\.mdb-lock|lock\.mdb)$/.test(entry.name))
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .filter((name) => !name.startsWith('projections/'))
    .sort();
  return Promise.all(
    files.map(async (name) => [name, hash('sha256', await readFile(join(path, name)))] as const),
  );
}

describe('a log that is not the one which was signed', () => {
  test('goes on as it was after every sound end', async () => {
    const first = await signedAfter(record('exec_a'));
    const second = await signedAfter(record('exec_b'));
    expect(second).toBeGreaterThan(first);
    const note = await readFile(join(data, 'keys', 'ledger-checkpoint'), 'utf8');
    expect(note.split('\n')[1]).toBe(String(second));
    expect((await stat(join(data, 'keys', 'ledger-key.json'))).mode & 0o777).toBe(0o600);
  });

  test('an older copy that was put back is refused at once, and nothing is written to it', async () => {
    await signedAfter(record('exec_a'));
    const older = join(directory, 'older');
    await cp(join(data, 'log'), older, { recursive: true });
    await signedAfter(record('exec_b'));
    await rm(join(data, 'log'), { recursive: true });
    await cp(older, join(data, 'log'), { recursive: true });
    const before = await readFile(join(data, 'log', 'data.mdb'));
    await expect(open()).rejects.toMatchObject({ code: 'LOG_FORK_DETECTED' });
    expect((await readFile(join(data, 'log', 'data.mdb'))).equals(before)).toBe(true);
  });

  /** Makes an older copy, lets it and the original go on, and puts the copy's log under the original's keys. */
  async function goneOnElsewhere(): Promise<{ original: string; copy: string }> {
    await signedAfter(record('exec_a'));
    const copy = join(directory, 'copy');
    await cp(data, copy, { recursive: true });
    const signed = await signedAfter(record('exec_b'));
    const original = data;
    data = copy;
    const forked = await signedAfter(record('exec_c', 30));
    expect(forked).toBeGreaterThan(signed);
    // The data directory is the copy now; its keys are where they were all the time.
    await rm(join(copy, 'keys'), { recursive: true });
    await cp(join(original, 'keys'), join(copy, 'keys'), { recursive: true });
    return { original, copy };
  }

  test('an older copy that went on writing elsewhere is refused, however long it has become', async () => {
    const { copy } = await goneOnElsewhere();
    await expect(open()).rejects.toMatchObject({ code: 'LOG_FORK_DETECTED' });
    await rm(join(copy, 'projections'), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: 'LOG_FORK_DETECTED' });
  });

  test('is found where the read model of the ledger has stopped, too; a sound one starts', async () => {
    await signedAfter(record('exec_a'));
    const older = join(directory, 'older');
    await cp(join(data, 'log'), older, { recursive: true });
    await signedAfter(record('exec_b'));
    await stopReadModel();
    await (await open()).close(0);
    await rm(join(data, 'log'), { recursive: true });
    await cp(older, join(data, 'log'), { recursive: true });
    await stopReadModel();
    await expect(open()).rejects.toMatchObject({ code: 'LOG_FORK_DETECTED' });
  });

  test('the service ends with status 78 on it, says why, and has written nothing', async () => {
    const { original, copy } = await goneOnElsewhere();
    const before = await keptFiles(copy);
    await expect(startServiceProcess(copy)).rejects.toThrow(
      /ended with 78 before it listened: .*"code":"LOG_FORK_DETECTED"/s,
    );
    expect(await keptFiles(copy)).toEqual(before);
    expect(before.map(([name]) => name)).toEqual(
      expect.arrayContaining(['keys/ledger-checkpoint', 'keys/ledger-key.json', 'log/data.mdb']),
    );
    // Whoever starts it by a script may not start it again and again: that is no status of a passing failure.
    await expect(startServiceProcess(copy)).rejects.toThrow(/ended with 78/);
    const sound = await startServiceProcess(original);
    sound.process.kill('SIGTERM');
    expect(await sound.exited).toBe(0);
  });

  test('a note that cannot be read is no note', async () => {
    await signedAfter(record('exec_a'));
    await writeFile(join(data, 'keys', 'ledger-checkpoint'), 'runledger.local/x\n1\n');
    await expect(open()).rejects.toMatchObject({ code: 'KEYS_UNREADABLE' });
  });

  test('a note of another tree is a fork, also where the log is long enough', async () => {
    await signedAfter(record('exec_a'));
    const path = join(data, 'keys', 'ledger-checkpoint');
    const lines = (await readFile(path, 'utf8')).split('\n');
    lines[2] = Buffer.alloc(32, 1).toString('base64');
    await writeFile(path, lines.join('\n'));
    await expect(open()).rejects.toMatchObject({ code: 'LOG_FORK_DETECTED' });
  });

  test('a rewritten event is found, though the read models know nothing of it', async () => {
    const size = await signedAfter(record('exec_a', 5));
    // The same stream again, with other items, in a log of the same length: consistent in itself.
    const other = join(directory, 'other');
    const own = data;
    data = other;
    await signedAfter(record('exec_a', 4));
    await signedAfter(record('exec_z', 9));
    data = own;
    await rm(join(data, 'log'), { recursive: true });
    await cp(join(other, 'log'), join(data, 'log'), { recursive: true });
    await cp(join(other, 'keys', 'ring'), join(data, 'keys', 'ring'), { recursive: true });
    await cp(join(other, 'keys', 'deployment.json'), join(data, 'keys', 'deployment.json'));
    const refusal = await open().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'LOG_FORK_DETECTED', params: { size } });
  });
});

describe('an older copy of the log', () => {
  /** Puts an older log back under a newer note. */
  async function putBack(): Promise<{ lost: string }> {
    await signedAfter(record('exec_a'));
    const older = join(directory, 'older');
    await cp(join(data, 'log'), older, { recursive: true });
    await signedAfter(record('exec_b'));
    await rm(join(data, 'log'), { recursive: true });
    await cp(older, join(data, 'log'), { recursive: true });
    return { lost: await readFile(join(data, 'keys', 'ledger-checkpoint'), 'utf8') };
  }
  const config = (): ReturnType<typeof readConfig> => readConfig({ RUNLEDGER_DATA: data });
  async function withParts<T>(work: (parts: LedgerParts) => Promise<T>): Promise<T> {
    const parts = await openParts(config());
    try {
      return await work(parts);
    } finally {
      await parts.close();
    }
  }

  test('is gone on with once that is accepted, under another key, and the log says what was lost', async () => {
    const { lost } = await putBack();
    const before = await ledgerFiles(join(data, 'keys')).key();
    const keys = await withParts(acceptRestore);
    expect(keys?.published).toHaveLength(2);
    expect(keys?.published.at(-1)).toBe(keys?.current);
    expect(keys?.current).not.toContain(before?.keyId);
    const restored = await withParts(async ({ store }) => {
      for await (const { stream, type, core } of store.readAll()) {
        if (stream === 'ledger' && type === 'ledger_restore_accepted')
          return JSON.parse(Buffer.from(core).toString('utf8')) as { facts: Record<string, unknown> };
      }
      return undefined;
    });
    const [origin, size, root = ''] = lost.split('\n');
    expect(restored?.facts).toMatchObject({
      lost_origin: origin,
      lost_size: Number(size),
      lost_root: Buffer.from(root, 'base64').toString('hex'),
    });
    const signed = await signedAfter(record('exec_c'));
    const note = await readFile(join(data, 'keys', 'ledger-checkpoint'), 'utf8');
    expect(note.split('\n')[1]).toBe(String(signed));
    expect(await withParts(acceptRestore)).toBeUndefined();
  });

  test('a key that is changed names the one before, which stays known', async () => {
    await signedAfter(record('exec_a'));
    const [first] = await withParts(async ({ directories }) => [await ledgerFiles(directories.keys).key()]);
    const keys = await withParts(rotateLedgerKey);
    expect(keys.published.map((key) => key.split('+')[1])).toEqual([
      first?.keyId,
      keys.current.split('+')[1],
    ]);
    const ledger = await open();
    await record('exec_b')(ledger);
    const checkpoint = await ledger.service.ledger.sign();
    expect(checkpoint?.keyId).toBe(keys.current.split('+')[1]);
    expect(ledger.service.ledger.keys()).toEqual(keys.published);
    await ledger.close(0);
  });
});
