import { Buffer } from 'node:buffer';
import { LedgerError } from '../../errors.ts';
import type { Outline } from '../outline.ts';
import { pictureFile } from './block-data.ts';
import { compiled, type DocumentFiles } from './compiler.ts';
import { CompilerRefusal } from './compiler-refusal.ts';
import { plainFonts } from './fonts.ts';
import { type Picture, type Pictures, unreadable } from './picture.ts';
import { type Printer, printer } from './printable-text.ts';
import { attachmentFile, type Report, reportData } from './report-data.ts';
import { template } from './template.ts';

/** How often a document is compiled; each time without what was refused the time before. */
const maxTries = 5;

/** Some 2,000 pages and 500 MiB: each line of a text takes 4 KiB until the file is written. */
const maxLines = 100_000;

/**
 * Typesets a report as PDF/A-3a. What no font can show is named, a picture that cannot be decoded is told of; the same
 * report gives the same bytes. Computes for a second or more at a time; an abort is heard between these times. Throws
 * EXPORT_IMPOSSIBLE where there are too many lines, or the compiler refuses something else.
 */
export function typeset(report: Report, signal: AbortSignal): Uint8Array {
  const lines = linesOf(report.outline);
  if (lines > maxLines) {
    const what = `its texts have ${lines} lines, a PDF can hold ${maxLines}`;
    const cure = 'use json or xml, or a view with less in it';
    throw new LedgerError('EXPORT_IMPOSSIBLE', { format: 'pdf', what, cure });
  }
  const refused = new Set<string>();
  let { pictures } = report;
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return typesetOnce({ ...report, pictures }, refused);
    } catch (error) {
      if (!(error instanceof CompilerRefusal)) throw error;
      const named = refused.size;
      for (const text of error.unshownTexts) refused.add(text);
      if (tries < maxTries && refused.size > named) continue;
      const decodable = withoutBroken(pictures, signal);
      if (tries === maxTries || decodable === pictures) throw impossible(error);
      pictures = decodable;
    }
  }
}

function linesOf({ lead, body }: Outline): number {
  let lines = 0;
  for (const block of [...lead, ...body]) {
    if (block.kind === 'text') lines += block.lines.length;
    if (block.kind === 'facts') for (const { value } of block.rows) lines += value.split('\n').length;
  }
  return lines;
}

function typesetOnce(report: Report, refused: ReadonlySet<string>): Uint8Array {
  const printing = printer(refused);
  const files = new Map<string, Uint8Array>([['/report.json', reportJson(report, printing)]]);
  for (const [index, { bytes }] of report.attachments.entries()) files.set(attachmentFile(index), bytes);
  for (const [sha256, picture] of report.pictures)
    if (picture.kind === 'picture') files.set(pictureFile(sha256), picture.bytes);
  return compiled(template, files, new Set([...plainFonts, ...printing.needed]));
}

/** In a function of its own, so that what the bytes were made from is gone when the compiler needs the memory. */
const reportJson = (report: Report, printing: Printer): Buffer =>
  Buffer.from(JSON.stringify(reportData(report, printing)));

/** The compiler does not say which picture it could not decode, so each is tried by itself. */
function withoutBroken(pictures: Pictures, signal: AbortSignal): Pictures {
  const broken = [...pictures].filter(([, picture]) => {
    signal.throwIfAborted();
    return picture.kind === 'picture' && !isDecodable(picture);
  });
  if (broken.length === 0) return pictures;
  return new Map([
    ...pictures,
    ...broken.map(([sha256, picture]) => [sha256, unreadable(picture.mediaType)] as const),
  ]);
}

function isDecodable({ format, bytes }: Picture): boolean {
  const files: DocumentFiles = new Map([['/picture', bytes]]);
  const source = `
    #set document(title: "picture", date: datetime(year: 2000, month: 1, day: 1))
    #image(read("/picture", encoding: none), format: "${format}", alt: "picture", width: 1cm)`;
  try {
    compiled(source, files, []);
    return true;
  } catch (error) {
    if (error instanceof CompilerRefusal) return false;
    throw error;
  }
}

const impossible = (refusal: CompilerRefusal): LedgerError =>
  new LedgerError(
    'EXPORT_IMPOSSIBLE',
    {
      format: 'pdf',
      what: `the typesetter refused it: ${refusal.messages.slice(0, 3).join('; ')}`,
      cure: 'use another format, such as json, and report this as a defect of runledger',
    },
    { cause: refusal },
  );
