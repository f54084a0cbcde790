import { Document, Footer, Packer, PageNumber, Paragraph, Tab, TabStopType, TextRun } from 'docx';
import { strFromU8, unzipSync } from 'fflate';
import type { Language } from '../../events/localized.ts';
import { textWidth } from './page.ts';
import { documentTags } from './proofing-language.ts';
import { stylesFor } from './styles.ts';

/** The parts of a report that hold none of its words, as XML. */
export type Frame = { readonly styles: string; readonly settings: string; readonly footer: string };

/**
 * Styles, settings and footer, written by `docx`. Its own package is thrown away: it carries the time of now, parts that
 * nothing here needs, and would hold a tree of objects for each word.
 */
export async function frameOf({
  language,
  runId,
}: {
  readonly language: Language;
  readonly runId: string;
}): Promise<Frame> {
  const pages = [new Tab(), PageNumber.CURRENT, ' / ', PageNumber.TOTAL_PAGES];
  const document = new Document({
    styles: stylesFor(documentTags[language]),
    sections: [
      {
        footers: {
          default: new Footer({
            children: [
              new Paragraph({
                style: 'Footer',
                tabStops: [{ type: TabStopType.RIGHT, position: textWidth }],
                children: [new TextRun(runId), new TextRun({ children: pages })],
              }),
            ],
          }),
        },
        children: [],
      },
    ],
  });
  const parts = unzipSync(await Packer.toBuffer(document));
  const part = (name: string): string => {
    const bytes = parts[name];
    if (bytes === undefined) throw new Error(`docx wrote no ${name}`);
    return strFromU8(bytes);
  };
  return {
    styles: part('word/styles.xml'),
    settings: part('word/settings.xml'),
    footer: part('word/footer1.xml'),
  };
}
