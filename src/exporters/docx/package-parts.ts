import type { Outline } from '../outline.ts';
import { documentTags } from './proofing-language.ts';
import { xmlText } from './xml-text.ts';

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const packageSpace = 'http://schemas.openxmlformats.org/package/2006';
const officeRelations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const wordTypes = 'application/vnd.openxmlformats-officedocument.wordprocessingml';

/** A part that another one points to. */
export type Relation = { readonly id: string; readonly type: string; readonly target: string };

/** The parts beside the document that are the same in each report. */
const wordParts = [
  { id: 'styles', type: 'styles', target: 'styles.xml', content: 'styles' },
  { id: 'settings', type: 'settings', target: 'settings.xml', content: 'settings' },
  { id: 'fonts', type: 'fontTable', target: 'fontTable.xml', content: 'fontTable' },
  { id: 'footer', type: 'footer', target: 'footer1.xml', content: 'footer' },
] as const;

/** `[Content_Types].xml`. The evidence of a run is a part of its own. */
export const contentTypes = (hasEvidence: boolean): string =>
  `${declaration}<Types xmlns="${packageSpace}/content-types">` +
  `<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
  ['png', 'jpeg', 'gif']
    .map((type) => `<Default Extension="${type}" ContentType="image/${type}"/>`)
    .join('') +
  override('/word/document.xml', `${wordTypes}.document.main+xml`) +
  wordParts
    .map(({ target, content }) => override(`/word/${target}`, `${wordTypes}.${content}+xml`))
    .join('') +
  (hasEvidence ? override(`/${evidencePart}`, 'application/json') : '') +
  override('/docProps/core.xml', 'application/vnd.openxmlformats-package.core-properties+xml') +
  '</Types>';

const override = (part: string, type: string): string =>
  `<Override PartName="${part}" ContentType="${type}"/>`;

/** The evidence bundle, byte for byte: a part of the package, and of no page. */
export const evidencePart = 'evidence.audit.json';

/** `_rels/.rels`: where the package begins, and what belongs to it as a whole. */
export const packageRelations = (hasEvidence: boolean): string =>
  relations([
    { id: 'document', type: `${officeRelations}/officeDocument`, target: 'word/document.xml' },
    {
      id: 'core',
      type: `${packageSpace}/relationships/metadata/core-properties`,
      target: 'docProps/core.xml',
    },
    ...(hasEvidence
      ? [{ id: 'evidence', type: 'urn:runledger:relationships:evidence', target: evidencePart }]
      : []),
  ]);

/** `word/_rels/document.xml.rels`. All targets are parts of this package: a report points to nothing outside. */
export const documentRelations = (pictures: readonly { id: string; target: string }[]): string =>
  relations([
    ...wordParts.map(({ id, type, target }) => ({ id, type: `${officeRelations}/${type}`, target })),
    ...pictures.map(({ id, target }) => ({ id, type: `${officeRelations}/image`, target })),
  ]);

const relations = (all: readonly Relation[]): string =>
  `${declaration}<Relationships xmlns="${packageSpace}/relationships">${all
    .map(({ id, type, target }) => `<Relationship Id="${id}" Type="${type}" Target="${target}"/>`)
    .join('')}</Relationships>`;

/** `docProps/core.xml`. The only time that a report knows is that of its run. */
export function coreProperties({ title, description, date, language }: Outline): string {
  const time = (name: string): string =>
    `<dcterms:${name} xsi:type="dcterms:W3CDTF">${xmlText(date)}</dcterms:${name}>`;
  return (
    `${declaration}<cp:coreProperties xmlns:cp="${packageSpace}/metadata/core-properties"` +
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"' +
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">' +
    `<dc:title>${xmlText(title)}</dc:title><dc:creator>runledger</dc:creator>` +
    `<dc:description>${xmlText(description)}</dc:description><dc:language>${documentTags[language]}</dc:language>` +
    `<cp:lastModifiedBy>runledger</cp:lastModifiedBy>${time('created')}${time('modified')}</cp:coreProperties>`
  );
}

/** `word/fontTable.xml`: what stands in for a font where it is missing. */
export const fontTable = (): string =>
  `${declaration}<w:fonts xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">${Object.entries(
    standIns,
  )
    .map(([name, other]) => `<w:font w:name="${name}"><w:altName w:val="${other}"/></w:font>`)
    .join('')}</w:fonts>`;

const standIns: Readonly<Record<string, string>> = {
  Calibri: 'Carlito,Noto Sans',
  Arial: 'Liberation Sans,Noto Sans Arabic,Noto Sans Hebrew',
  'Microsoft YaHei': 'Noto Sans CJK SC,Noto Sans SC',
  'Yu Gothic': 'Noto Sans CJK JP,Noto Sans JP',
  'Malgun Gothic': 'Noto Sans CJK KR,Noto Sans KR',
  'Nirmala UI': 'Noto Sans Devanagari',
};
