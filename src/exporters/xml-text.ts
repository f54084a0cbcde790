import { type Piece, piecesOf } from './visible-text.ts';

/**
 * A text as the content of an element, in parts: markup in it is escaped, and what a reader would not see or XML 1.0
 * cannot carry stands as an element, `<c u="0007"/>`. So does a carriage return, which a parser would take for a line feed.
 */
export function* textParts(text: string): Generator<string, void, undefined> {
  for (const slice of slicesOf(text)) {
    for (const piece of piecesIn(slice)) {
      yield typeof piece === 'number'
        ? `<c u="${piece.toString(16).toUpperCase().padStart(4, '0')}"/>`
        : escaped(piece);
    }
  }
}

/**
 * A string as the value of an attribute, without its quotes; undefined where that would not give it back: hidden
 * characters, tabs and line ends (a parser makes them spaces), and what is too long to be looked at in one piece.
 */
export function attributeText(value: string): string | undefined {
  if (value.length > sliceLength || /[\t\n]/.test(value)) return undefined;
  for (const piece of piecesIn(value)) if (piece !== value) return undefined;
  return escaped(value).replaceAll('"', '&quot;');
}

/** Nothing of these is ever hidden. Most texts are of these alone, and to look for more takes longer than to write them. */
const plain = /^[\t\n -~\u00A1-\u00AC\u00AE-\u024F]*$/;
const piecesIn = (text: string): Iterable<Piece> => (plain.test(text) ? [text] : piecesOf(text));

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escaped = (text: string): string => text.replaceAll(/[&<>]/g, (character) => entities[character] ?? '');

/** UTF-16 units whose hidden characters are looked for at once: a megabyte of emoji would hold the event loop. */
const sliceLength = 8_192;
/** Two characters that nothing invisible joins: cut between them, the halves show what the whole shows. */
const seam = /[^\p{C}\p{Zl}\p{Zp}\p{DI}](?=[^\p{C}\p{Zl}\p{Zp}\p{DI}])/gu;

/**
 * Cuts a long text where the cut does not change what is hidden. A text that is made to have no such place for a whole
 * slice is cut all the same; an invisible character there is then written as hidden, and comes back all the same.
 */
export function* slicesOf(text: string): Generator<string, void, undefined> {
  let from = 0;
  while (text.length - from > 2 * sliceLength) {
    const window = text.slice(from + sliceLength, from + 2 * sliceLength);
    seam.lastIndex = 0;
    const to = from + sliceLength + (seam.test(window) ? seam.lastIndex : isLowSurrogate(window) ? 1 : 0);
    yield text.slice(from, to);
    from = to;
  }
  yield text.slice(from);
}

const isLowSurrogate = (text: string): boolean => /^[\uDC00-\uDFFF]/.test(text);
