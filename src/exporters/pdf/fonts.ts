import { fileURLToPath } from 'node:url';

/** A font of the report: what Typst calls it, and the characters it is asked for out of turn. */
export type Font = {
  readonly family: string;
  /** Path of the file. */
  readonly file: string;
};

/** One place in the order in which fonts are asked for a character. */
export type Choice = {
  readonly font: Font;
  /** Only for characters that this pattern (of JavaScript and of Rust alike) finds; for all where it is absent. */
  readonly only?: RegExp;
};

const font = (family: string, file: string): Font => ({
  family,
  file: fileURLToPath(import.meta.resolve(`@expo-google-fonts/${file}.ttf`)),
});

const latin = font('Noto Sans', 'noto-sans/400Regular/NotoSans_400Regular');
const math = font('Noto Sans Math', 'noto-sans-math/400Regular/NotoSansMath_400Regular');
const chinese = font('Noto Sans SC', 'noto-sans-sc/400Regular/NotoSansSC_400Regular');
const japanese = font('Noto Sans JP', 'noto-sans-jp/400Regular/NotoSansJP_400Regular');
const korean = font('Noto Sans KR', 'noto-sans-kr/400Regular/NotoSansKR_400Regular');
const emoji = font('Noto Color Emoji', 'noto-color-emoji/400Regular/NotoColorEmoji_400Regular');
const otherScripts = [
  font('Noto Sans Arabic', 'noto-sans-arabic/400Regular/NotoSansArabic_400Regular'),
  font('Noto Sans Hebrew', 'noto-sans-hebrew/400Regular/NotoSansHebrew_400Regular'),
  font('Noto Sans Thai', 'noto-sans-thai/400Regular/NotoSansThai_400Regular'),
];

/** What every report is set in, besides what its texts need: the two weights of our own words, and ⟨ ⟩. */
export const plainFonts: readonly Font[] = [
  latin,
  font('Noto Sans', 'noto-sans/600SemiBold/NotoSans_600SemiBold'),
  math,
];

// Han writing shares its characters and writes them differently, so the language of a text says who is asked first.
const han: Readonly<Record<string, readonly Font[]>> = {
  zh: [chinese, japanese, korean],
  ja: [japanese, chinese, korean],
  ko: [korean, chinese, japanese],
};

// Quotation marks, dashes and dots are as wide as an ideograph there, and come from its font.
const narrow = /[^\u00b7\u2013\u2014\u2018\u2019\u201c\u201d\u2025-\u2027\u2e3a]/u;

const asked = (fonts: readonly Font[]): readonly Choice[] => fonts.map((font) => ({ font }));
const pictured = { font: emoji, only: /\p{Emoji_Presentation}/u };

const usual: readonly Choice[] = [
  ...asked([latin, ...otherScripts]),
  pictured,
  ...asked([math, chinese, japanese, korean, emoji]),
];

/** Who is asked for a character, in order. `language` is a primary subtag in lower case. */
export function fontChoices(language: string): readonly Choice[] {
  const fonts = han[language];
  if (fonts === undefined) return usual;
  return [
    { font: latin, only: narrow },
    ...asked(fonts.slice(0, 1)),
    ...asked([latin, ...otherScripts]),
    pictured,
    ...asked([math, ...fonts.slice(1), emoji]),
  ];
}

/** Languages that have an order of their own. */
export const hanLanguages: readonly string[] = Object.keys(han);
