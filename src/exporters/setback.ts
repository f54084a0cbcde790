import { catalogued, type Effect } from '../events/catalogue.ts';

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

/** The outputs that a look at the medium refused afterwards: their media are never shown. */
export function withheldLoops(
  setbacks: Iterable<{ readonly item_type: string; readonly loop_iteration: number | null }>,
): ReadonlySet<number> {
  const loops = new Set<number>();
  for (const { item_type, loop_iteration } of setbacks)
    if (catalogued(item_type)?.effect === 'withhold_output') loops.add(loop_iteration ?? 0);
  return loops;
}
