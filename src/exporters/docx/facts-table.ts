import type { Block } from '../outline.ts';
import { hairline } from './colours.ts';
import { textWidth } from './page.ts';
import { paragraph } from './paragraph.ts';

const labelWidth = 2_600;
const valueWidth = textWidth - labelWidth;

const rule = (edge: string): string =>
  `<w:${edge} w:val="single" w:sz="4" w:space="0" w:color="${hairline}"/>`;

/** Every line of the table; `firstColumn` says to who cannot see it where the labels stand. */
const opening =
  `<w:tbl><w:tblPr><w:tblW w:w="${textWidth}" w:type="dxa"/>` +
  `<w:tblBorders>${rule('bottom')}${rule('insideH')}</w:tblBorders><w:tblLayout w:type="fixed"/>` +
  '<w:tblCellMar><w:left w:w="0" w:type="dxa"/><w:right w:w="142" w:type="dxa"/></w:tblCellMar>' +
  '<w:tblLook w:val="0080" w:firstRow="0" w:lastRow="0" w:firstColumn="1" w:lastColumn="0" w:noHBand="1" w:noVBand="1"/>' +
  `</w:tblPr><w:tblGrid><w:gridCol w:w="${labelWidth}"/><w:gridCol w:w="${valueWidth}"/></w:tblGrid>`;

/**
 * Labels and values in two quiet columns, with a gap after them: Word joins tables that touch. A row may break over
 * pages where its value is long. Nothing where there are no rows, since such a table is none.
 */
export function factsTable({ rows, size }: Extract<Block, { kind: 'facts' }>): string {
  if (rows.length === 0) return '';
  const [label, value] =
    size === 'small' ? (['EvidenceLabel', 'EvidenceValue'] as const) : (['FactLabel', 'FactValue'] as const);
  const content = rows.map(
    (row) =>
      `<w:tr>${isShort(row.value) ? '<w:trPr><w:cantSplit/></w:trPr>' : ''}${cell(labelWidth, paragraph(label, row.label))}${cell(valueWidth, paragraph(value, row.value))}</w:tr>`,
  );
  return `${opening}${content.join('')}</w:tbl>${paragraph('Gap', '')}`;
}

/** Some lines; a row of them stands on one page. */
const isShort = (value: string): boolean => value.length < 500 && value.split('\n').length < 8;

const cell = (width: number, content: string): string =>
  `<w:tc><w:tcPr><w:tcW w:w="${width}" w:type="dxa"/></w:tcPr>${content}</w:tc>`;
