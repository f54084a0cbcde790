/** A term with more places than this to spell in two ways has only its own spelling and the two uniform ones. */
const maxPlaces = 3;

const pairs: readonly (readonly [umlaut: string, letters: string])[] = [
  ['ä', 'ae'],
  ['ö', 'oe'],
  ['ü', 'ue'],
];

/**
 * The ways to write a term without its umlauts, or with umlauts for its ae, oe, ue; the term itself comes first. ß and ss
 * need no spelling of their own: folding makes them one.
 */
export function spellingsOf(term: string): readonly string[] {
  const parts = term
    .normalize('NFC')
    .toLowerCase()
    .split(/(ä|ö|ü|ae|oe|ue)/);
  const places = parts.length >> 1;
  const other = (part: string): string => {
    const pair = pairs.find((one) => one.includes(part));
    return (pair?.[0] === part ? pair[1] : pair?.[0]) ?? part;
  };
  const spelled = (isOther: (place: number) => boolean): string =>
    parts.map((part, at) => (at % 2 === 1 && isOther(at >> 1) ? other(part) : part)).join('');
  if (places > maxPlaces) {
    const [dotted, plain] = [0, 1].map((side) => parts.map((part) => uniform(part, side)).join(''));
    return [...new Set([term, dotted ?? term, plain ?? term])];
  }
  return Array.from({ length: 2 ** places }, (_none, mask) =>
    mask === 0 ? term : spelled((place) => ((mask >> place) & 1) === 1),
  );
}

const uniform = (part: string, side: number): string =>
  pairs.find((pair) => pair.includes(part))?.[side] ?? part;
