import { type Language, languages } from '../events/localized.ts';

/** The language that an `Accept-Language` likes best among ours; English where it names none of them, or cannot be read. */
export function languageOf(header: string | undefined): Language {
  let best: { readonly language: Language; readonly weight: number } = { language: 'en', weight: 0 };
  for (const range of (header ?? '').toLowerCase().split(',')) {
    const [, tag = '', q = '1'] =
      /^\s*([a-z]{1,8}|\*)(?:-[a-z0-9-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*$/.exec(range) ?? [];
    const language = languages.find((known) => known === tag);
    // Of two that are liked alike the first named one stands.
    if (language !== undefined && Number(q) > best.weight) best = { language, weight: Number(q) };
  }
  return best.language;
}
