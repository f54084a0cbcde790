import type { Block, Outline } from '../outline.ts';
import { contents, contentsBookmark } from './contents.ts';
import { drawing, pictureNamespace } from './drawing.ts';
import { factsTable } from './facts-table.ts';
import { page } from './page.ts';
import { paragraph } from './paragraph.ts';
import type { PictureSize } from '../picture-size.ts';
import { languageProperties } from './proofing-language.ts';
import type { StyleId } from './styles.ts';
import { withheldPicture, type WithheldPicture } from './withheld-picture.ts';

/** Where a picture stands in the package, or why it does not. */
export type PlacedPicture =
  | { readonly kind: 'shown'; readonly relation: string; readonly size: PictureSize }
  | WithheldPicture;

/**
 * `word/document.xml`, a block at a time. Written here as text, since the tree of objects that `docx` builds for it takes
 * as much memory as a report may have in all (ADR 0017).
 */
export function* documentXml(
  outline: Outline,
  pictures: ReadonlyMap<string, PlacedPicture>,
): Generator<string, void, undefined> {
  yield `${opening}${paragraph('Title', outline.title)}`;
  const writer = { outline, pictures, numbers: { heading: 0, drawing: 0 } };
  yield* blocksXml(outline.lead, writer);
  if (outline.isLong) yield contents(outline);
  yield* blocksXml(outline.body, writer);
  yield closing;
}

type Writer = {
  readonly outline: Outline;
  readonly pictures: ReadonlyMap<string, PlacedPicture>;
  /** How many of each there are so far: the names of bookmarks and drawings. */
  readonly numbers: { heading: number; drawing: number };
};

function* blocksXml(blocks: readonly Block[], writer: Writer): Generator<string, void, undefined> {
  for (const block of blocks) yield blockXml(block, writer);
}

function blockXml(block: Block, writer: Writer): string {
  switch (block.kind) {
    case 'heading':
      return headingXml(block, writer);
    case 'text':
      return textXml(block);
    case 'facts':
      return factsTable(block);
    case 'picture':
      return pictureXml(block, writer);
    case 'note':
      return paragraph(noteStyles[block.tone], block.text);
  }
}

const headingStyles = { 1: 'Heading1', 2: 'Heading2', 3: 'Heading3' } as const satisfies Record<
  number,
  StyleId
>;
const noteStyles = { plain: 'NotePlain', good: 'NoteGood', warning: 'NoteWarning' } as const;

function headingXml(
  { level, text, isListed }: Extract<Block, { kind: 'heading' }>,
  { outline, numbers }: Writer,
): string {
  const isTarget = outline.isLong && isListed;
  if (isTarget) numbers.heading += 1;
  const bookmark = isTarget ? { id: numbers.heading, name: contentsBookmark(numbers.heading) } : undefined;
  return paragraph(headingStyles[level], text, { bookmark });
}

/** A line a paragraph. An empty text is an empty box: that it was empty is to be seen. */
function textXml({ lines, language }: Extract<Block, { kind: 'text' }>): string {
  const properties = languageProperties(language);
  if (lines.length === 0) return paragraph('Words', '');
  return lines.map(({ words, direction }) => paragraph('Words', words, { direction, properties })).join('');
}

function pictureXml(
  { sha256, alt, caption }: Extract<Block, { kind: 'picture' }>,
  { outline, pictures, numbers }: Writer,
): string {
  const picture = pictures.get(sha256);
  if (picture === undefined) throw new Error(`the picture ${sha256} was not placed`);
  if (picture.kind === 'withheld')
    return (
      paragraph('NotePlain', withheldPicture(picture, { alt, sha256, language: outline.language })) +
      paragraph('Caption', caption)
    );
  numbers.drawing += 1;
  const content = drawing({ id: numbers.drawing, relation: picture.relation, alt, size: picture.size });
  return `<w:p><w:pPr><w:pStyle w:val="Picture"/></w:pPr>${content}</w:p>${paragraph('Caption', caption)}`;
}

const opening =
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' +
  '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"' +
  ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"' +
  ' xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"' +
  ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"' +
  ` xmlns:pic="${pictureNamespace}"><w:body>`;

const closing =
  '<w:sectPr><w:footerReference w:type="default" r:id="footer"/>' +
  `<w:pgSz w:w="${page.width}" w:h="${page.height}"/>` +
  `<w:pgMar w:top="${page.margin}" w:right="${page.margin}" w:bottom="${page.margin}" w:left="${page.margin}"` +
  ` w:header="${page.footer}" w:footer="${page.footer}" w:gutter="0"/></w:sectPr></w:body></w:document>`;
