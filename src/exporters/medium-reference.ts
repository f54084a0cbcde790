import type { ExecutionItem } from '../events/item.ts';

const ours = /^\/api\/media\/([0-9a-f]{64})$/;
const digest = /^[0-9a-f]{64}$/;

/** The digest of the medium that an item names, where it names one by its digest. */
export function mediumOf({
  file_path,
  metadata,
}: Pick<ExecutionItem, 'file_path' | 'metadata'>): string | undefined {
  if (file_path === null) return undefined;
  const named = ours.exec(file_path)?.[1];
  if (named !== undefined) return named;
  // A file of another system may have been handed to us besides.
  const { sha256 } = metadata;
  return typeof sha256 === 'string' && digest.test(sha256) ? sha256 : undefined;
}
