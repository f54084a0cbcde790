import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config.ts';
import { assembleLedger, type Ledger } from './assemble.ts';
import { openParts } from './parts.ts';

/**
 * Opens a ledger on its data directory: store, keys, media, read models; publishes the policy; goes on with the runs that
 * were not finished, unless it is only opened to be read (`executes: false`). Throws LOCKED while another process has it.
 */
export async function openLedger(
  config: Config,
  log: FastifyBaseLogger,
  { executes = true }: { readonly executes?: boolean } = {},
): Promise<Ledger> {
  const parts = await openParts(config, {
    onStopped: (name, stop) => log.error({ projection: name, err: stop.error }, 'a projection stopped'),
  });
  try {
    return await assembleLedger({ config, log, executes, ...parts });
  } catch (error) {
    await parts.close();
    throw error;
  }
}
