import {
  BorderStyle,
  type IParagraphStyleOptions,
  type IStylesOptions,
  LineRuleType,
  ShadingType,
} from 'docx';
import { hairline, ink, muted } from './colours.ts';

/** Every paragraph of a report has one of these; a person who edits it changes the style, not the paragraphs. */
export type StyleId =
  | 'Title'
  | 'Heading1'
  | 'Heading2'
  | 'Heading3'
  | 'ContentsHeading'
  | 'TOC1'
  | 'TOC2'
  | 'TOC3'
  | 'Words'
  | 'FactLabel'
  | 'FactValue'
  | 'EvidenceLabel'
  | 'EvidenceValue'
  | 'Picture'
  | 'Caption'
  | 'NotePlain'
  | 'NoteGood'
  | 'NoteWarning'
  | 'Gap'
  | 'Footer';

/** Fonts that Word has on every system, by name; a document may name one for each kind of script. */
const fonts = { ascii: 'Calibri', hAnsi: 'Calibri', cs: 'Arial', eastAsia: 'Microsoft YaHei' };

/** The look of a report. Sizes are half points, spaces are twentieths of a point. */
export const stylesFor = (language: string): IStylesOptions => ({
  default: {
    document: {
      run: {
        font: fonts,
        size: 21,
        color: ink,
        language: { value: language, eastAsia: 'zh-CN', bidirectional: 'ar-SA' },
      },
      paragraph: { spacing: lines(264) },
    },
    title: heading({ size: 44, before: 0, after: 200 }),
    heading1: heading({ size: 32, before: 480, after: 120, rule: true }),
    heading2: heading({ size: 25, before: 320, after: 80 }),
    heading3: heading({ size: 21, before: 240, after: 60, color: muted }),
    caption: {
      paragraph: { spacing: { before: 60, after: 200 } },
      run: { size: 17, color: muted, noProof: true },
    },
  },
  paragraphStyles: [
    contentsHeading,
    wordsOfOthers,
    picture,
    gap,
    footer,
    fact('FactLabel', 'Fact label', 18, muted),
    fact('FactValue', 'Fact value', 18, ink),
    fact('EvidenceLabel', 'Evidence label', 15, muted),
    fact('EvidenceValue', 'Evidence value', 15, ink),
    note('NotePlain', 'Note', { color: muted }),
    note('NoteGood', 'Note good', { color: '1B6341', fill: 'EAF5EF' }),
    note('NoteWarning', 'Note warning', { color: '8A4508', fill: 'FDF3E4' }),
  ],
});

/** The height of a line in 240ths of it. It names its rule: LibreOffice takes it for a fixed height otherwise. */
const lines = (line: number) => ({ line, lineRule: LineRuleType.AUTO });

type Heading = { size: number; before: number; after: number; color?: string; rule?: boolean };

function heading({ size, before, after, color = ink, rule = false }: Heading) {
  const border = { bottom: { style: BorderStyle.SINGLE, size: 4, space: 4, color: hairline } };
  return {
    paragraph: {
      keepNext: true,
      keepLines: true,
      spacing: { before, after, ...lines(252) },
      ...(rule ? { border } : {}),
    },
    run: { size, bold: true, color },
  };
}

/** A box of one colour around a paragraph; those that follow one another make one box. */
const box = (fill: string) => {
  const edge = { style: BorderStyle.SINGLE, size: 4, space: 6, color: fill };
  return {
    border: { top: edge, bottom: edge, left: edge, right: edge },
    shading: { type: ShadingType.CLEAR, color: 'auto', fill },
    indent: { left: 142, right: 142 },
  };
};

const wordsOfOthers: IParagraphStyleOptions = {
  id: 'Words',
  name: 'Words',
  basedOn: 'Normal',
  quickFormat: true,
  // The space around a text is no space between its lines.
  paragraph: {
    contextualSpacing: true,
    spacing: { before: 100, after: 200, ...lines(276) },
    ...box('F3F5F8'),
  },
};

function fact(id: StyleId, name: string, size: number, color: string): IParagraphStyleOptions {
  const paragraph = { spacing: { before: 30, after: 30, ...lines(240) } };
  return { id, name, basedOn: 'Normal', quickFormat: true, paragraph, run: { size, color, noProof: true } };
}

function note(
  id: StyleId,
  name: string,
  { color, fill }: { readonly color: string; readonly fill?: string },
): IParagraphStyleOptions {
  const paragraph = { spacing: { before: 120, after: 120 }, ...(fill === undefined ? {} : box(fill)) };
  return { id, name, basedOn: 'Normal', quickFormat: true, paragraph, run: { color, size: 20 } };
}

const contentsHeading: IParagraphStyleOptions = {
  id: 'ContentsHeading',
  name: 'Contents heading',
  basedOn: 'Normal',
  paragraph: { keepNext: true, spacing: { before: 360, after: 80 } },
  run: { size: 25, bold: true },
};

const picture: IParagraphStyleOptions = {
  id: 'Picture',
  name: 'Picture',
  basedOn: 'Normal',
  paragraph: { keepNext: true, spacing: { before: 120, ...lines(240) } },
};

/** Keeps two tables apart, which Word would join. */
const gap: IParagraphStyleOptions = {
  id: 'Gap',
  name: 'Gap',
  basedOn: 'Normal',
  paragraph: { spacing: { before: 0, after: 0, line: 120, lineRule: LineRuleType.EXACT } },
  run: { size: 8 },
};

const footer: IParagraphStyleOptions = {
  id: 'Footer',
  name: 'footer',
  basedOn: 'Normal',
  paragraph: { border: { top: { style: BorderStyle.SINGLE, size: 4, space: 6, color: hairline } } },
  run: { size: 16, color: muted, noProof: true },
};
