import type { Language } from '../../events/localized.ts';

/** Properties of the runs of a text, as its language asks for; each may be empty. They stand apart, since a run has an order. */
export type LanguageProperties = {
  readonly fonts: string;
  readonly proofing: string;
  readonly language: string;
};

/** Of words in the language of the document. */
export const ownLanguage: LanguageProperties = { fonts: '', proofing: '', language: '' };

/** A document's own language; British and German are where we write from. */
export const documentTags: Readonly<Record<Language, string>> = { en: 'en-GB', de: 'de-DE' };

/**
 * Fonts and `w:lang` of a text whose language is named. The wrong member of one Han character is shown without them. Of
 * a text in no known language none is claimed: it is not proofread.
 */
export function languageProperties(tag: string | null): LanguageProperties {
  if (tag === null || !wellFormed.test(tag)) return { ...ownLanguage, proofing: '<w:noProof/>' };
  const [primary = ''] = tag.toLowerCase().split('-');
  const named = tag.toLowerCase() === primary ? (regions.get(primary) ?? primary) : tag;
  const eastern = easternFonts.get(primary);
  if (eastern !== undefined)
    return {
      ...ownLanguage,
      fonts: `<w:rFonts w:hint="eastAsia" w:eastAsia="${eastern}"/>`,
      language: `<w:lang w:eastAsia="${named}"/>`,
    };
  if (complex.has(primary)) {
    const fonts = primary === 'hi' ? '<w:rFonts w:cs="Nirmala UI"/>' : '';
    return { ...ownLanguage, fonts, language: `<w:lang w:bidi="${named}"/>` };
  }
  return { ...ownLanguage, language: `<w:lang w:val="${named}"/>` };
}

const wellFormed = /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3}$/;

/** Word proofreads a language of a region, not a language. */
const regions: ReadonlyMap<string, string> = new Map([
  ['en', 'en-GB'],
  ['de', 'de-DE'],
  ['fr', 'fr-FR'],
  ['es', 'es-ES'],
  ['it', 'it-IT'],
  ['pt', 'pt-PT'],
  ['nl', 'nl-NL'],
  ['pl', 'pl-PL'],
  ['ru', 'ru-RU'],
  ['tr', 'tr-TR'],
  ['zh', 'zh-CN'],
  ['ja', 'ja-JP'],
  ['ko', 'ko-KR'],
  ['ar', 'ar-SA'],
  ['he', 'he-IL'],
  ['hi', 'hi-IN'],
]);

const easternFonts: ReadonlyMap<string, string> = new Map([
  ['ja', 'Yu Gothic'],
  ['zh', 'Microsoft YaHei'],
  ['ko', 'Malgun Gothic'],
]);

/** Languages that Word sets as complex scripts. */
const complex: ReadonlySet<string> = new Set(['ar', 'fa', 'he', 'hi', 'ur', 'yi', 'th', 'bn', 'ta']);
