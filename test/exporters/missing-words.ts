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
  const letters = new Set(text.normalize('NFKD'));
  const missing: string[] = [];
  let cursor = 0;
  for (const leaf of leavesOf(record)) {
    const wanted = squashed(shown(leaf));
    if (wanted === '' || (reordered.test(wanted) && lettersStand(wanted, letters))) continue;
    // What was found last stands near; the rest of the file is searched only where it does not.
    const near = text.indexOf(wanted, Math.max(0, cursor - reach));
    const at = near === -1 ? text.indexOf(wanted) : near;
    if (at === -1) missing.push(leaf.slice(0, 80));
    else if (at < cursor + reach) cursor = Math.max(cursor, at);
  }
  return missing;
}

/**
 * Letters that are taken out of a page in the order of the eye, or with the letters of a ligature together: of such a
 * text only the letters are looked for.
 */
const reordered =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Devanagari}\p{Script=Thai}]|\p{M}|\p{ExtPict}|\p{RI}/u;

const lettersStand = (wanted: string, letters: ReadonlySet<string>): boolean =>
  Array.from(wanted.normalize('NFKD')).every((letter) => letters.has(letter) || /\p{M}|\p{DI}/u.test(letter));

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
