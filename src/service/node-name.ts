import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeWholeFile } from '../disk/whole-file.ts';

const nameFile = 'node';
const namePattern = /^node-[0-9a-f]{16}$/;

/**
 * The name of the node that a data directory belongs to, made at its first start. What the node writes by halves in shared
 * folders stands under it, so that the next start clears up after this node, and after no other that may be alive. The
 * caller has the directory for itself.
 */
export async function nodeNameOf(dataDirectory: string): Promise<string> {
  const path = join(dataDirectory, nameFile);
  const known = await readIfThere(path);
  if (known !== undefined && namePattern.test(known)) return known;
  const name = `node-${randomBytes(8).toString('hex')}`;
  // A damaged name costs the room of what was left under it, and nothing else.
  await rm(path, { force: true });
  await makeWholeFile(path, name);
  return name;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
