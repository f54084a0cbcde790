import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Where the running service of a data directory can be reached, and which process it is. */
export type ServiceAddress = { readonly url: string; readonly pid: number };

/** Written into the data directory while the service listens. */
export const addressFile = 'service.json';

const shape = z.strictObject({ url: z.url(), pid: z.int() });

/** Under its name only when it is whole: who reads it beside us never sees half of it. */
export async function writeServiceAddress(dataDirectory: string, address: ServiceAddress): Promise<void> {
  const path = join(dataDirectory, addressFile);
  const draft = `${path}.${address.pid}`;
  await writeFile(draft, JSON.stringify(address), { mode: 0o600 });
  await rename(draft, path);
}

/**
 * The address of that very process; undefined where it serves nothing. The file of a killed service stays, and its port
 * may long be another program's.
 */
export async function readServiceAddress(
  dataDirectory: string,
  pid: number,
): Promise<ServiceAddress | undefined> {
  try {
    const address = shape.parse(JSON.parse(await readFile(join(dataDirectory, addressFile), 'utf8')));
    return address.pid === pid ? address : undefined;
  } catch {
    // No file, or none of ours: the caller then says who holds the directory.
    return undefined;
  }
}

export async function removeServiceAddress(dataDirectory: string): Promise<void> {
  await rm(join(dataDirectory, addressFile), { force: true });
}
