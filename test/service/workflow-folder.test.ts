import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileStamps, stampsOf } from '../../src/service/workflow-files.ts';
import { createLook } from '../../src/service/workflow-look.ts';
import type { FolderContents } from '../../src/service/workflow-shelf.ts';
import type { LedgerService } from '../http/ledger-service.ts';
import {
  config,
  contextsOf,
  standing,
  until,
  untilContext,
  type WatchedFolder,
  watchedFolder,
  workflow,
} from './watched-folder.ts';

let here: WatchedFolder;
beforeEach(async () => {
  here = await watchedFolder();
});
afterEach(() => here.remove());

/** Changes another file and waits until it is published: every look at the folder that began before is over then. */
async function afterAnotherLook(service: LedgerService): Promise<void> {
  const id = `look-${Math.random().toString(36).slice(2)}`;
  await here.write(`${id}.json`, workflow(id, 'x'));
  await until(service, id, { version: 1 });
}

describe('one look at the folder', () => {
  test('leaves what changed since a moment ago as it was, and asks for another one', async () => {
    const followed: FolderContents[] = [];
    const shelf = {
      follow: (contents: FolderContents) => {
        followed.push(contents);
        return Promise.resolve([]);
      },
    };
    const look = createLook({ directory: here.folder, shelf, log: here.log });
    const looked = async (before: FileStamps) => {
      const again = await look(before, await stampsOf(here.folder));
      const { documents, ids } = followed.at(-1) ?? { documents: new Map(), ids: new Set() };
      const contexts = [...documents.values()].map((one) => (one.document as { context?: string }).context);
      return [again, contexts, [...ids]];
    };
    const empty = await stampsOf(here.folder);
    await here.write('mine.json', workflow('mine', 'one'));
    expect(await looked(empty)).toEqual([true, [], ['mine']]);
    const one = await stampsOf(here.folder);
    expect(await looked(one)).toEqual([false, ['one'], ['mine']]);
    await here.write('mine.json', workflow('mine', 'two'));
    expect(await looked(one)).toEqual([true, ['one'], ['mine']]);
    const two = await stampsOf(here.folder);
    expect(await looked(two)).toEqual([false, ['two'], ['mine']]);
    // A file that is exchanged by deleting it first is not there for a moment.
    await rm(join(here.folder, 'mine.json'));
    expect(await looked(two)).toEqual([true, ['two'], ['mine']]);
    expect(await looked(await stampsOf(here.folder))).toEqual([false, [], []]);
  });
});

