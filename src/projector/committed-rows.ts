import { openEnvironment } from './environment.ts';
import type { Projection, Reader } from './projection.ts';

/**
 * Calls with the rows of a projection as they were last committed in a directory that nobody else has open; undefined
 * where it serves nothing there, or rows of another version.
 */
export async function withCommittedRows<T>(
  directory: string,
  projection: Projection,
  work: (rows: Reader) => Promise<T>,
): Promise<T | undefined> {
  const environment = openEnvironment(directory);
  try {
    const checkpoint = environment.checkpoint(projection.name, 'live');
    if (checkpoint === undefined || checkpoint.version !== projection.version) return undefined;
    return await work(environment.tables(projection, checkpoint.generation).latest);
  } finally {
    await environment.close();
  }
}
