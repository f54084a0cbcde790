import { open } from 'node:fs/promises';
import type { Environment } from './environment.ts';

/**
 * Keeps the file a little longer than lmdb needs, so that most commits write into blocks the file already has: then
 * syncing them does not have to sync the file system's journal too, which takes as long again.
 *
 * Only zeros, only through O_APPEND: the kernel puts them behind whatever is there, so nothing can be overwritten.
 */
export type Headroom = {
  /** Call before each commit with the bytes of its events. */
  readonly prepare: (sizeBytes: number) => Promise<void>;
  readonly close: () => Promise<void>;
};

const stepBytes = 1024 * 1024;
/** What a commit may take: its events with their page's slack, and a copy of each page on the way to them. */
const needOf = (sizeBytes: number) => sizeBytes * 1.5 + 32 * 1024;
/** Larger commits lengthen the file once for many events anyway: zeros would only double what they write. */
const maxPreparedBytes = 128 * 1024;

export async function createHeadroom({ root, path }: Environment): Promise<Headroom> {
  const file = await open(path, 'a');
  const zeros = Buffer.alloc(stepBytes);
  let leftBytes = 0;
  return {
    prepare: async (sizeBytes) => {
      leftBytes -= needOf(sizeBytes);
      if (leftBytes >= 0 || sizeBytes > maxPreparedBytes) return;
      // The guess is used up; see how much really is.
      const { lastPageNumber, pageSize } = root.getStats() as { lastPageNumber: number; pageSize: number };
      try {
        const lengthBytes = (await file.stat()).size;
        leftBytes = lengthBytes - (lastPageNumber + 1) * pageSize - needOf(sizeBytes);
        if (leftBytes < 0) leftBytes += (await file.write(zeros)).bytesWritten;
      } catch {
        // Only speed is lost. A full disk is the commit's to report, which may still fit into what the file has.
      }
    },
    close: () => file.close(),
  };
}
