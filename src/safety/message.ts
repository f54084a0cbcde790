import type { Localized } from '../events/localized.ts';
import type { PolicyDocument } from './policy.ts';
import type { FilterHit } from './term-filter.ts';

/** The languages that messages to people exist in. */
export type MessageLanguage = keyof Localized;

const found = {
  en: (terms: string, name: string): string => `We found ${terms} in this text (${name}).`,
  de: (terms: string, name: string): string => `In diesem Text steht ${terms} (${name}).`,
};
const next = {
  en: 'Say it another way, or ask the person who leads your workshop.',
  de: 'Schreib es anders, oder frag die Person, die deinen Workshop leitet.',
};

/**
 * What a refused person reads: what was found, why the rule exists, what to do. It quotes the terms, so it is payload.
 * At most 5 terms per category are quoted.
 */
export function educationalMessage(
  policy: PolicyDocument,
  hits: readonly FilterHit[],
  language: MessageLanguage,
): string {
  const sentences = policy.taxonomy.categories.flatMap((category) => {
    const terms = [...new Set(hits.filter((hit) => hit.category === category.id).map((hit) => hit.term))];
    if (terms.length === 0) return [];
    const quoted = terms.slice(0, 5).map((term) => (language === 'de' ? `„${term}“` : `“${term}”`));
    const why = policy.messages[category.id]?.[language];
    return [found[language](quoted.join(', '), category.name[language]), ...(why === undefined ? [] : [why])];
  });
  return [...sentences, next[language]].join(' ');
}

/** What a person reads whose text could not be judged because the check did not work. */
export const checkerUnavailableMessage: Localized = {
  en: 'The safety check does not answer at the moment, so nothing was made of this text. That says nothing about the text: try again in a few minutes.',
  de: 'Die Sicherheitsprüfung antwortet gerade nicht, deshalb wurde aus diesem Text nichts gemacht. Über den Text sagt das nichts: Versuch es in ein paar Minuten noch einmal.',
};

/** Messages exist in German and English; whoever writes another language reads English. */
export const messageLanguage = (language: string | undefined): MessageLanguage =>
  language === 'de' || language?.startsWith('de-') === true ? 'de' : 'en';
