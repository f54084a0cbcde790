import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { piecesOf, visibleText } from '../../src/exporters/visible-text.ts';

const from = (codePoint: number): string => String.fromCodePoint(codePoint);

describe('what a reader cannot see is named', () => {
  test.each([
    ['a control character', 'a\u0007b', 'a⟨U+0007⟩b'],
    ['null', 'a\u0000', 'a⟨U+0000⟩'],
    ['a bare carriage return', 'a\rb', 'a⟨U+000D⟩b'],
    ['a control of the second table', 'a\u0085b', 'a⟨U+0085⟩b'],
    ['a right-to-left override', 'abc\u202Etxt.exe', 'abc⟨U+202E⟩txt.exe'],
    ['an isolate', '\u2066x\u2069', '⟨U+2066⟩x⟨U+2069⟩'],
    ['an Arabic letter mark', '\u061Cx', '⟨U+061C⟩x'],
    ['a zero-width space', 'a\u200Bb', 'a⟨U+200B⟩b'],
    ['a byte order mark', '\uFEFFa', '⟨U+FEFF⟩a'],
    ['a soft hyphen', 'a\u00ADb', 'a⟨U+00AD⟩b'],
    ['a line separator', 'a\u2028b', 'a⟨U+2028⟩b'],
    ['a lone surrogate', 'a\uD800b', 'a⟨U+D800⟩b'],
    ['a noncharacter', 'a\uFFFEb', 'a⟨U+FFFE⟩b'],
    ['a character that Unicode has not assigned', `a${from(0x378)}`, 'a⟨U+0378⟩'],
    ['a private one', 'a\uE000', 'a⟨U+E000⟩'],
    ['words in tags', `a${from(0xe0068)}${from(0xe0069)}`, 'a⟨U+E0068⟩⟨U+E0069⟩'],
    ['words in variation selectors', `a${from(0xe0101)}${from(0xe0102)}`, 'a⟨U+E0101⟩⟨U+E0102⟩'],
    ['two selectors on one sign', `漢${from(0xe0101)}${from(0xe0102)}`, `漢${from(0xe0101)}⟨U+E0102⟩`],
    ['a joiner between Latin letters', 'a\u200Db', 'a⟨U+200D⟩b'],
    ['a Hangul filler', '\u3164', '⟨U+3164⟩'],
    ['a blank of Braille', '\u2800', '⟨U+2800⟩'],
  ])('%s', (_, text, shown) => {
    expect(visibleText(text)).toBe(shown);
  });
});

describe('what is part of something visible stays', () => {
  test.each([
    ['line feed and tab', 'a\n\tb'],
    ['a family', '👩‍👩‍👧‍👦'],
    ['a dark thumb and its owner', '👍🏿 👩🏿‍🚀'],
    ['a red heart', '❤️'],
    ['a keycap', '1️⃣'],
    ['the flag of Scotland', '🏴󠁧󠁢󠁳󠁣󠁴󠁿'],
    ['a joiner of Devanagari', 'क्‍ष'],
    ['a non-joiner of Persian', 'می‌خواهم'],
    ['a variant of an ideograph', `葛${from(0xe0100)}`],
    ['accents on their letters', 'e\u0301'],
    ['a sign that stands before a Koran verse', '\u06DD1'],
    ['wide and narrow spaces', 'a\u00A0b\u3000c\u2009d'],
    ['Thai, Greek, Hebrew', 'ภาษาไทย Ελλάδα עִבְרִית'],
  ])('%s', (_, text) => {
    expect(visibleText(text)).toBe(text);
  });

  test('any kind of line end is one line feed', () => {
    expect(visibleText('a\r\nb\nc')).toBe('a\nb\nc');
  });
});

describe('laws', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 60 });

  test('the pieces are the text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const whole = [...piecesOf(text)].map((piece) => (typeof piece === 'number' ? from(piece) : piece));
        expect(whole.join('')).toBe(text);
      }),
    );
  });

  test('nothing that is shown holds a control, a bidirectional control or half a character', () => {
    const hidden = /(?![\n\t])\p{Cc}|\p{Bidi_Control}|\p{Cs}|\p{Cn}|\p{Co}/u;
    fc.assert(
      fc.property(texts, (text) => {
        expect(visibleText(text)).not.toMatch(hidden);
      }),
    );
  });

  test('what is shown is shown the same again', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(visibleText(visibleText(text))).toBe(visibleText(text));
      }),
    );
  });

  test('a megabyte of hidden characters takes no more than one pass', () => {
    expect(visibleText('\u202E'.repeat(200_000))).toHaveLength(200_000 * '⟨U+202E⟩'.length);
  });
});
