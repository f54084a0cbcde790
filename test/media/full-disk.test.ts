import { Buffer } from 'node:buffer';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openMediaStore } from '../../src/media/media-store.ts';

const folder = process.env['MEDIA_FULL_DISK'] ?? '';

/** Runs only where media-store.test.ts has mounted a disk of 512 KiB for it. */
test.skipIf(folder === '')('a disk of 512 KiB takes one medium of 300 KiB, not two', async () => {
  const never = new AbortController().signal;
  const store = await openMediaStore({ directory: folder, node: 'node-a' });
  const first = await store.put(Buffer.alloc(300 * 1024, 1), never);
  await expect(store.put(Buffer.alloc(300 * 1024, 2), never)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  expect(await readdir(join(folder, 'tmp', 'node-a'))).toEqual([]);
  let bytes = 0;
  for await (const chunk of (await store.open(first.sha256)).read(never)) bytes += chunk.byteLength;
  expect(bytes).toBe(300 * 1024);
  await rm(join(folder, first.sha256.slice(0, 2), first.sha256));
  expect((await store.put(Buffer.alloc(300 * 1024, 2), never)).sizeBytes).toBe(300 * 1024);
});
