import { unzipSync } from 'fflate';

/** The members of a zip by their names. */
export const unzipped = (bytes: Uint8Array): ReadonlyMap<string, Uint8Array> =>
  new Map(Object.entries(unzipSync(bytes)));
