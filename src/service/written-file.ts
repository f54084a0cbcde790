import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** A file that was written whole. */
export type WrittenFile = {
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
};

/** Writes a new file, readable by its owner only, and tells its size and digest. */
export async function writeChunks(path: string, chunks: AsyncIterable<Uint8Array>): Promise<WrittenFile> {
  const hasher = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of chunks) {
      hasher.update(chunk);
      sizeBytes += chunk.byteLength;
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hasher.digest('hex') };
}
