/**
 * Words of older taxonomies and today's words for them. Stored bytes keep the old word for ever; readers see today's,
 * and the old one under `source`. Add a line here whenever a type is renamed; never take one away.
 */
const renamedTypes: ReadonlyMap<string, string> = new Map([['interception_result', 'interception_final']]);

/** Today's name of an item type that was stored under any taxonomy. */
export function upcastType(stored: string): string {
  return renamedTypes.get(stored) ?? stored;
}
