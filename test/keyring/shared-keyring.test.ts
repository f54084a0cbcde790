import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/events/digest.ts';
import { type Keyring, type KeyringOptions, openKeyring } from '../../src/keyring/keyring.ts';
import { type Child, startProgram } from '../crash/child.ts';

let root: string;
let keys: string;
const opened: Keyring[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'runledger-keys-test-'));
  keys = join(root, 'keys');
});
afterEach(async () => {
  await closeAll();
  await rm(root, { recursive: true });
});

async function opening(options: KeyringOptions, directory = keys): Promise<Keyring> {
  const keyring = await openKeyring(directory, options);
  opened.push(keyring);
  return keyring;
}
async function closeAll(): Promise<void> {
  for (const keyring of opened.splice(0)) await keyring.close();
}

const node = { isShared: true } as const;
const embedded = {} as const;
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const fileOf = (stream: string): string =>
  join(keys, 'streams', sha256Hex(stream).slice(0, 2), sha256Hex(stream));
const filesIn = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** Makers that begin at the same word, so that neither has the advantage of the earlier start. */
async function begin(...makers: readonly (readonly string[])[]): Promise<readonly Child[]> {
  const children = makers.map((args) => startProgram('key-maker', [keys, ...args]));
  for (const child of children) expect(await child.line()).toBe('ready');
  for (const child of children) child.process.stdin.write('go\n');
  return children;
}

async function told(child: Child): Promise<ReadonlyMap<string, string>> {
  const said = new Map<string, string>();
  for await (const line of child.lines) {
    const [name = '', key = ''] = line.split(' ');
    said.set(name, key);
  }
  return said;
}

const hex = (key: Uint8Array | undefined): string => Buffer.from(key ?? []).toString('hex');

