import type { Effect } from '../events/catalogue-entry.ts';
import { catalogued } from '../events/catalogue.ts';

const effects: ReadonlySet<Effect> = new Set<Effect>([
  'block_run',
  'block_output',
  'withhold_output',
  'fail_run',
  'fail_output',
  'skip_output',
  'cancel_run',
]);

/** Does an item of this type say why something is not there? Every view is told so, whatever items it has. */
export function isSetback(itemType: string): boolean {
  const entry = catalogued(itemType);
  return entry !== undefined && effects.has(entry.effect);
}
