import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import { type MediaFiles, nodeFiles } from './media-files.ts';
import type { MediaStore, OpenMedium } from './media-store.ts';
import { sniffedBytes, sniffMediaType } from './media-type.ts';

const digestPattern = /^[0-9a-f]{64}$/;
const chunkBytes = 64 * 1024;

/** Reads a media folder that another process may be writing to. `files` is the file system; tests put faults into it. */
export function mediaReader(
  directory: string,
  files: MediaFiles = nodeFiles,
): Pick<MediaStore, 'open' | 'has'> {
  return {
    async open(sha256) {
      const handle = digestPattern.test(sha256) ? await files.open(mediumPath(directory, sha256)) : undefined;
      if (handle === undefined) throw new LedgerError('MEDIA_NOT_FOUND', { sha256: sha256.slice(0, 64) });
      try {
        return await openMedium(sha256, handle);
      } catch (error) {
        await handle.close();
        throw error;
      }
    },
    async has(sha256) {
      return digestPattern.test(sha256) && (await files.sizeOf(mediumPath(directory, sha256))) !== undefined;
    },
  };
}

/** Where a medium lies: in a folder of the first two digits of its digest. */
export const mediumPath = (directory: string, sha256: string): string =>
  join(directory, sha256.slice(0, 2), sha256);

async function openMedium(sha256: string, handle: FileHandle): Promise<OpenMedium> {
  const { size } = await handle.stat();
  const head = Buffer.alloc(Math.min(sniffedBytes, size));
  await handle.read(head, 0, head.byteLength, 0);
  return {
    sha256,
    sizeBytes: size,
    mediaType: sniffMediaType(head),
    close: () => handle.close(),
    async *read(signal, range) {
      const hasher = createHash('sha256');
      const end = Math.min(range?.end ?? size, size);
      try {
        let at = range?.start ?? 0;
        while (at < end) {
          signal.throwIfAborted();
          const chunk = Buffer.alloc(Math.min(chunkBytes, end - at));
          const { bytesRead } = await handle.read(chunk, 0, chunk.byteLength, at);
          if (bytesRead === 0) break;
          at += bytesRead;
          hasher.update(chunk.subarray(0, bytesRead));
          yield chunk.subarray(0, bytesRead);
        }
        if (range === undefined && hasher.digest('hex') !== sha256) {
          throw new LedgerError('MEDIA_CORRUPT', { sha256 });
        }
      } finally {
        await handle.close();
      }
    },
  };
}
