import type { Localized } from '../events/localized.ts';
import type { ContextCodes } from './context-check.ts';
import type { PolicyDocument } from './policy.ts';
import type { FilterHit } from './term-filter.ts';

/** The languages that messages to people exist in. */
export type MessageLanguage = keyof Localized;

/** Who reads a message, and what it is about. */
export type Reader = { readonly language: MessageLanguage; readonly medium: 'text' | 'image' };

type Sentence = Readonly<Record<Reader['medium'], (what: string, name: string) => string>>;

const found: Readonly<Record<MessageLanguage, Sentence>> = {
  en: {
    text: (terms, name) => `We found ${terms} in this text (${name}).`,
    image: (terms, name) => `A model that looked at this picture saw ${terms} (${name}).`,
  },
  de: {
    text: (terms, name) => `In diesem Text steht ${terms} (${name}).`,
    image: (terms, name) => `Ein Modell, das dieses Bild angesehen hat, sah ${terms} (${name}).`,
  },
};
const judgedAs: Readonly<
  Record<MessageLanguage, Readonly<Record<Reader['medium'], (names: string) => string>>>
> = {
  en: {
    text: (names) => `A safety model takes this text for something about: ${names}.`,
    image: (names) => `A safety model takes this picture for something about: ${names}.`,
  },
  de: {
    text: (names) => `Ein Sicherheitsmodell hält das für einen Text über: ${names}.`,
    image: (names) => `Ein Sicherheitsmodell hält das für ein Bild mit: ${names}.`,
  },
};
const unnamed: Localized = { en: 'something it has no name for', de: 'etwas, wofür es keinen Namen hat' };
const next: Localized = {
  en: 'Say it another way, or ask the person who leads your workshop.',
  de: 'Schreib es anders, oder frag die Person, die deinen Workshop leitet.',
};

/**
 * What a refused person reads: what was found, why the rule exists, what to do. It quotes the terms, so it is payload.
 * At most 5 terms per category are quoted.
 */
export function educationalMessage(
  policy: PolicyDocument,
  { hits, codes }: { readonly hits: readonly FilterHit[]; readonly codes: ContextCodes | undefined },
  { language, medium }: Reader,
): string {
  const sentences = policy.taxonomy.categories.flatMap((category) => {
    const terms = [...new Set(hits.filter((hit) => hit.category === category.id).map((hit) => hit.term))];
    if (terms.length === 0) return [];
    const quoted = terms.slice(0, 5).map((term) => (language === 'de' ? `„${term}“` : `“${term}”`));
    const why = policy.messages[category.id]?.[language];
    return [
      found[language][medium](quoted.join(', '), category.name[language]),
      ...(why === undefined ? [] : [why]),
    ];
  });
  const names = codes === undefined ? [] : namesOf(policy, codes, language);
  if (names.length > 0) sentences.push(judgedAs[language][medium](names.join(', ')));
  if (sentences.length === 0) sentences.push(judgedAs[language][medium](unnamed[language]));
  return [...sentences, next[language]].join(' ');
}

/** What the codes mean in the words of the policy; a code that it does not know stands for itself. */
function namesOf(
  { checker, law_checker: lawChecker }: PolicyDocument,
  { taxonomy, standing }: ContextCodes,
  language: MessageLanguage,
): readonly string[] {
  const known = [checker, lawChecker].find(
    (one) => one?.taxonomy.id === taxonomy.id && one.taxonomy.version === taxonomy.version,
  );
  return standing.map(
    (code) => known?.taxonomy.categories.find((category) => category.code === code)?.name[language] ?? code,
  );
}

/** What a person reads whose text or picture could not be judged because the check did not work. */
export const checkerUnavailableMessage: Readonly<Record<Reader['medium'], Localized>> = {
  text: {
    en: 'The safety check does not answer at the moment, so nothing was made of this text. That says nothing about the text: try again in a few minutes.',
    de: 'Die Sicherheitsprüfung antwortet gerade nicht, deshalb wurde aus diesem Text nichts gemacht. Über den Text sagt das nichts: Versuch es in ein paar Minuten noch einmal.',
  },
  image: {
    en: 'The safety check could not judge this picture, so it is not shown. That says nothing about the picture: try again in a few minutes.',
    de: 'Die Sicherheitsprüfung konnte dieses Bild nicht beurteilen, deshalb wird es nicht gezeigt. Über das Bild sagt das nichts: Versuch es in ein paar Minuten noch einmal.',
  },
};

/** What a person reads whose text a provider outside the house refused. */
export const providerRefusedMessage: Localized = {
  en: 'The company outside this house that was to work on this text has refused it by its own rules. They are not ours, and it does not always say why. Say it another way, or ask the person who leads your workshop for a model that runs in the house.',
  de: 'Die Firma außerhalb dieses Hauses, die mit diesem Text arbeiten sollte, hat ihn nach ihren eigenen Regeln abgelehnt. Das sind nicht unsere, und sie sagt nicht immer, warum. Schreib es anders, oder frag die Person, die deinen Workshop leitet, nach einem Modell, das im Haus läuft.',
};

/** Messages exist in German and English; whoever writes another language reads English. */
export const messageLanguage = (language: string | undefined): MessageLanguage =>
  language === 'de' || language?.startsWith('de-') === true ? 'de' : 'en';
