import { escapeHtml } from './escape-html.ts';
import type { Statement } from './statement.ts';

const titles = { en: 'Statement of reasons', de: 'Begründung einer Ablehnung' } as const;

/** The statement as plain text: headings and paragraphs, one line each. */
export function plainStatement({ language, sections }: Statement): string {
  const parts = sections.flatMap(({ heading, text }) => [heading, text, '']);
  return `${[titles[language], '', ...parts].join('\n').trimEnd()}\n`;
}

/** The statement as a page that stands for itself: no script, no style from elsewhere, every text escaped. */
export function htmlStatement({ language, sections }: Statement): string {
  const title = titles[language];
  const parts = sections.map(
    ({ heading, text }) =>
      `<section>\n<h2>${escapeHtml(heading)}</h2>\n<p>${escapeHtml(text)}</p>\n</section>\n`,
  );
  return [
    `<!doctype html>\n<html lang="${language}">\n<head>\n<meta charset="utf-8">\n`,
    `<meta name="viewport" content="width=device-width">\n<title>${title}</title>\n</head>\n`,
    `<body>\n<main>\n<h1>${title}</h1>\n${parts.join('')}</main>\n</body>\n</html>\n`,
  ].join('');
}
