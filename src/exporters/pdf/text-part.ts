import type { Line } from '../outline.ts';
import { breakable, type Measure, type Pieces } from './breakable.ts';
import type { Printer } from './printable-text.ts';

/** Lines of one direction that are laid out together. */
export type TextPart = { readonly isRtl: boolean; readonly lines: readonly Pieces[] };

/** Words of more characters than these are cut, so that they wrap. */
const inLine: Measure = { longest: 30, piece: 10 };
const inLabel: Measure = { longest: 18, piece: 6 };

/** A paragraph of thousands of lines or pieces takes time by their square. */
const maxLinesInPart = 256;
const maxPiecesInPart = 1024;
/** Right-to-left paragraphs and those without spaces do so by their length too, in UTF-16 units. */
const maxPartLength = 16_384;
const maxLineLength = 8_192;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A line of a text as it is printed. `language` is a primary subtag. */
export function printedLine(text: string, language: string, { print }: Printer): Pieces {
  return breakable(print(withoutTabs(text), language), inLine);
}

export function printedLabel(text: string, language: string, { print }: Printer): Pieces {
  return breakable(print(withoutTabs(text), language), inLabel);
}

/** A text as it is printed, in as few parts as its directions and its length allow. */
export function printedParts(
  lines: readonly Line[],
  language: string,
  printer: Printer,
): readonly TextPart[] {
  const parts: { isRtl: boolean; lines: Pieces[] }[] = [];
  let room = { lines: 0, pieces: 0, length: 0 };
  for (const { words, direction } of lines) {
    const isRtl = direction === 'rtl';
    for (const piece of cutLine(words)) {
      const pieces = printedLine(piece, language, printer);
      const open = parts.at(-1);
      const size = sizeOf(pieces);
      const isFull = size > room.pieces || piece.length > room.length || room.lines === 0;
      if (open === undefined || open.isRtl !== isRtl || isFull) {
        parts.push({ isRtl, lines: [pieces] });
        room = { lines: maxLinesInPart, pieces: maxPiecesInPart, length: maxPartLength };
      } else open.lines.push(pieces);
      room = { lines: room.lines - 1, pieces: room.pieces - size, length: room.length - piece.length };
    }
  }
  return parts;
}

const sizeOf = (pieces: Pieces): number => (typeof pieces === 'string' ? 1 : pieces.length);

/**
 * A line of many pages as several, at a space where there is one: on the page, a line is shorter there.
 */
function* cutLine(line: string): Iterable<string> {
  let rest = line;
  while (rest.length > maxLineLength) {
    const space = rest.lastIndexOf(' ', maxLineLength);
    const at = space > maxLineLength / 2 ? space + 1 : wholeLength(rest, maxLineLength);
    yield rest.slice(0, at);
    rest = rest.slice(at);
  }
  yield rest;
}

/** Up to the last grapheme that ends before a position. */
function wholeLength(text: string, position: number): number {
  const window = text.slice(0, position + 1);
  const before = graphemes.segment(window).containing(position);
  if (before !== undefined && before.index > 0) return before.index;
  // Nothing but marks, thousands of them.
  return /[\udc00-\udfff]/.test(text.charAt(position)) ? position - 1 : position;
}

const tabWidth = 4;

/** Tabs as the spaces up to the next stop; a font has no glyph for one. */
function withoutTabs(line: string): string {
  if (!line.includes('\t')) return line;
  let shown = '';
  for (const [index, part] of line.split('\t').entries()) {
    if (index > 0) shown += ' '.repeat(tabWidth - (shown.length % tabWidth));
    shown += part;
  }
  return shown;
}
