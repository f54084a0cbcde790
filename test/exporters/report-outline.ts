import type { Block, Line, Outline } from '../../src/exporters/outline.ts';
import { visibleText } from '../../src/exporters/visible-text.ts';

/** An outline by hand, with the given blocks as its journey. */
export const outlineWith = (body: readonly Block[], rest: Partial<Outline> = {}): Outline => ({
  language: 'en',
  title: 'Dada',
  description: 'Run exec_20260301_101500_0a1b2c3d',
  date: '2026-03-01T10:15:00Z',
  lead: [],
  body,
  isLong: false,
  ...rest,
});

/** A text as the outline tells it: named characters, a line a paragraph. */
export const textOf = (text: string, language: string | null = null): Block => ({
  kind: 'text',
  lines: visibleText(text).split('\n').map(lineOf),
  language,
});

const lineOf = (words: string): Line => ({
  words,
  direction: /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}]/u.test(words) ? 'rtl' : 'ltr',
});
