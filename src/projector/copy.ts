import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';

/**
 * Copies the projections as they are at one moment, also beside the service that writes them, into a new directory.
 * False where there are none.
 */
export async function copyProjections(directory: string, target: string): Promise<boolean> {
  if (!existsSync(join(directory, 'data.mdb'))) return false;
  await mkdir(target, { recursive: true });
  const root = open({ path: directory, noSubdir: false, readOnly: true, maxDbs: 1 });
  try {
    await root.backup(target, false);
  } finally {
    await root.close();
  }
  return true;
}
