import type { Language } from '../../events/localized.ts';
import type { Block, Outline } from '../outline.ts';
import { paragraph, runsOf } from './paragraph.ts';

/** The bookmark of a heading that is listed; numbers count from 1 in reading order. No text is part of a name. */
export const contentsBookmark = (number: number): string => `_Toc${String(number).padStart(8, '0')}`;

const titles: Readonly<Record<Language, string>> = { en: 'Contents', de: 'Inhalt' };
const styles = { 1: 'TOC1', 2: 'TOC2', 3: 'TOC3' } as const;

/**
 * The table of contents: a field that Word renews when it is asked to, with its lines written already, so that nobody
 * is asked when the document opens. Without numbers of pages, which only a typesetter knows (`\n`).
 */
export function contents({ language, lead, body }: Outline): string {
  const listed = [...lead, ...body].filter(isListed);
  if (listed.length === 0) return '';
  const deepest = listed.reduce((deepest, { level }) => Math.max(deepest, level), 1);
  const lines = listed.map(({ level, text }, index) => {
    const begin = index === 0 ? field(`TOC \\o "1-${deepest}" \\n \\h \\z \\u`) : '';
    const end = index === listed.length - 1 ? '<w:r><w:fldChar w:fldCharType="end"/></w:r>' : '';
    const link = `<w:hyperlink w:anchor="${contentsBookmark(index + 1)}" w:history="1">${runsOf(text)}</w:hyperlink>`;
    return `<w:p><w:pPr><w:pStyle w:val="${styles[level]}"/></w:pPr>${begin}${link}${end}</w:p>`;
  });
  return paragraph('ContentsHeading', titles[language]) + lines.join('');
}

type Heading = Extract<Block, { kind: 'heading' }>;
const isListed = (block: Block): block is Heading => block.kind === 'heading' && block.isListed;

const field = (instruction: string): string =>
  `<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> ${instruction} </w:instrText></w:r>` +
  '<w:r><w:fldChar w:fldCharType="separate"/></w:r>';
