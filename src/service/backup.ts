import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import { openLmdbSnapshot } from '../event-store/lmdb/log.ts';
import { openKeyring } from '../keyring/keyring.ts';
import type { Directories } from './directories.ts';

/**
 * Copies a ledger, also beside the service that writes to it. The log comes first: whatever key or medium an event in
 * the copy needs was durable before that event, so the later copies hold it. Read models are left out; they are rebuilt.
 */
export async function backUpLedger(from: Directories, target: string): Promise<void> {
  await refuseFilled(target);
  const log = await openLmdbSnapshot({ directory: from.log });
  try {
    await log.backup(join(target, 'log'));
  } finally {
    await log.close();
  }
  const keyring = await openKeyring(from.keys, { readOnly: true });
  try {
    await keyring.backup(join(target, 'keys'));
  } finally {
    await keyring.close();
  }
  await cp(from.media, join(target, 'media'), { recursive: true, errorOnExist: true, force: false });
}

async function refuseFilled(target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  if ((await readdir(target)).length > 0) {
    throw new LedgerError('BACKUP_TARGET', { directory: target });
  }
}
