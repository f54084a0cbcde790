import type { Block, Line, Outline } from '../outline.ts';
import type { Measure, Pieces } from './breakable.ts';
import { breakable } from './breakable.ts';
import { type Choice, fontChoices, type Font, hanLanguages } from './fonts.ts';
import { type Pictures, unshownSentence } from './picture.ts';
import type { Printer } from './printable-text.ts';

/** A file inside the PDF. */
export type Attachment = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mime: string;
  /** What it is to the pages: the data that they show, or the source that they were made from. */
  readonly relationship: 'data' | 'source';
  readonly description: string;
};

/** All that the PDF of a run is made from. */
export type Report = {
  readonly outline: Outline;
  readonly executionId: string;
  readonly pictures: Pictures;
  readonly attachments: readonly Attachment[];
};

/** Words of more characters than these are cut, so that they wrap: in a line of words, and in a column of labels. */
const inLine: Measure = { longest: 30, piece: 10 };
const inLabel: Measure = { longest: 18, piece: 6 };

/** A table of so many rows stands on one page, if their values have no more characters than these. */
const shortRows = 12;
const shortValue = 200;

/** A report of more rows in its tables has none: each row takes 40 KiB of memory until the file is written. */
const maxTableRows = 6_000;

/** Lines that are laid out together; a paragraph of thousands of pieces takes time by their square. */
const maxLinesInPart = 256;
const maxPiecesInPart = 1024;

/** A string among the properties of a PDF may have 32,767 bytes, and two of them are needed for a character. */
const maxPropertyLength = 8000;
/** Headings longer than this are no bookmarks, for the same reason. */
const maxBookmarkLength = 1000;

/** A report as the template (template.ts) reads it: JSON, with names for the files of its pictures and attachments. */
export function reportData(report: Report, printer: Printer): unknown {
  const { outline, executionId, attachments } = report;
  const page: Page = { report, printer, isDense: isLarge(outline) };
  const line = (text: string): Pieces => breakable(printer.print(text, outline.language), inLine);
  const data = {
    title: property(outline.title),
    description: property(outline.description),
    date: dateOf(outline.date),
    lang: outline.language,
    id: line(executionId),
    heading: line(outline.title.replaceAll('\n', ' ')),
    contents: outline.isLong ? { title: contentsTitle[outline.language], depth: 2 } : null,
    lead: outline.lead.map((block) => blockData(block, page)),
    body: outline.body.map((block) => blockData(block, page)),
    attachments: attachments.map(({ name, mime, relationship, description }, index) => ({
      name,
      mime,
      relationship,
      description,
      file: attachmentFile(index),
    })),
  };
  return { ...data, fonts: fontsData(printer.needed) };
}

export const attachmentFile = (index: number): string => `/attachment/${index}`;
export const pictureFile = (sha256: string): string => `/picture/${sha256}`;

const contentsTitle = { en: 'Contents', de: 'Inhalt' } as const;

type Page = { readonly report: Report; readonly printer: Printer; readonly isDense: boolean };

function blockData(block: Block, page: Page): unknown {
  const { outline, pictures } = page.report;
  const { language } = outline;
  const print = (text: string): string => page.printer.print(text, language);
  const lines = (text: string): readonly Pieces[] =>
    print(withoutTabs(text))
      .split('\n')
      .map((line) => breakable(line, inLine));
  const note = (tone: string, text: string): unknown => ({ kind: 'note', tone, lines: lines(text) });
  switch (block.kind) {
    case 'heading': {
      const isListed = block.isListed && block.text.length <= maxBookmarkLength;
      const text = breakable(print(block.text.replaceAll('\n', ' ')), inLine);
      return { kind: 'heading', level: block.level, text, isListed };
    }
    case 'text':
      return textData(block, page);
    case 'facts': {
      if (page.isDense)
        return {
          kind: 'denseFacts',
          lines: lines(block.rows.map(({ label, value }) => `${label}: ${value}`).join(' · ')),
        };
      const rows = block.rows.map(({ label, value }) => [
        breakable(print(label), inLabel),
        inParts(value.split('\n').map((words) => lineData({ words, direction: 'ltr' }, language, page))),
      ]);
      return { kind: 'facts', size: block.size, isBreakable: !isShort(block.rows), rows };
    }
    case 'picture': {
      const { sha256, alt } = block;
      const picture = pictures.get(sha256);
      if (picture?.kind === 'unshown') return note('plain', unshownSentence(picture, block, language));
      const caption = lines(block.caption);
      return {
        kind: 'picture',
        file: pictureFile(sha256),
        format: picture?.format,
        alt: property(alt),
        caption,
      };
    }
    case 'note':
      return note(block.tone, block.text);
  }
}

