import type { Config } from '../config.ts';
import { LedgerError } from '../errors.ts';
import { verifierKeyText } from '../ledger/note-key.ts';
import { directoriesOf } from '../service/directories.ts';
import { ledgerFiles } from '../service/ledger-files.ts';
import { acceptRestore, type LedgerKeys, rotateLedgerKey } from '../service/ledger-key-changes.ts';
import { openParts } from '../service/parts.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, print } from './output.ts';

/** `runledger ledger-key`: the key that signs, as `runledger verify --key` takes it; also beside a running service. */
export async function showLedgerKey(config: Config, json: boolean): Promise<number> {
  const key = await ledgerFiles(directoriesOf(config).keys).key();
  if (key === undefined) throw new LedgerError('KEYS_UNREADABLE', { file: 'keys/ledger-key.json' });
  const current = verifierKeyText(key);
  print(json ? JSON.stringify({ current }) : current);
  return exitCodes.done;
}

/** `runledger ledger-key rotate` and `accept-restore`: take the writer's lock, so a running service is refused by name. */
export async function changeLedgerKey(
  config: Config,
  change: 'rotate' | 'accept-restore',
  json: boolean,
): Promise<number> {
  const parts = await openParts(config);
  let keys: LedgerKeys | undefined;
  try {
    keys = change === 'rotate' ? await rotateLedgerKey(parts) : await acceptRestore(parts);
  } finally {
    await parts.close();
  }
  if (keys === undefined) {
    complain('nothing to accept: the log is the one that was signed');
    return exitCodes.failed;
  }
  print(json ? JSON.stringify(keys) : keys.current);
  return exitCodes.done;
}
