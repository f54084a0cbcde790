/**
 * The one sanitiser of everything that is shown: characters that a reader would not see, or that reorder what he sees,
 * stand as `⟨U+202E⟩`. Texts are data; what is exact stands in the record.
 */

/** Scripts in which a joiner between two letters changes how these are written. */
const joining =
  'Arabic|Syriac|Mongolian|Nko|Thaana|Devanagari|Bengali|Gurmukhi|Gujarati|Oriya|Tamil|Telugu|Kannada|Malayalam|Sinhala|Khmer|Myanmar|Tibetan'
    .split('|')
    .map((script) => `\\p{Script=${script}}`)
    .join('');

/** Invisible characters that are part of something visible: they stay. */
const kept = [
  // A family, a flag of a country's part, a heart in red.
  String.raw`(?<=\p{ExtPict}\uFE0F?|\p{EMod})\u200D(?=\p{ExtPict})`,
  String.raw`(?<=[\p{ExtPict}0-9#*])[\uFE0E\uFE0F]`,
  String.raw`(?<=\u{1F3F4})\u{E0067}\u{E0062}(?:\u{E0065}\u{E006E}\u{E0067}|\u{E0073}\u{E0063}\u{E0074}|\u{E0077}\u{E006C}\u{E0073})\u{E007F}`,
  `(?<=[${joining}])[\\u200C\\u200D](?=[${joining}])`,
  // A variant of one ideograph.
  String.raw`(?<=\p{Script=Han})[\uFE00-\uFE02\u{E0100}-\u{E01EF}]`,
].join('|');

/** Signs of the Arabic script that count as format characters and are written all the same. */
const written = String.raw`\u0600-\u0605\u06DD\u08E2\u0890\u0891\u{110BD}\u{110CD}`;
const unseen = String.raw`(?![\n\t${written}])[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{DI}\u2800]`;
const pattern = new RegExp(`${kept}|(?<hidden>${unseen})`, 'gu');

/** Latin letters and signs: most texts have nothing else, and the long pattern is slow. */
const plain = /^[\t\n\u0020-\u007E\u00A1-\u00AC\u00AE-\u024F]*$/;

/** A run of characters that may be shown as they are, or the code point of one that may not. */
export type Piece = string | number;

/** Cuts a text into what may be shown and what may not; together they are the text. Line feed and tab may. */
export function* piecesOf(text: string): Generator<Piece, void, undefined> {
  if (plain.test(text)) {
    if (text !== '') yield text;
    return;
  }
  let shownFrom = 0;
  for (const match of text.matchAll(pattern)) {
    const hidden = match.groups?.['hidden'];
    if (hidden === undefined) continue;
    if (match.index > shownFrom) yield text.slice(shownFrom, match.index);
    yield hidden.codePointAt(0) ?? 0;
    shownFrom = match.index + hidden.length;
  }
  if (shownFrom < text.length) yield text.slice(shownFrom);
}

/** How a character is named where it cannot be shown: `⟨U+0007⟩`. */
export function namedCharacter(codePoint: number): string {
  return `⟨U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** The text as it is shown: each hidden character by its name; any kind of line end is one line feed. */
export function visibleText(text: string): string {
  let shown = '';
  for (const piece of piecesOf(text.replaceAll('\r\n', '\n')))
    shown += typeof piece === 'number' ? namedCharacter(piece) : piece;
  return shown;
}
