import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventsOf } from './rest.ts';
import { config, standing, type WatchedFolder, watchedFolder, workflow } from './watched-folder.ts';

let here: WatchedFolder;
beforeEach(async () => {
  here = await watchedFolder();
});
afterEach(() => here.remove());

describe('the workflow folder at a start', () => {
  test('is published, whatever order its documents need each other in', async () => {
    await here.write(
      'poster.json',
      workflow('poster', 'one', { media_preferences: { output_configs: ['zz-paint'] } }),
    );
    await here.write('zz-paint.json', config('zz-paint'));
    const service = await here.start();
    expect(await standing(service, 'poster')).toMatchObject({ version: 1, source: 'folder', retired: false });
    expect(await standing(service, 'zz-paint')).toMatchObject({ version: 1, source: 'folder' });
    expect(here.lines).toEqual([]);
  });

  test('takes nothing from other files, hidden ones, folders and links that lead nowhere', async () => {
    await here.write('notes.txt', 'x');
    await here.write('.hidden.json', workflow('hidden', 'x'));
    await mkdir(join(here.folder, 'deep.json'));
    await mkdir(join(here.folder, 'deep'));
    await writeFile(join(here.folder, 'deep', 'below.json'), workflow('below', 'x'));
    await symlink(join(here.root, 'nowhere'), join(here.folder, 'gone.json'));
    await symlink(join(here.folder, 'round.json'), join(here.folder, 'round.json'));
    await writeFile(join(here.root, 'elsewhere'), workflow('linked', 'x'));
    await symlink(join(here.root, 'elsewhere'), join(here.folder, 'linked.json'));
    const service = await here.start();
    expect(await standing(service, 'linked')).toMatchObject({ version: 1 });
    for (const id of ['hidden', 'below', 'deep', 'gone', 'round'])
      expect(await standing(service, id)).toBeUndefined();
    expect(here.lines.filter(({ file }) => file !== undefined)).toEqual([]);
  });

  test.each<[string, string, string | Buffer, RegExp, string[]]>([
    ['text that is no JSON', 'bad.json', '{"id":', /not JSON that has one meaning/, []],
    ['a key that stands twice', 'bad.json', '{"id":"bad","id":"bad"}', /same key twice/, []],
    ['bytes that are no UTF-8', 'bad.json', Buffer.from([0xff, 0xfe]), /no well-formed UTF-8/, []],
    [
      'a member of the wrong kind',
      'bad.json',
      workflow('bad', 'x', { pipeline: 1 }),
      /cannot be used/,
      ['/pipeline'],
    ],
    ['an id that is not its name', 'bad.json', workflow('good', 'x'), /must be called good\.json/, ['/id']],
    ['a name that is no id', 'a b.json', workflow('a b', 'x'), /must match/, ['/id']],
    [
      'an output config that is not there',
      'bad.json',
      workflow('bad', 'x', { media_preferences: { output_configs: ['nowhere'] } }),
      /no output config nowhere/,
      ['/media_preferences/output_configs/0'],
    ],
    ['more than 1 MiB', 'bad.json', ' '.repeat(1024 * 1024 + 1), /1048577 bytes, 1048576 are the most/, []],
  ])(
    '%s does not keep the service from starting, and is logged',
    async (_title, name, text, message, pointers) => {
      await here.write(name, text);
      await here.write('fine.json', workflow('fine', 'x'));
      const service = await here.start();
      expect(await standing(service, 'fine')).toMatchObject({ version: 1 });
      expect(await standing(service, 'bad')).toBeUndefined();
      expect(await standing(service, 'good')).toBeUndefined();
      const [line, ...others] = here.lines;
      expect(others).toEqual([]);
      expect(line?.file).toBe(name);
      expect(line?.err?.message).toMatch(message);
      expect(line?.errors?.map(({ pointer }) => pointer)).toEqual(pointers);
    },
  );

  test('beyond 1,000 files the others are refused by name, and stay as they were', async () => {
    for (let index = 0; index < 1_000; index += 1) await here.write(`a${index}.json`, '{}');
    await here.write('zz.json', workflow('zz', 'x'));
    const service = await here.start();
    expect(await standing(service, 'zz')).toBeUndefined();
    const line = await here.logged(({ file }) => file === 'zz.json');
    expect(line.err?.message).toMatch(/more than 1000 files/);
  });

  test('publishes only what its files newly say: an edit over HTTP stands', async () => {
    await here.write('mine.json', workflow('mine', 'file one'));
    const first = await here.start();
    const edited = { ...(JSON.parse(workflow('mine', 'http')) as object) };
    expect((await first.put('/api/workflows/mine', edited, { 'if-match': '"1"' })).status).toBe(200);
    await here.stop(first);
    const count = (await eventsOf(here.data)).length;

    const second = await here.start();
    expect(await standing(second, 'mine')).toMatchObject({ version: 2, source: 'http' });
    await here.stop(second);
    expect(await eventsOf(here.data)).toHaveLength(count);

    await here.write('mine.json', workflow('mine', 'file two'));
    const third = await here.start();
    expect(await standing(third, 'mine')).toMatchObject({ version: 3, source: 'folder' });
  });

  test('retires what was deleted meanwhile, and nothing that came from elsewhere', async () => {
    await here.write('mine.json', workflow('mine', 'one'));
    await here.write('dada.json', workflow('dada', 'ours'));
    const first = await here.start();
    await first.put('/api/workflows/other', workflow('other', 'x'), { 'if-none-match': '*' });
    await here.stop(first);
    await rm(join(here.folder, 'mine.json'));
    const second = await here.start();
    expect(await standing(second, 'mine')).toMatchObject({ version: 1, retired: true });
    expect(await standing(second, 'other')).toMatchObject({ retired: false });
    expect(await standing(second, 'dada')).toMatchObject({ version: 2, source: 'folder', retired: false });
    expect(await standing(second, 'bauhaus')).toMatchObject({ retired: false });
  });

  test('a folder that is not there refuses the start with its name, and leaves the directory free', async () => {
    await rm(here.folder, { recursive: true });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(here.start()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
  });
});
