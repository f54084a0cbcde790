import { dirname, join } from 'node:path';
import { sha256Hex } from '../events/digest.ts';
import { diskRefusal } from '../disk/disk-refusal.ts';
import { type MediaFiles, nodeFiles } from './media-files.ts';
import { mediaReader, mediumPath } from './media-reader.ts';
import { sniffMediaType } from './media-type.ts';

/** A stored medium, as an item names it. */
export type StoredMedium = {
  readonly sha256: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
};

/** A medium that is open for reading. */
export type OpenMedium = StoredMedium & {
  /**
   * The bytes, once. At the end of a whole read they are known to have the digest, else MEDIA_CORRUPT; a range (bytes,
   * end exclusive) is not checked. The file is closed when the reading ends, however it ends.
   */
  readonly read: (
    signal: AbortSignal,
    range?: { readonly start: number; readonly end: number },
  ) => AsyncIterable<Uint8Array>;
  /** Closes the file where nothing is read. */
  readonly close: () => Promise<void>;
};

export type MediaStore = {
  /**
   * Stores bytes under their SHA-256 and resolves once file and folder are on the disk; the event that names them comes
   * after. The same bytes again change nothing. Throws STORAGE_FULL, or
   * UNAVAILABLE for any other fault of the disk, and leaves nothing half-written.
   */
  readonly put: (bytes: Uint8Array, signal: AbortSignal) => Promise<StoredMedium>;
  /** Throws MEDIA_NOT_FOUND, also for what is no digest at all. */
  readonly open: (sha256: string) => Promise<OpenMedium>;
  readonly has: (sha256: string) => Promise<boolean>;
};

/**
 * Opens a media folder, and makes it where it is not there. Any number of nodes may put into it at once; a node is one process
 * at a time, and what an earlier one of its name left half-written is thrown away. `files` is the file system; tests put
 * faults into it.
 */
export async function openMediaStore(
  { directory, node }: { readonly directory: string; readonly node: string },
  files: MediaFiles = nodeFiles,
): Promise<MediaStore> {
  const tmp = join(directory, 'tmp', node);
  await files.makeFolder(directory);
  await files.removeFolder(tmp);
  await files.makeFolder(tmp);
  await files.syncFolder(directory);
  let puts = 0;
  const durableFolders = new Set<string>();
  const pathOf = (sha256: string): string => mediumPath(directory, sha256);
  const folderOf = (sha256: string): string => dirname(pathOf(sha256));

  // A folder that is there may be another process's that died before it was durable: each is synced once by this one.
  const ensureFolder = async (folder: string): Promise<void> => {
    if (durableFolders.has(folder)) return;
    await files.makeFolder(folder);
    await files.syncFolder(directory);
    durableFolders.add(folder);
  };

  const storeNew = async (sha256: string, bytes: Uint8Array): Promise<void> => {
    puts += 1;
    const draft = join(tmp, `${sha256.slice(0, 16)}-${puts}`);
    try {
      await files.writeSynced(draft, bytes);
      await ensureFolder(folderOf(sha256));
      await files.rename(draft, pathOf(sha256));
    } finally {
      // After the rename there is nothing left to remove.
      await files.remove(draft);
    }
  };

  return {
    async put(bytes, signal) {
      signal.throwIfAborted();
      const sha256 = sha256Hex(bytes);
      try {
        if ((await files.sizeOf(pathOf(sha256))) !== bytes.byteLength) await storeNew(sha256, bytes);
        await ensureFolder(folderOf(sha256));
        // Also for a file that was there: another call may have renamed it and not yet reached this line.
        await files.syncFolder(folderOf(sha256));
      } catch (error) {
        throw diskRefusal('The media folder', error);
      }
      return { sha256, mediaType: sniffMediaType(bytes), sizeBytes: bytes.byteLength };
    },
    ...mediaReader(directory, files),
  };
}
