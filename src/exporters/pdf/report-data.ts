import type { Outline } from '../outline.ts';
import { blockData, type Telling } from './block-data.ts';
import { denseData } from './dense-data.ts';
import { type Choice, fontChoices, type Font, hanLanguages, plainFonts } from './fonts.ts';
import type { Pictures } from './picture.ts';
import type { Printer } from './printable-text.ts';
import { property } from './property.ts';
import { printedLine } from './text-part.ts';

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

/** The name of an attachment among the files of the document. */
export const attachmentFile = (index: number): string => `/attachment/${index}`;

/** A report of more rows in its tables has none: each takes 40 KiB of memory until the file is written. */
const maxTableRows = 6_000;

const contentsTitle = { en: 'Contents', de: 'Inhalt' } as const;

/** A report as the template (template.ts) reads it: JSON, with names for the files of its pictures and attachments. */
export function reportData(report: Report, printer: Printer): unknown {
  const { outline, executionId, attachments, pictures } = report;
  const { language } = outline;
  const telling: Telling = { language, pictures, printer };
  const data = {
    title: property(outline.title),
    description: property(outline.description),
    date: dateOf(outline.date),
    lang: language,
    id: printedLine(executionId, language, printer),
    heading: printedLine(outline.title.replaceAll('\n', ' '), language, printer),
    contents: outline.isLong ? { title: contentsTitle[language], depth: 2 } : null,
    lead: outline.lead.map((block) => blockData(block, telling)),
    body: isLarge(outline)
      ? denseData(outline.body, telling)
      : outline.body.map((block) => blockData(block, telling)),
    attachments: attachments.map(({ name, mime, relationship, description }, index) => ({
      name,
      mime,
      relationship,
      description,
      file: attachmentFile(index),
    })),
  };
  // Which fonts are needed is known once everything is printed.
  return { ...data, fonts: fontsData(printer.needed) };
}

function isLarge({ body }: Outline): boolean {
  let rows = 0;
  for (const block of body) rows += block.kind === 'facts' ? block.rows.length : 1;
  return rows > maxTableRows;
}

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
  const loaded = new Set([...plainFonts, ...needed]);
  const order = (choices: readonly Choice[]): unknown =>
    choices
      .filter(({ font }) => loaded.has(font))
      .map(({ font, only }) => ({ family: font.family, ...(only && { only: only.source }) }));
  return Object.fromEntries([
    ['usual', order(fontChoices('und'))],
    ...hanLanguages.map((language) => [language, order(fontChoices(language))]),
  ]);
}
