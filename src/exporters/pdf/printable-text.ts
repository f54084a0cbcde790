import { namedCharacter } from '../visible-text.ts';
import { type FontCoverage, readFontCoverage } from './font-coverage.ts';
import { type Choice, type Font, fontChoices } from './fonts.ts';
import { segmentsOf } from './segments.ts';

/** Makes texts printable, and remembers which fonts they need. */
export type Printer = {
  /** The text with each character that no font shows named instead, as `⟨U+1D11E⟩`. `language`: primary subtag. */
  readonly print: (text: string, language: string) => string;
  /** Fonts of all that was printed so far. */
  readonly needed: ReadonlySet<Font>;
};

/** Seen graphemes are remembered up to this many; a text of random characters must not fill the memory. */
const rememberedGraphemes = 50_000;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const coverages = new Map<string, FontCoverage>();
// With the letter before them: marks belong to it.
const beyondAscii = /[\x20-\x7e]?[^\n\x20-\x7e]+/gu;
// Joiners and variation selectors show nothing of their own, so no font has to have them.
const unseen = /^\p{DI}$/u;

/** `refused`: graphemes, or parts of them, that the compiler could not show although a font has their characters. */
export function printer(refused: ReadonlySet<string>): Printer {
  const needed = new Set<Font>();
  const printed = new Map<string, string>();

  const printGrapheme = (grapheme: string, language: string): string => {
    const key = `${language} ${grapheme}`;
    const known = printed.get(key);
    if (known !== undefined) return known;
    const { text, font } = fitted(grapheme, fontChoices(language), refused);
    if (font !== undefined) needed.add(font);
    if (printed.size < rememberedGraphemes) printed.set(key, text);
    return text;
  };
  return {
    needed,
    print: (text, language) =>
      text.replace(beyondAscii, (part) => {
        let shown = '';
        for (const grapheme of segmentsOf(part, graphemes)) shown += printGrapheme(grapheme, language);
        return shown;
      }),
  };
}

type Fitted = { readonly text: string; readonly font: Font | undefined };

function fitted(grapheme: string, choices: readonly Choice[], refused: ReadonlySet<string>): Fitted {
  const characters = Array.from(grapheme);
  const named = { text: characters.map(nameOf).join(''), font: undefined };
  if (refused.has(grapheme) || characters.some((character) => refused.has(character))) return named;
  const whole = firstFont(characters, choices);
  if (whole !== undefined) return { text: grapheme, font: whole };
  const font = firstFont(characters.slice(0, 1), choices);
  if (font === undefined) return named;
  // A letter with a mark that its font has not: the letter stays.
  const has = coverageOf(font);
  return { text: characters.map((one) => (shows(has, one) ? one : nameOf(one))).join(''), font };
}

function firstFont(characters: readonly string[], choices: readonly Choice[]): Font | undefined {
  const [first = ''] = characters;
  return choices.find(({ font, only }) => {
    if (only?.test(first) === false) return false;
    const has = coverageOf(font);
    return characters.every((character) => shows(has, character));
  })?.font;
}

const shows = (has: FontCoverage, character: string): boolean =>
  unseen.test(character) || has(character.codePointAt(0) ?? 0);

const nameOf = (character: string): string => namedCharacter(character.codePointAt(0) ?? 0);

function coverageOf({ file }: Font): FontCoverage {
  const known = coverages.get(file) ?? readFontCoverage(file);
  coverages.set(file, known);
  return known;
}
