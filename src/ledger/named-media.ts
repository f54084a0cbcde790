import type { Bundle } from './bundle.ts';
import { isObject, readCanonical } from './canonical-json.ts';
import { digestInHex } from './bundle-patterns.ts';
import { readCore } from './proven-core.ts';

/**
 * The media that items name, in the order of their digests: by the fact `sha256`, which in a run is always a medium's, and
 * by the address in `file_path` where the payload is there.
 */
export function namedMedia(events: Bundle['events']): Bundle['media'] {
  const items = new Map<string, number[]>();
  for (const { core, payload } of events) {
    const read = readCore(core);
    if (read === undefined) continue;
    const opened = payload === undefined ? undefined : readCanonical(payload.text);
    const path = isObject(opened) ? opened['file_path'] : undefined;
    const address = typeof path === 'string' ? path.replace(/^\/api\/media\//, '') : undefined;
    for (const digest of new Set([read.facts['sha256'], address]))
      if (typeof digest === 'string' && digestInHex.test(digest))
        items.set(digest, [...(items.get(digest) ?? []), read.seq]);
  }
  return [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([sha256, named]) => ({ sha256, items: named }));
}
