import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';

/** What the media store asks of a file system. */
export type MediaFiles = {
  /** Writes a new file and forces it to the disk. */
  readonly writeSynced: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Removes a file, also one that is not there. */
  readonly remove: (path: string) => Promise<void>;
  /** Makes a folder and those above it, where they are not there. */
  readonly makeFolder: (path: string) => Promise<void>;
  readonly removeFolder: (path: string) => Promise<void>;
  /** Forces a folder's entries to the disk. */
  readonly syncFolder: (path: string) => Promise<void>;
  /** Bytes; undefined where there is no such file. */
  readonly sizeOf: (path: string) => Promise<number | undefined>;
  /** For reading; undefined where there is no such file. */
  readonly open: (path: string) => Promise<FileHandle | undefined>;
};

export const nodeFiles: MediaFiles = {
  async writeSynced(path, bytes) {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  removeFolder: (path) => rm(path, { recursive: true, force: true }),
  async syncFolder(path) {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  sizeOf: (path) => unlessMissing(stat(path).then(({ size }) => size)),
  open: (path) => unlessMissing(open(path, 'r')),
};

async function unlessMissing<T>(pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