describe('the keys of a shared log', () => {
  test('are files for their owner only, none of them in clear, in folders that only the owner enters', async () => {
    const keyring = await opening(node);
    const key = Buffer.from(await keyring.createKey('run-a'));
    expect((await readdir(keys)).sort()).toEqual(['deployment.json', 'streams']);
    expect(await filesIn(join(keys, 'streams'))).toEqual([fileOf('run-a')]);
    for (const path of await filesIn(keys)) {
      expect(await modeOf(path)).toBe(0o600);
      expect(await modeOf(dirname(path))).toBe(0o700);
      const bytes = await readFile(path);
      expect(bytes.includes(key)).toBe(false);
      expect(bytes.includes(key.toString('base64'))).toBe(false);
    }
  });

  test('are found by another node as soon as they are made, though it has looked before', async () => {
    const [one, other] = [await opening(node), await opening(node)];
    expect(other.naming).toEqual(one.naming);
    expect(other.keyOf('run-a')).toBeUndefined();
    const key = await one.createKey('run-a');
    expect(other.keyOf('run-a')).toEqual(key);
    expect(await other.createKey('run-a')).toEqual(key);
    expect((await opening({ ...node, readOnly: true })).keyOf('run-a')).toEqual(key);
  });

  test('are one for each stream, and the deployment’s too, of several processes that make them at once', async () => {
    const makers = await begin(['200'], ['200', '-1'], ['200']);
    const [first, ...others] = await Promise.all(makers.map(told));
    expect(first?.size).toBe(201);
    for (const other of others) expect(other).toEqual(first);
    const keyring = await opening({ ...node, readOnly: true });
    for (const [stream, key] of first ?? [])
      if (stream !== 'naming') expect(hex(keyring.keyOf(stream))).toBe(key);
    // No draft is left of those that came second.
    expect((await filesIn(join(keys, 'streams'))).length).toBe(200);
    expect((await readdir(keys)).sort()).toEqual(['deployment.json', 'streams']);
  });

  test('are there for ever once they were handed out, and whole, however often a process is killed', async () => {
    const handedOut = new Map<string, string>();
    for (let kill = 1; kill <= 8; kill += 1) {
      const [maker] = await begin(['1000']);
      for (let line = 0; line < kill * 7; line += 1) {
        const [stream = '', key = ''] = ((await maker?.line()) ?? '').split(' ');
        expect(handedOut.get(stream) ?? key).toBe(key);
        handedOut.set(stream, key);
      }
      maker?.process.kill('SIGKILL');
      expect(await maker?.exited).toBeNull();
    }
    const keyring = await opening(node);
    for (const [stream, key] of handedOut)
      expect(stream === 'naming' ? hex(keyring.naming) : hex(keyring.keyOf(stream))).toBe(key);
    // Whatever else stands there opens too, or is no key.
    for (const path of await filesIn(join(keys, 'streams'))) {
      const stream = (await readFile(path)).toString('utf8', 60);
      if (path === fileOf(stream)) expect(keyring.keyOf(stream)).toHaveLength(32);
      else expect(path).toMatch(/\/[0-9a-f]{64}\.[0-9a-f]{16}\.new$/);
    }
  });

  test.each([
    ['cut off', (path: string) => truncate(path, 59)],
    ['empty', (path: string) => truncate(path, 0)],
    ['changed', async (path: string) => writeFile(path, (await readFile(path)).fill(7, 20, 21))],
    ['that of another stream', (path: string) => rename(fileOf('run-b'), path)],
  ])('are refused, not taken for erased, where the file is %s', async (_, damage) => {
    const first = await opening(node);
    await first.createKey('run-a');
    await first.createKey('run-b');
    await damage(fileOf('run-a'));
    const keyring = await opening(node);
    const refused = expect.objectContaining({
      code: 'KEYS_UNREADABLE',
      params: { file: expect.stringMatching(/^keys\/streams\/[0-9a-f]{2}\/[0-9a-f]{64}$/) },
    });
    expect(() => keyring.keyOf('run-a')).toThrow(refused);
    await expect(keyring.createKey('run-a')).rejects.toThrow(refused);
  });

  test('are not copied where a file is cut off', async () => {
    const keyring = await opening(node);
    await Promise.all(Array.from({ length: 100 }, (_, at) => keyring.createKey(`run-${at}`)));
    await truncate(fileOf('run-50'), 30);
    await expect(keyring.backup(join(root, 'copy'))).rejects.toMatchObject({ code: 'KEYS_UNREADABLE' });
  });

  test('are refused under the secrets of another deployment', async () => {
    await (await opening(node)).createKey('run-a');
    await opening(node, join(root, 'other'));
    await writeFile(join(keys, 'deployment.json'), await readFile(join(root, 'other', 'deployment.json')));
    const keyring = await opening(node);
    expect(() => keyring.keyOf('run-a')).toThrow(expect.objectContaining({ code: 'KEYS_UNREADABLE' }));
  });

  test('that cannot be reached are unavailable, not erased, and no path of the machine is told', async () => {
    const keyring = await opening(node);
    await keyring.createKey('run-a');
    const again = await opening(node);
    // A file where a folder should be, for a test that runs as root is refused by no mode.
    await rename(dirname(fileOf('run-a')), join(root, 'away'));
    await writeFile(dirname(fileOf('run-a')), '');
    const refused = expect.objectContaining({
      code: 'UNAVAILABLE',
      message: expect.not.stringContaining(root),
    });
    expect(() => again.keyOf('run-a')).toThrow(refused);
    await expect(again.createKey('run-a')).rejects.toThrow(refused);
    await rm(dirname(fileOf('run-a')));
    await rename(join(root, 'away'), dirname(fileOf('run-a')));
    expect(again.keyOf('run-a')).toEqual(keyring.keyOf('run-a'));
  });

  test('that a log needs and that are gone are not begun anew', async () => {
    await (await opening(node)).createKey('run-a');
    await rm(join(keys, 'streams'), { recursive: true });
    for (const options of [{ readOnly: true }, { mustExist: true }])
      await expect(openKeyring(keys, { ...node, ...options })).rejects.toMatchObject({
        code: 'KEYS_UNREADABLE',
        params: { file: 'keys/streams' },
      });
    expect(existsSync(join(keys, 'streams'))).toBe(false);
  });

  test('are copied into a ring, which an embedded ledger opens and a shared one takes over again', async () => {
    const keyring = await opening(node);
    const made = await Promise.all(Array.from({ length: 150 }, (_, at) => keyring.createKey(`run-${at}`)));
    const copy = join(root, 'copy');
    await keyring.backup(copy);
    expect((await readdir(copy)).sort()).toEqual(['deployment.json', 'ring']);
    for (const options of [{ readOnly: true }, embedded, node]) {
      const restored = await opening(options, copy);
      expect(restored.naming).toEqual(keyring.naming);
      for (const [at, key] of made.entries()) expect(restored.keyOf(`run-${at}`)).toEqual(key);
      await closeAll();
    }
  });
});

