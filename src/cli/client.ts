import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { isLedgerError, LedgerError } from '../errors.ts';

export type Answer = { readonly status: number; readonly text: string };

/** Speaks to the ledger over its own HTTP surface, wherever that is. */
export type Client = {
  readonly request: (method: 'GET' | 'POST', path: string, body?: string) => Promise<Answer>;
  readonly close: () => Promise<void>;
};

/** Where a running service can be reached; written into its data directory while it listens. */
export const serviceFile = 'service.json';
export const serviceAddress = z.strictObject({ url: z.url(), pid: z.int() });

/**
 * The running service of this data directory; where none runs, the same routes inside this process, on the data
 * directory itself. Throws LOCKED where another process holds the directory without serving it.
 */
export async function openClient(
  config: Config,
  openHere: (config: Config) => Promise<Client>,
): Promise<Client> {
  try {
    return await openHere(config);
  } catch (error) {
    if (!isLedgerError(error, 'LOCKED')) throw error;
    const address = await runningService(config.dataDirectory);
    if (address === undefined) throw error;
    return remoteClient(address);
  }
}

async function runningService(dataDirectory: string): Promise<string | undefined> {
  try {
    return serviceAddress.parse(JSON.parse(await readFile(join(dataDirectory, serviceFile), 'utf8'))).url;
  } catch {
    // No file, or one that a killed service left half-written: the caller then says who holds the directory.
    return undefined;
  }
}

function remoteClient(base: string): Client {
  return {
    request: async (method, path, body) => {
      try {
        const answer = await fetch(new URL(path, base), {
          method,
          ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
        });
        return { status: answer.status, text: await answer.text() };
      } catch (cause) {
        const what = `The service at ${base} does not answer`;
        throw new LedgerError(
          'UNAVAILABLE',
          { what, cure: 'see whether it is still starting, then try again' },
          { cause },
        );
      }
    },
    close: async () => undefined,
  };
}
