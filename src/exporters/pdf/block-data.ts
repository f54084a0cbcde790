import type { Language } from '../../events/localized.ts';
import type { Block } from '../outline.ts';
import { hanLanguages } from './fonts.ts';
import { type Pictures, unshownSentence } from './picture.ts';
import type { Printer } from './printable-text.ts';
import { property } from './property.ts';
import { printedLabel, printedLine, printedParts, type TextPart } from './text-part.ts';

/** What a block is told with. */
export type Telling = {
  readonly language: Language;
  readonly pictures: Pictures;
  readonly printer: Printer;
};

/** The name of a picture among the files of the document. */
export const pictureFile = (sha256: string): string => `/picture/${sha256}`;

/** Headings longer than this are no bookmarks: a string of a PDF has its limit. */
const maxBookmarkLength = 1000;
/** A table of so many rows stands on one page, if its values have no more characters than these. */
const shortRows = 12;
const shortValue = 200;

/** One block as the template reads it. */
export function blockData(block: Block, telling: Telling): Readonly<Record<string, unknown>> {
  const { language, pictures, printer } = telling;
  const line = (text: string): unknown => printedLine(text.replaceAll('\n', ' '), language, printer);
  switch (block.kind) {
    case 'heading': {
      const isListed = block.isListed && block.text.length <= maxBookmarkLength;
      return { kind: 'heading', level: block.level, text: line(block.text), isListed };
    }
    case 'text': {
      const { primary, region, fonts } = tongueOf(block.language);
      const parts = printedParts(block.lines, primary, printer);
      return { kind: 'text', lang: primary, region, fonts, isRtl: parts[0]?.isRtl ?? false, parts };
    }
    case 'facts': {
      const rows = block.rows.map(({ label, value }) => [
        printedLabel(label, language, printer),
        plainParts(value, telling),
      ]);
      return { kind: 'facts', size: block.size, isBreakable: !isShort(block.rows), rows };
    }
    case 'picture': {
      const { sha256, alt } = block;
      const picture = pictures.get(sha256);
      if (picture === undefined) throw new TypeError(`nobody has read the picture ${sha256}`);
      if (picture.kind === 'unshown')
        return blockData(
          { kind: 'note', tone: 'plain', text: unshownSentence(picture, block, language) },
          telling,
        );
      const { format } = picture;
      return {
        kind: 'picture',
        file: pictureFile(sha256),
        format,
        alt: property(alt),
        caption: line(block.caption),
      };
    }
    case 'note':
      return { kind: 'note', tone: block.tone, parts: plainParts(block.text, telling) };
  }
}

/** Words of ours, or of a record, that go from left to right; they may have line feeds. */
export function plainParts(text: string, { language, printer }: Telling): readonly TextPart[] {
  const lines = text.split('\n').map((words) => ({ words, direction: 'ltr' }) as const);
  return printedParts(lines, language, printer);
}

/** How a text's language is told to the typesetter. */
export type Tongue = { readonly primary: string; readonly region: string | null; readonly fonts: string };

/** What the typesetter takes of an IETF tag; `und` where a text does not say its language. */
export function tongueOf(tag: string | null): Tongue {
  const [, language, region] = /^([a-z]{2,3})(?:-[a-z]{4})?(?:-([a-z]{2}))?(?:-|$)/i.exec(tag ?? '') ?? [];
  const primary = language?.toLowerCase() ?? 'und';
  const fonts = hanLanguages.includes(primary) ? primary : 'usual';
  return { primary, region: region?.toUpperCase() ?? null, fonts };
}

const isShort = (rows: readonly { readonly value: string }[]): boolean =>
  rows.length <= shortRows && rows.every(({ value }) => value.length <= shortValue && !value.includes('\n'));
