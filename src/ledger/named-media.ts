import type { Bundle } from './bundle.ts';
import { digestInHex } from './bundle-patterns.ts';
import type { ProvenCore } from './proven-core.ts';

/** An item as its media are read from it. */
export type NamingItem = {
  readonly read: Pick<ProvenCore, 'seq' | 'facts'> | undefined;
  /** The payload, where it is there. */
  readonly opened: Readonly<Record<string, unknown>> | undefined;
};

/**
 * The media that items name, in the order of their digests: by the fact `sha256`, which in a run is always a medium's, and
 * by the address in `file_path` where the payload is there.
 */
export function namedMedia(items: readonly NamingItem[]): Bundle['media'] {
  const named = new Map<string, number[]>();
  for (const { read, opened } of items) {
    if (read === undefined) continue;
    const path = opened?.['file_path'];
    const address = typeof path === 'string' ? path.replace(/^\/api\/media\//, '') : undefined;
    for (const digest of new Set([read.facts['sha256'], address]))
      if (typeof digest === 'string' && digestInHex.test(digest))
        named.set(digest, [...(named.get(digest) ?? []), read.seq]);
  }
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([sha256, seqs]) => ({ sha256, items: seqs }));
}
