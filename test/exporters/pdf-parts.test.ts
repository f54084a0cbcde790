import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { breakable } from '../../src/exporters/pdf/breakable.ts';
import { refusalOfWriter } from '../../src/exporters/pdf/compiler-refusal.ts';
import { readFontCoverage } from '../../src/exporters/pdf/font-coverage.ts';
import { plainFonts } from '../../src/exporters/pdf/fonts.ts';
import { printer } from '../../src/exporters/pdf/printable-text.ts';
import { segmentsOf } from '../../src/exporters/pdf/segments.ts';
import { typeset } from '../../src/exporters/pdf/typeset.ts';
import { readPictureSize } from '../../src/exporters/picture-size.ts';
import { pictures } from './pdf-runs.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('a', ' ', '猫', 'ก', '\u0301', 'ق', '😀'), maxLength: 3_000 }),
);

test('a text in pieces is the same text, and no piece of a long word is longer than a line', () => {
  fc.assert(
    fc.property(text, (content) => {
      const pieces = breakable(content, { longest: 30, piece: 10 });
      expect(typeof pieces === 'string' ? pieces : pieces.join('')).toBe(content);
    }),
  );
  const pieces = breakable(`begin ${'x'.repeat(95)} end`, { longest: 30, piece: 10 });
  expect(pieces[0]).toBe('begin xxxxxxxxxx');
  expect(pieces.at(-1)).toBe('xxxxx end');
});

test('the segments of a text of any length are those of the whole', () => {
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  fc.assert(
    fc.property(text, (content) => {
      const whole = Array.from(graphemes.segment(content), ({ segment }) => segment);
      fc.pre(whole.every((segment) => segment.length < 1_000));
      expect([...segmentsOf(content, graphemes)]).toEqual(whole);
    }),
  );
});

test('a font says which characters it has', () => {
  const [latin] = plainFonts;
  const has = readFontCoverage(latin?.file ?? '');
  for (const letter of ['a', 'ß', 'Ж', 'Ω', 'ज']) expect(has(letter.codePointAt(0) ?? 0), letter).toBe(true);
  for (const letter of ['猫', 'ق', '😀', '\u{10ffff}'])
    expect(has(letter.codePointAt(0) ?? 0), letter).toBe(false);
});

test('a refusal of the PDF writer is read, and what it could not show is named from then on', () => {
  const refusal = refusalOfWriter(
    new Error(
      String.raw`[SourceDiagnostic { message: "PDF/A-3a error: the text ${'`'}\"e\\u{301}\"${'`'} could not be displayed", hints: [] }]`,
    ),
  );
  expect(refusal.unshownTexts).toEqual(['e\u0301']);
  expect(printer(new Set(refusal.unshownTexts)).print('e\u0301é', 'en')).toBe('⟨U+0065⟩⟨U+0301⟩é');
});

test('an abort is heard before the typesetter begins', () => {
  const reason = new Error('enough');
  const outline = {
    language: 'en',
    title: 'x',
    description: 'x',
    date: '2026-03-01T10:00:00Z',
    lead: [],
    body: [],
    isLong: false,
  } as const;
  const report = { outline, executionId: 'exec_x', pictures: new Map(), attachments: [] };
  expect(() => typeset(report, AbortSignal.abort(reason))).toThrow(reason);
});

test('a text of more lines than a PDF can hold is EXPORT_IMPOSSIBLE', () => {
  const lines = Array.from({ length: 100_001 }, () => ({ words: 'a', direction: 'ltr' }) as const);
  const outline = {
    language: 'en',
    title: 'x',
    description: 'x',
    date: '2026-03-01T10:00:00Z',
    lead: [],
    body: [{ kind: 'text', lines, language: null }],
    isLong: false,
  } as const;
  const report = { outline, executionId: 'exec_x', pictures: new Map(), attachments: [] };
  expect(() => typeset(report, new AbortController().signal)).toThrow(/100001 lines.*use json or xml/);
});

test('a picture says its size, whatever it is', () => {
  const size = (hex: string) => readPictureSize(Buffer.from(hex, 'hex'));
  expect(readPictureSize(pictures()[0] ?? new Uint8Array())).toEqual({ width: 512, height: 512 });
  expect(size('474946383961400020000000')).toEqual({ width: 64, height: 32 });
  expect(size('ffd8ffe00004abcdffc0000b080020004001')).toEqual({ width: 64, height: 32 });
  expect(size(`524946460000000057454250565038580a000000000000003f00001f0000`)).toEqual({
    width: 64,
    height: 32,
  });
  expect(size(`524946460000000057454250565038200a0000000000009d012a40002000`)).toEqual({
    width: 64,
    height: 32,
  });
  expect(size(`5249464600000000574542505650384c0a0000002f3fc00700`)).toEqual({
    width: 64,
    height: 32,
  });
  for (const broken of ['', '89504e470d0a1a0a0000', 'ffd8ffe0', '3c737667'])
    expect(size(broken)).toBeUndefined();
});
