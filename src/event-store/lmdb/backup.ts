import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LedgerError } from '../../errors.ts';
import { type Environment, syncDirectories } from './environment.ts';

/**
 * Copies the log as it is now into a directory that has none, while others go on writing; a log can be opened on the
 * copy, which is a prefix of this one. Resolves once the copy is on the disk.
 */
export async function backUp(environment: Environment, targetDirectory: string): Promise<void> {
  const target = join(targetDirectory, basename(environment.path));
  if (existsSync(target)) {
    throw new LedgerError('NO_LOG', {
      directory: targetDirectory,
      what: 'already has a log, which a backup never overwrites',
      cure: 'choose another directory',
    });
  }
  await mkdir(targetDirectory, { recursive: true });
  // Under another name until it is whole: an interrupted backup must not look like one.
  const draft = `${target}.part`;
  await rm(draft, { force: true });
  await environment.root.backup(draft, true);
  const handle = await open(draft, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, target);
  await syncDirectories(targetDirectory);
}
