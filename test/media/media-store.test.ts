import { spawnSync } from 'node:child_process';
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { mkdtemp, open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type MediaFiles, nodeFiles } from '../../src/media/media-files.ts';
import { type MediaStore, openMediaStore } from '../../src/media/media-store.ts';

const never = new AbortController().signal;
const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(200_000, 5)]);
let directory: string;
let store: MediaStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'media-'));
  store = await openMediaStore({ directory, node: 'node-a' });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function bytesOf(
  sha256: string,
  from: MediaStore = store,
  range?: { start: number; end: number },
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await from.open(sha256)).read(never, range)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** The real file system with a fault or a witness in it. */
const faulty = (fault: Partial<MediaFiles>): MediaFiles => ({ ...nodeFiles, ...fault });
const errno = (code: string): Error => Object.assign(new Error(code), { code });

describe('the content-addressed media store', () => {
  test('what was put comes back by its SHA-256, with its size and sniffed type', async () => {
    const stored = await store.put(png, never);
    expect(stored).toEqual({
      sha256: hash('sha256', png),
      mediaType: 'image/png',
      sizeBytes: png.byteLength,
    });
    const opened = await store.open(stored.sha256);
    expect(opened).toMatchObject(stored);
    await opened.close();
    expect(await bytesOf(stored.sha256)).toEqual(png);
    expect(await bytesOf(stored.sha256, store, { start: 1, end: 4 })).toEqual(Buffer.from('PNG'));
    expect(await store.has(stored.sha256)).toBe(true);
  });

  test('the same bytes again change nothing, also fifty times at once', async () => {
    const puts = await Promise.all(Array.from({ length: 50 }, () => store.put(png, never)));
    expect(new Set(puts.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(await filesIn(directory)).toEqual([hash('sha256', png)]);
  });

  test('file and folder are on the disk before put resolves, in this order', async () => {
    const order: string[] = [];
    const named = (path: string): string => (path === directory ? 'media' : basename(path).slice(0, 2));
    const watched = await openMediaStore(
      { directory, node: 'node-a' },
      faulty({
        async writeSynced(path, bytes) {
          await nodeFiles.writeSynced(path, bytes);
          order.push('file');
        },
        async rename(from, to) {
          await nodeFiles.rename(from, to);
          order.push('rename');
        },
        async syncFolder(path) {
          await nodeFiles.syncFolder(path);
          order.push(`folder ${named(path)}`);
        },
      }),
    );
    order.length = 0;
    const { sha256 } = await watched.put(png, never);
    expect(order).toEqual(['file', 'folder media', 'rename', `folder ${sha256.slice(0, 2)}`]);
    order.length = 0;
    await watched.put(png, never);
    expect(order).toEqual([`folder ${sha256.slice(0, 2)}`]);
  });

  test('what is called synced really is: three syncs for a new file in a new folder, one for a known file', async () => {
    const handle = await open(directory, 'r');
    const sync = vi.spyOn(Object.getPrototypeOf(handle) as { sync: () => Promise<void> }, 'sync');
    await handle.close();
    await store.put(png, never);
    expect(sync).toHaveBeenCalledTimes(3);
    await store.put(png, never);
    expect(sync).toHaveBeenCalledTimes(4);
    sync.mockRestore();
  });

  test.each(['ENOSPC', 'EDQUOT', 'EFBIG'])(
    'a full disk (%s) is STORAGE_FULL and leaves nothing half-written',
    async (code) => {
      const full = await openMediaStore(
        { directory, node: 'node-a' },
        faulty({
          async writeSynced(path) {
            await writeFile(path, png.subarray(0, 100));
            throw errno(code);
          },
        }),
      );
      await expect(full.put(png, never)).rejects.toMatchObject({ code: 'STORAGE_FULL', status: 507 });
      expect(await filesIn(directory)).toEqual([]);
      expect(await full.has(hash('sha256', png))).toBe(false);
      expect((await store.put(png, never)).sizeBytes).toBe(png.byteLength);
    },
  );

  test('another fault is UNAVAILABLE with its cause, names no path, and leaves nothing half-written either', async () => {
    const odd = await openMediaStore(
      { directory, node: 'node-a' },
      faulty({ rename: () => Promise.reject(errno('EIO')) }),
    );
    await expect(odd.put(png, never)).rejects.toMatchObject({ code: 'UNAVAILABLE', cause: { code: 'EIO' } });
    expect(await filesIn(directory)).toEqual([]);
  });

  test('a folder that could not be synced is no success', async () => {
    let faults = 0;
    const odd = await openMediaStore(
      { directory, node: 'node-a' },
      faulty({
        syncFolder: (path) => {
          if (path === directory) return nodeFiles.syncFolder(path);
          faults += 1;
          return Promise.reject(errno('EIO'));
        },
      }),
    );
    await expect(odd.put(png, never)).rejects.toMatchObject({ code: 'UNAVAILABLE', cause: { code: 'EIO' } });
    await expect(odd.put(png, never)).rejects.toMatchObject({ code: 'UNAVAILABLE', cause: { code: 'EIO' } });
    expect(faults).toBe(2);
  });

  test('what a crash left half-written is gone at the next start of its node, and of no other', async () => {
    await writeFile(join(directory, 'tmp', 'node-a', 'left'), png.subarray(0, 7));
    await openMediaStore({ directory, node: 'node-b' });
    expect(await filesIn(directory)).toEqual(['left']);
    await openMediaStore({ directory, node: 'node-a' });
    expect(await filesIn(directory)).toEqual([]);
  });

  test('what one node puts is read by another, and both may put the same at once', async () => {
    const other = await openMediaStore({ directory, node: 'node-b' });
    const puts = await Promise.all([store, other, store, other].map((node) => node.put(png, never)));
    expect(new Set(puts.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(await bytesOf(hash('sha256', png), other)).toEqual(png);
    expect(await filesIn(directory)).toEqual([hash('sha256', png)]);
  });

  test('a cut file is written anew by the next put', async () => {
    const { sha256 } = await store.put(png, never);
    await truncate(join(directory, sha256.slice(0, 2), sha256), 9);
    await store.put(png, never);
    expect(await bytesOf(sha256)).toEqual(png);
  });

  test('changed bytes are noticed when they are read', async () => {
    const { sha256 } = await store.put(png, never);
    const changed = Buffer.from(png);
    changed[100_000] = 6;
    await writeFile(join(directory, sha256.slice(0, 2), sha256), changed);
    await expect(bytesOf(sha256)).rejects.toMatchObject({ code: 'MEDIA_CORRUPT', status: 500 });
  });

  test.each(['0'.repeat(64), '../../etc/passwd', '', 'A'.repeat(64), `${'0'.repeat(64)}/x`])(
    'there is nothing under %j',
    async (sha256) => {
      expect(await store.has(sha256)).toBe(false);
      await expect(store.open(sha256)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND', status: 404 });
    },
  );

  test('an aborted put stores nothing, an aborted read stops and lets go of the file', async () => {
    await expect(store.put(png, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(await filesIn(directory)).toEqual([]);
    const { sha256 } = await store.put(png, never);
    const controller = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const chunk of (await store.open(sha256)).read(controller.signal)) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        controller.abort(new Error('gone'));
      }
    };
    await expect(reading()).rejects.toThrow('gone');
  });

  const small = spawnSync('unshare', ['-Urm', 'true']).status === 0;
  test.skipIf(!small)(
    'a really full disk: STORAGE_FULL, old media intact, works again once there is room',
    () => {
      const script = [
        'set -e',
        'mount -t tmpfs -o size=512k tmpfs "$1"',
        'cd "$2"',
        'exec node_modules/.bin/vitest run test/media/full-disk',
      ].join('\n');
      const done = spawnSync('unshare', ['-Urm', 'bash', '-c', script, 'bash', directory, process.cwd()], {
        env: { ...process.env, MEDIA_FULL_DISK: directory, NO_COLOR: '1' },
        encoding: 'utf8',
      });
      expect(`${done.stdout}${done.stderr}`).toMatch(/Tests +1 passed/);
      expect(done.status).toBe(0);
    },
  );
});
