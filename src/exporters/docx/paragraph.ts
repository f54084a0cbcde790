import { directedPieces, type DirectedPiece } from './direction.ts';
import { type LanguageProperties, ownLanguage } from './proofing-language.ts';
import type { StyleId } from './styles.ts';
import { xmlText } from './xml-text.ts';

type Options = {
  readonly direction?: DirectedPiece['direction'];
  readonly properties?: LanguageProperties;
  /** Names the paragraph as a target of the table of contents. */
  readonly bookmark?: { readonly id: number; readonly name: string } | undefined;
};

/** One paragraph. A line feed in the text is a line break, a tab a tab; each space stays. */
export function paragraph(
  style: StyleId,
  text: string,
  { direction = 'ltr', properties = ownLanguage, bookmark }: Options = {},
): string {
  const bidi = direction === 'rtl' ? '<w:bidi/>' : '';
  const runs = runsOf(text, direction, properties);
  const content =
    bookmark === undefined
      ? runs
      : `<w:bookmarkStart w:id="${bookmark.id}" w:name="${bookmark.name}"/>${runs}<w:bookmarkEnd w:id="${bookmark.id}"/>`;
  return `<w:p><w:pPr><w:pStyle w:val="${style}"/>${bidi}</w:pPr>${content}</w:p>`;
}

/** The runs of a text; none where it is empty. */
export function runsOf(
  text: string,
  lineDirection: DirectedPiece['direction'] = 'ltr',
  { fonts, proofing, language }: LanguageProperties = ownLanguage,
): string {
  let runs = '';
  for (const { text: piece, direction } of directedPieces(text, lineDirection)) {
    const properties = `${fonts}${proofing}${direction === 'rtl' ? '<w:rtl/>' : ''}${language}`;
    runs += `<w:r>${properties === '' ? '' : `<w:rPr>${properties}</w:rPr>`}${contentOf(piece)}</w:r>`;
  }
  return runs;
}

const contentOf = (text: string): string =>
  text
    .split(/([\n\t])/)
    .map((part) => {
      if (part === '\n') return '<w:br/>';
      if (part === '\t') return '<w:tab/>';
      return part === '' ? '' : `<w:t xml:space="preserve">${xmlText(part)}</w:t>`;
    })
    .join('');