describe('a running service', () => {
  test('publishes a file that is written, changed, deleted, and back again', async () => {
    const service = await here.start();
    await here.write('mine.json', workflow('mine', 'one'));
    await until(service, 'mine', { version: 1 });
    await here.write('mine.json', workflow('mine', 'two'));
    const changed = await until(service, 'mine', { version: 2 });
    expect(changed).toMatchObject({ source: 'folder', document: { context: 'two' } });
    await rm(join(here.folder, 'mine.json'));
    await until(service, 'mine', { retired: true });
    const refused = await service.post('/api/schema/pipeline/execute', { schema: 'mine', input_text: 'a' });
    expect(refused.status).toBe(404);
    await here.write('mine.json', workflow('mine', 'two'));
    await until(service, 'mine', { version: 3, retired: false });
    const run = await service.post('/api/schema/pipeline/execute', { schema: 'mine', input_text: 'a' });
    expect(run.status).toBe(200);
    expect(here.lines).toEqual([]);
  });

  test('takes a file that is saved by renaming another one over it', async () => {
    await here.write('mine.json', workflow('mine', 'one'));
    const service = await here.start();
    for (const context of ['two', 'three', 'four']) {
      await here.write('mine.json.tmp', workflow('mine', context));
      await rename(join(here.folder, 'mine.json.tmp'), join(here.folder, 'mine.json'));
      await untilContext(service, 'mine', context);
    }
    expect(await contextsOf(service, 'mine')).toEqual(['one', 'two', 'three', 'four']);
    expect(here.lines).toEqual([]);
  });

  test('never takes half a file: what stood stays until the whole is there', async () => {
    await here.write('mine.json', workflow('mine', 'one'));
    const service = await here.start();
    const text = workflow('mine', 'two');
    const file = await open(join(here.folder, 'mine.json'), 'w');
    await file.write(text.slice(0, 60));
    // It lies there so long that it counts as written: then it is refused, not taken.
    await here.logged((line) => line.file === 'mine.json');
    expect(await standing(service, 'mine')).toMatchObject({ version: 1, retired: false });
    await file.write(text.slice(60));
    await file.close();
    await until(service, 'mine', { version: 2 });
    expect(await contextsOf(service, 'mine')).toEqual(['one', 'two']);
  });

  test('a file that goes on changing ends as what was written last', async () => {
    const service = await here.start();
    const contexts = Array.from({ length: 40 }, (_, count) => `draft ${count}`);
    for (const context of contexts) {
      await here.write('mine.json', workflow('mine', context));
      await service.get('/health/live');
    }
    await untilContext(service, 'mine', 'draft 39');
    expect(contexts).toEqual(expect.arrayContaining(await contextsOf(service, 'mine')));
    expect(here.lines).toEqual([]);
  });

  test('a fault leaves the last good version, is logged once, and is over when the file is mended', async () => {
    await here.write('mine.json', workflow('mine', 'one'));
    const service = await here.start();
    await here.write('mine.json', workflow('mine', 'two', { visibility: 'secret' }));
    const line = await here.logged(({ file }) => file === 'mine.json');
    expect(line.errors?.map(({ pointer }) => pointer)).toEqual(['/visibility']);
    await afterAnotherLook(service);
    await afterAnotherLook(service);
    expect(here.lines).toHaveLength(1);
    expect(await standing(service, 'mine')).toMatchObject({ version: 1, retired: false });
    await here.write('mine.json', workflow('mine', 'two'));
    await until(service, 'mine', { version: 2 });
  });

  test('a workflow waits for the output config that it names', async () => {
    const service = await here.start();
    const media_preferences = { output_configs: ['paint'] };
    await here.write('poster.json', workflow('poster', 'one', { media_preferences }));
    await here.logged(({ file }) => file === 'poster.json');
    await afterAnotherLook(service);
    expect(await standing(service, 'poster')).toBeUndefined();
    expect(here.lines).toHaveLength(1);
    await here.write('paint.json', config('paint'));
    await until(service, 'poster', { version: 1 });

    await rm(join(here.folder, 'paint.json'));
    const kept = await here.logged(({ file }) => file === 'paint.json');
    expect(kept.err?.message).toMatch(/paint is needed by poster/);
    expect(await standing(service, 'paint')).toMatchObject({ retired: false });
    await rm(join(here.folder, 'poster.json'));
    await until(service, 'paint', { retired: true });
    expect(await standing(service, 'poster')).toMatchObject({ retired: true });
  });

  test('a folder that is taken away retires nothing, and is followed again when it is back', async () => {
    await here.write('mine.json', workflow('mine', 'one'));
    const service = await here.start();
    await rename(here.folder, join(here.root, 'away'));
    await here.logged(({ msg }) => /folder cannot be followed/.test(msg));
    expect(await standing(service, 'mine')).toMatchObject({ version: 1, retired: false });
    // Another folder of the same name: nothing is heard of it from the old one.
    await mkdir(here.folder);
    for (const context of ['two', 'three', 'four', 'five']) {
      await here.write('mine.json', workflow('mine', context));
      await untilContext(service, 'mine', context);
    }
    expect(await standing(service, 'mine')).toMatchObject({ version: 5, retired: false });
    expect(here.lines).toHaveLength(1);
  });

  test('closes though the folder is changing, and watches nothing after that', async () => {
    const service = await here.start();
    expect(process.getActiveResourcesInfo()).toContain('FSEventWrap');
    await here.write('mine.json', workflow('mine', 'one'));
    await here.stop(service);
    expect(process.getActiveResourcesInfo()).not.toContain('FSEventWrap');
    expect(here.lines).toEqual([]);
  });
});
