/** A term with more places than this to spell in two ways has only its own spelling and the two uniform ones. */
const maxPlaces = 3;

const spellings = new Map([
  ['ä', ['ä', 'ae']],
  ['ö', ['ö', 'oe']],
  ['ü', ['ü', 'ue']],
  ['ae', ['ae', 'ä']],
  ['oe', ['oe', 'ö']],
  ['ue', ['ue', 'ü']],
]);

/**
 * The ways to write a term without its umlauts, or with umlauts for its ae, oe, ue. ß and ss need no spelling of their
 * own: folding makes them one.
 */
export function spellingsOf(term: string): readonly string[] {
  const parts = term
    .normalize('NFC')
    .toLowerCase()
    .split(/(ä|ö|ü|ae|oe|ue)/);
  const written = parts.map((part) => spellings.get(part) ?? [part]);
  if (written.filter(({ length }) => length > 1).length > maxPlaces) {
    const uniform = [/^[äöü]/, /^[aou]e/].map((wanted) =>
      written.map((ways) => ways.find((way) => wanted.test(way)) ?? ways[0]).join(''),
    );
    return [...new Set([parts.join(''), ...uniform])];
  }
  return written.reduce<readonly string[]>(
    (begun, ways) => begun.flatMap((start) => ways.map((way) => start + way)),
    [''],
  );
}
