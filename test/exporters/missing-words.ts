const squashed = (text: string): string => text.replaceAll(/\s+/g, '');

/**
 * The texts of a record, keys too, that do not stand in what was read of a file. White space is not compared, because a
 * page breaks its lines where it likes; the order of items is that of the record within each stage.
 */
export function missingWords(
  record: unknown,
  read: string,
  shown: (text: string) => string,
): readonly string[] {
  const text = squashed(read);
  const missing: string[] = [];
  let cursor = 0;
  for (const leaf of leavesOf(record)) {
    const wanted = squashed(shown(leaf));
    if (wanted === '') continue;
    // What was found last stands near; the rest of the file is searched only where it does not.
    const near = text.indexOf(wanted, Math.max(0, cursor - reach));
    const at = near === -1 ? text.indexOf(wanted) : near;
    if (at === -1) missing.push(leaf.slice(0, 80));
    else if (at < cursor + reach) cursor = Math.max(cursor, at);
  }
  return missing;
}

/** Within so many characters lies what an item says. */
const reach = 20_000;

/** Members that a report says in words of its own. */
const retold: ReadonlySet<string> = new Set([
  'media_type',
  'stage',
  'result',
  'error',
  'is_terminal',
  'version',
]);

function* leavesOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const entry of value) yield* leavesOf(entry);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) if (!retold.has(key)) yield* leavesOf(member);
  }
}
