import { catalogued } from '../events/catalogue.ts';
import type { ExecutionItem } from '../events/item.ts';

/** A run that has killed its process so often, without a step in between, is ended instead of tried again. */
const maxRecoveriesInARow = 12;

/** The worker that claimed the run last; undefined for a run that nobody has taken. */
export function lastClaim(items: readonly ExecutionItem[]): string | undefined {
  const claim = items.findLast(isClaim);
  const worker = claim?.metadata['worker'];
  return typeof worker === 'string' ? worker : undefined;
}

/** Has the run been taken up again and again without getting one step further? */
export function tooManyRecoveries(items: readonly ExecutionItem[]): boolean {
  const lastStep = items.findLastIndex((item) => {
    const kind = catalogued(item.item_type)?.kind;
    return kind === 'journey' || kind === 'decision';
  });
  return items.slice(lastStep + 1).filter(isClaim).length >= maxRecoveriesInARow;
}

const isClaim = (item: ExecutionItem): boolean => catalogued(item.item_type)?.effect === 'claim';
