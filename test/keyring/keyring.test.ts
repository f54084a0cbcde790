import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Keyring, openKeyring } from '../../src/keyring/keyring.ts';

let directory: string;
const opened: Keyring[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyring-'));
});
afterEach(async () => {
  for (const keyring of opened.splice(0)) await keyring.close();
  await rm(directory, { recursive: true });
});

async function opening(path: string, options?: { readonly readOnly: boolean }): Promise<Keyring> {
  const keyring = await openKeyring(path, options);
  opened.push(keyring);
  return keyring;
}

async function closed(): Promise<void> {
  for (const keyring of opened.splice(0)) await keyring.close();
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test('keys are made at first start: files for their owner only, in a folder that only the owner enters', async () => {
  const keys = join(directory, 'data', 'keys');
  await (await opening(keys)).createKey('run-a');
  expect(await modeOf(keys)).toBe(0o700);
  expect(await modeOf(join(keys, 'deployment.json'))).toBe(0o600);
  for (const file of await readdir(join(keys, 'ring')))
    expect(await modeOf(join(keys, 'ring', file))).toBe(0o600);
});

test('a folder that was open to others is closed to them when keys are made in it', async () => {
  const keys = join(directory, 'keys');
  await mkdir(keys);
  await chmod(keys, 0o755);
  await opening(keys);
  expect(await modeOf(keys)).toBe(0o700);
});

test('keys are the same after closing and opening again', async () => {
  const first = await opening(directory);
  const [key, naming] = [await first.createKey('run-a'), first.naming];
  await closed();
  const again = await opening(directory);
  expect(again.naming).toEqual(naming);
  expect(again.keyOf('run-a')).toEqual(key);
  expect(again.keyOf('run-b')).toBeUndefined();
});

test('two calls at once make one key, and every stream has its own', async () => {
  const keyring = await opening(directory);
  const keys = await Promise.all(Array.from({ length: 20 }, () => keyring.createKey('run-a')));
  for (const key of keys) expect(key).toEqual(keys[0]);
  expect(await keyring.createKey('run-a')).toEqual(keys[0]);
  expect(await keyring.createKey('run-b')).not.toEqual(keys[0]);
  await closed();
  expect((await opening(directory)).keyOf('run-a')).toEqual(keys[0]);
});

test.each([
  ['cut off', (text: string) => text.slice(0, 40)],
  ['empty', () => ''],
  ['of another version', (text: string) => text.replace('"v":1', '"v":2')],
  [
    'with a short key',
    (text: string) => text.replace(/"naming":"[^"]{44}"/, `"naming":"${'A'.repeat(42)}=="`),
  ],
  ['with a long key', (text: string) => text.replace(/"naming":"[^"]{44}"/, `"naming":"${'A'.repeat(44)}"`)],
])('a key file that is %s is refused and left as it is', async (_, damage) => {
  await opening(directory);
  await closed();
  const file = join(directory, 'deployment.json');
  const damaged = damage(await readFile(file, 'utf8'));
  await writeFile(file, damaged);
  await expect(openKeyring(directory)).rejects.toMatchObject({ code: 'KEYS_UNREADABLE' });
  expect(await readFile(file, 'utf8')).toBe(damaged);
});

test('a missing key file is not made anew where wrapped keys lie', async () => {
  await (await opening(directory)).createKey('run-a');
  await closed();
  await rm(join(directory, 'deployment.json'));
  await expect(openKeyring(directory)).rejects.toMatchObject({ code: 'KEYS_UNREADABLE' });
  expect(await readdir(directory)).toEqual(['ring']);
});

test('a first start that died is begun again', async () => {
  await writeFile(join(directory, `deployment.json.${process.pid}.new`), '{');
  await expect(opening(directory)).resolves.toBeDefined();
});

test('opened read-only nothing is made, and what is there is read', async () => {
  const missing = join(directory, 'none');
  await expect(openKeyring(missing, { readOnly: true })).rejects.toMatchObject({ code: 'KEYS_UNREADABLE' });
  await expect(stat(missing)).rejects.toMatchObject({ code: 'ENOENT' });
  const key = await (await opening(directory)).createKey('run-a');
  expect((await opening(directory, { readOnly: true })).keyOf('run-a')).toEqual(key);
});

test('a wrapped key is not in clear on the disk, and opens for its own stream only', async () => {
  const keyring = await opening(directory);
  const key = Buffer.from(await keyring.createKey('run-a'));
  await closed();
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name);
    if (!(await stat(path)).isFile()) continue;
    const bytes = await readFile(path);
    expect(bytes.includes(key)).toBe(false);
    expect(bytes.includes(key.toString('base64'))).toBe(false);
    expect(bytes.includes(key.toString('hex'))).toBe(false);
  }
});

test('run keys that the deployment’s keys do not open are refused, not taken for erased', async () => {
  await (await opening(directory)).createKey('run-a');
  await closed();
  const other = join(directory, 'other');
  await opening(other);
  await closed();
  await writeFile(join(directory, 'deployment.json'), await readFile(join(other, 'deployment.json')));
  const keyring = await opening(directory);
  expect(() => keyring.keyOf('run-a')).toThrow(expect.objectContaining({ code: 'KEYS_UNREADABLE' }));
});

test('a backup opens with the same keys, made while the keyring is in use', async () => {
  const keyring = await opening(directory);
  const key = await keyring.createKey('run-a');
  const copy = join(directory, 'backup', 'keys');
  const [, later] = await Promise.all([keyring.backup(copy), keyring.createKey('run-b')]);
  const restored = await opening(copy);
  expect(restored.naming).toEqual(keyring.naming);
  expect(restored.keyOf('run-a')).toEqual(key);
  expect([undefined, later]).toContainEqual(restored.keyOf('run-b'));
  expect(await modeOf(copy)).toBe(0o700);
  expect(await modeOf(join(copy, 'deployment.json'))).toBe(0o600);
});
