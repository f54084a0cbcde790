import type { Config } from '../config.ts';
import { backUpLedger } from '../service/backup.ts';
import { exitCodes } from './exit-codes.ts';
import { print } from './output.ts';

/** `runledger backup DIR`. */
export async function backUp(config: Config, target: string, json: boolean): Promise<number> {
  await backUpLedger(config, target);
  print(
    json
      ? JSON.stringify({ directory: target })
      : `log, keys and media are copied to ${target}; start a service with RUNLEDGER_DATA=${target} and RUNLEDGER_STORE=lmdb, and without RUNLEDGER_SHARED, to use the copy`,
  );
  return exitCodes.done;
}