describe('a ledger that was embedded', () => {
  async function embeddedKeys(count: number): Promise<readonly Uint8Array[]> {
    const keyring = await opening(embedded);
    const made = await Promise.all(Array.from({ length: count }, (_, at) => keyring.createKey(`run-${at}`)));
    await closeAll();
    return made;
  }
  const hasRing = (): boolean => existsSync(join(keys, 'ring', 'data.mdb'));

  test('has its keys in files once its folder is opened for a shared log, and leaves no copy', async () => {
    const made = await embeddedKeys(100);
    const reading = await opening({ ...node, readOnly: true });
    expect(reading.keyOf('run-7')).toEqual(made[7]);
    await closeAll();
    const keyring = await opening(node);
    for (const [at, key] of made.entries()) expect(keyring.keyOf(`run-${at}`)).toEqual(key);
    expect(hasRing()).toBe(false);
    expect((await filesIn(join(keys, 'streams'))).length).toBe(100);
  });

  test('is embedded again with the keys of both times', async () => {
    const [first] = await embeddedKeys(1);
    const second = await (await opening(node)).createKey('run-second');
    await closeAll();
    const again = await opening(embedded);
    expect([again.keyOf('run-0'), again.keyOf('run-second')]).toEqual([first, second]);
    expect(await again.createKey('run-second')).toEqual(second);
    const third = await again.createKey('run-third');
    const copy = join(root, 'copy');
    await again.backup(copy);
    await closeAll();
    for (const directory of [keys, copy]) {
      const keyring = await opening(node, directory);
      expect(['run-0', 'run-second', 'run-third'].map(keyring.keyOf)).toEqual([first, second, third]);
    }
  });

  test('is taken over by several nodes at once, killed in the middle of it, without a loss', async () => {
    const made = await embeddedKeys(400);
    for (let round = 0; round < 3; round += 1) {
      const [killed] = await begin(['0']);
      for (;;) if ((await readdir(keys)).includes('streams') && (await shards()) > 40 * (round + 1)) break;
      killed?.process.kill('SIGKILL');
      await killed?.exited;
    }
    const makers = await begin(['400'], ['400', '-1']);
    for (const said of await Promise.all(makers.map(told)))
      for (const [at, key] of made.entries()) expect(said.get(`run-${at}`)).toBe(hex(key));
    expect(hasRing()).toBe(false);
  });
  const shards = async (): Promise<number> => (await readdir(join(keys, 'streams'))).length;

  test('is not taken over while a service still uses its ring, which keeps all its keys', async () => {
    const running = await opening(embedded);
    const key = await running.createKey('run-a');
    await expect(openKeyring(keys, node)).rejects.toMatchObject({
      code: 'LOCKED',
      params: { directory: join(keys, 'ring'), pid: process.pid },
    });
    const later = await running.createKey('run-b');
    await closeAll();
    const keyring = await opening(node);
    expect([keyring.keyOf('run-a'), keyring.keyOf('run-b')]).toEqual([key, later]);
  });

  test('is refused where the files have another key for a stream of its ring, and both stay', async () => {
    await embeddedKeys(1);
    const shelf = join(root, 'aside');
    await rename(join(keys, 'ring'), shelf);
    await (await opening(node)).createKey('run-0');
    await closeAll();
    await mkdir(join(keys, 'ring'), { recursive: true });
    await rename(shelf, join(keys, 'ring'));
    await expect(openKeyring(keys, node)).rejects.toMatchObject({
      code: 'KEYS_UNREADABLE',
      params: { file: 'keys/ring' },
    });
    expect(hasRing()).toBe(true);
  });
});