const isShort = (rows: readonly { readonly value: string }[]): boolean =>
  rows.length <= shortRows && rows.every(({ value }) => value.length <= shortValue && !value.includes('\n'));

function textData({ lines, language }: Block & { kind: 'text' }, page: Page): unknown {
  const { primary, region } = languageOf(language);
  const parts = inParts(lines.map((line) => lineData(line, primary, page)));
  const fonts = hanLanguages.includes(primary) ? primary : 'usual';
  return {
    kind: page.isDense ? 'denseText' : 'text',
    lang: primary,
    region,
    fonts,
    isRtl: parts[0]?.isRtl ?? false,
    parts,
  };
}

/** What the typesetter takes of an IETF tag; `und` where a text does not say its language. */
function languageOf(tag: string | null): { readonly primary: string; readonly region: string | null } {
  const [, primary, region] = /^([a-z]{2,3})(?:-[a-z]{4})?(?:-([a-z]{2}))?(?:-|$)/i.exec(tag ?? '') ?? [];
  return { primary: primary?.toLowerCase() ?? 'und', region: region?.toUpperCase() ?? null };
}

type LineData = { readonly pieces: Pieces; readonly isRtl: boolean };
type PartData = { readonly isRtl: boolean; readonly lines: Pieces[] };

function lineData({ words, direction }: Line, language: string, { printer }: Page): LineData {
  const pieces = breakable(printer.print(withoutTabs(words), language), inLine);
  return { pieces, isRtl: direction === 'rtl' };
}

/** Lines of one direction together, as many as are laid out at once. */
function inParts(lines: readonly LineData[]): readonly PartData[] {
  const parts: PartData[] = [];
  let room = 0;
  for (const { pieces, isRtl } of lines.flatMap(cutLine)) {
    const open = parts.at(-1);
    const size = typeof pieces === 'string' ? 1 : pieces.length;
    if (open === undefined || open.isRtl !== isRtl || open.lines.length >= maxLinesInPart || size > room) {
      parts.push({ isRtl, lines: [pieces] });
      room = maxPiecesInPart - size;
    } else {
      open.lines.push(pieces);
      room -= size;
    }
  }
  return parts;
}

/** A line of thousands of pieces as several: where it is cut, one line on the page is shorter. */
function cutLine(line: LineData): readonly LineData[] {
  const { pieces, isRtl } = line;
  if (typeof pieces === 'string' || pieces.length <= maxPiecesInPart) return [line];
  const cut: LineData[] = [];
  for (let from = 0; from < pieces.length; from += maxPiecesInPart)
    cut.push({ pieces: pieces.slice(from, from + maxPiecesInPart), isRtl });
  return cut;
}

const tabWidth = 4;

/** Tabs as the spaces up to the next stop; a font has no glyph for one. */
function withoutTabs(text: string): string {
  if (!text.includes('\t')) return text;
  return text.replaceAll(/[^\n]*\t[^\n]*/g, (line) => {
    let shown = '';
    for (const [index, part] of line.split('\t').entries()) {
      if (index > 0) shown += ' '.repeat(tabWidth - (shown.length % tabWidth));
      shown += part;
    }
    return shown;
  });
}

function isLarge({ lead, body }: Outline): boolean {
  let rows = 0;
  for (const block of [...lead, ...body]) rows += block.kind === 'facts' ? block.rows.length : 1;
  return rows > maxTableRows;
}

const property = (text: string): string =>
  text.length > maxPropertyLength ? `${text.slice(0, maxPropertyLength)}…`.toWellFormed() : text;

function dateOf(timestamp: string): Record<string, number> {
  const date = new Date(timestamp);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/** The orders in which fonts are asked, of the fonts that are there. */
function fontsData(needed: ReadonlySet<Font>): Record<string, unknown> {
  const order = (choices: readonly Choice[]): unknown =>
    choices
      .filter(({ font }) => needed.has(font))
      .map(({ font, only }) => ({ family: font.family, ...(only && { only: only.source }) }));
  return Object.fromEntries([
    ['usual', order(fontChoices('und'))],
    ...hanLanguages.map((language) => [language, order(fontChoices(language))]),
  ]);
}
