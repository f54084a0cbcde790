import type { CheckStep, DecisionRecord, SafetyLevel } from '../events/decision.ts';
import type { Language, Localized } from '../events/localized.ts';
import type { Judgement, OverriddenTo, ReviewRole } from '../events/review.ts';
import type { Refused } from './statement.ts';

/** The headings of a statement, in their order. */
export const headings = {
  what: { en: 'What was refused', de: 'Was abgelehnt wurde' },
  why: { en: 'Why', de: 'Warum' },
  who: { en: 'Who decided', de: 'Wer entschieden hat' },
  facts: { en: 'What was looked at', de: 'Was angesehen wurde' },
  level: { en: 'The level of protection', de: 'Die Schutzstufe' },
  reviews: { en: 'What people have said since', de: 'Was Menschen seitdem dazu gesagt haben' },
  objection: { en: 'If you do not agree', de: 'Wenn du nicht einverstanden bist' },
} as const satisfies Readonly<Record<string, Localized>>;

/** All that a statement can say. Short sentences: many who read them are children. */
export type Said = {
  readonly refused: Readonly<Record<Refused, string>>;
  readonly overriddenSince: string;
  readonly policy: (name: string, id: string, version: number) => string;
  readonly noPolicy: string;
  readonly noEvidence: string;
  readonly toldThen: (message: string) => string;
  readonly list: (category: string) => string;
  readonly reference: (provision: string) => string;
  readonly model: (names: string) => string;
  readonly provider: (names: string) => string;
  readonly withoutNames: string;
  readonly checkFailed: string;
  readonly wasToBeReviewed: string;
  readonly automated: string;
  readonly byPerson: string;
  readonly whoUnknown: string;
  readonly steps: (steps: string) => string;
  readonly method: Readonly<Record<CheckStep['method'], (model: string | undefined) => string>>;
  readonly failClosed: string;
  readonly decidedAt: (time: string) => string;
  readonly judgedText: Readonly<Record<'own' | 'made', (chars: number) => string>>;
  readonly judgedImage: string;
  readonly quotes: (quotes: readonly string[]) => string;
  readonly erased: string;
  readonly level: Readonly<Record<SafetyLevel, string>>;
  readonly levelUnknown: string;
  readonly levelSetBy: Readonly<Record<DecisionRecord['level_set_by'], string>>;
  readonly role: Readonly<Record<ReviewRole, string>>;
  readonly judgement: Readonly<Record<Exclude<Judgement, 'override'> | OverriddenTo | 'override', string>>;
  readonly review: (time: string, role: string, judgement: string) => string;
  readonly objection: (contact: string, executionId: string, seq: number) => string;
  readonly objectionIsKept: string;
  readonly nobodyNamed: string;
};

const named = (what: string) => (model: string | undefined) =>
  model === undefined ? what : `${what} (${model})`;

const en: Said = {
  refused: {
    input_text: 'Your text was refused, and nothing was made of it.',
    input_image: 'The picture that you handed in was refused, and nothing was made of it.',
    output: 'One output was not made: the text that it was to be made from was refused.',
    medium: 'Something was made, but it was refused afterwards: it is not kept and not shown.',
  },
  overriddenSince: 'Since then a person has decided that this refusal should not stand (see below).',
  policy: (name, id, version) => `The rules are called “${name}” (${id}, version ${version}).`,
  noPolicy: 'The record does not name the rules that this follows from.',
  noEvidence: 'It was recorded without the evidence that is kept today, so more cannot be said for certain.',
  toldThen: (message) => `What was said at the time: “${message}”`,
  list: (category) =>
    `The rules have a list of words about: ${category}. Something that was looked at is on it.`,
  reference: (provision) => `The list follows from a law: ${provision}.`,
  model: (names) => `A safety model takes it for something about: ${names}.`,
  provider: (names) =>
    `A company outside this house was to work on it, and refused it by its own rules, which are not ours. It names as reasons: ${names}.`,
  withoutNames: 'A safety model takes it for unsafe, and has not said what for.',
  checkFailed:
    'The safety check could not be finished, and then the rules let nothing through. That says nothing about what you wrote or made.',
  wasToBeReviewed: 'A word had been found that was to be looked at more closely.',
  automated: 'A program decided this, not a person.',
  byPerson: 'A person took part in this decision.',
  whoUnknown: 'The record does not say whether a program or a person decided.',
  steps: (steps) => `The steps were: ${steps}.`,
  method: {
    fast_filter: named('a comparison with lists of words'),
    llm_context_check: named('a check of what the words mean here'),
    vlm_check: named('a model that looked at the picture'),
    provider_moderation: named('the check of a company outside this house'),
    human: named('a person'),
  },
  failClosed: 'One of them failed.',
  decidedAt: (time) => `It was decided on ${time}.`,
  judgedText: {
    own: (chars) => `Looked at was the text that you wrote, ${chars} characters.`,
    made: (chars) => `Looked at was a text that was made from yours, ${chars} characters.`,
  },
  judgedImage: 'Looked at was a picture, by the description of a model.',
  quotes: (quotes) => `Found were: ${quotes.map((quote) => `“${quote}”`).join(', ')}.`,
  erased: 'What was looked at has been erased since.',
  level: {
    kids: 'The level was “kids”, the strictest one.',
    youth: 'The level was “youth”.',
    adult: 'The level was “adult”.',
    research: 'The level was “research”, where only what the law forbids is refused.',
  },
  levelUnknown: 'The record does not say which level of protection was set.',
  levelSetBy: {
    request: 'It was chosen when the run was started.',
    default: 'Nobody had chosen one, so the usual one counted.',
    workflow: 'The workflow sets it.',
    unknown: 'The record does not say who set it.',
  },
  role: {
    person_concerned: 'the person concerned',
    workshop_leader: 'a workshop leader',
    youth_protection: 'somebody responsible for the protection of young people',
    data_protection: 'somebody responsible for data protection',
    auditor: 'an auditor',
    researcher: 'a researcher',
    engineer: 'an engineer',
  },
  judgement: {
    allow: 'the refusal should not stand',
    block: 'the refusal should stand after all',
    override: 'it should be otherwise',
    false_positive: 'the refusal was a mistake',
    false_negative: 'it should have been refused',
    confirmed: 'the decision was right',
    appeal: 'an objection was made',
  },
  review: (time, role, judgement) => `On ${time}, ${role}: ${judgement}.`,
  objection: (contact, executionId, seq) =>
    `You may object. Tell ${contact}, and give these two: ${executionId} and ${seq}.`,
  objectionIsKept:
    'Your objection is recorded beside the decision, where nobody can take it away, and so is the answer of a person. The decision itself stays in the record as it was made.',
  nobodyNamed: 'the people who run this workshop',
};

const de: Said = {
  refused: {
    input_text: 'Dein Text wurde abgelehnt, und aus ihm wurde nichts gemacht.',
    input_image: 'Das Bild, das du abgegeben hast, wurde abgelehnt, und aus ihm wurde nichts gemacht.',
    output: 'Eine Ausgabe wurde nicht gemacht: Der Text, aus dem sie entstehen sollte, wurde abgelehnt.',
    medium: 'Etwas wurde gemacht, aber danach abgelehnt: Es wird nicht aufbewahrt und nicht gezeigt.',
  },
  overriddenSince:
    'Seitdem hat ein Mensch entschieden, dass diese Ablehnung nicht gelten soll (siehe unten).',
  policy: (name, id, version) => `Die Regeln heißen „${name}“ (${id}, Version ${version}).`,
  noPolicy: 'Die Aufzeichnung nennt die Regeln nicht, aus denen das folgt.',
  noEvidence:
    'Sie entstand ohne die Belege, die heute festgehalten werden; mehr lässt sich nicht sicher sagen.',
  toldThen: (message) => `Damals hieß es: „${message}“`,
  list: (category) =>
    `Die Regeln haben eine Wortliste zum Thema: ${category}. Etwas von dem, was angesehen wurde, steht darauf.`,
  reference: (provision) => `Die Liste folgt aus einem Gesetz: ${provision}.`,
  model: (names) => `Ein Sicherheitsmodell hält es für etwas zum Thema: ${names}.`,
  provider: (names) =>
    `Eine Firma außerhalb dieses Hauses sollte damit arbeiten und hat es nach ihren eigenen Regeln abgelehnt; das sind nicht unsere. Als Gründe nennt sie: ${names}.`,
  withoutNames: 'Ein Sicherheitsmodell hält es für unsicher und hat nicht gesagt, weshalb.',
  checkFailed:
    'Die Sicherheitsprüfung konnte nicht zu Ende geführt werden, und dann lassen die Regeln nichts durch. Über das, was du geschrieben oder gemacht hast, sagt das nichts.',
  wasToBeReviewed: 'Ein Wort war gefunden worden, das genauer angesehen werden sollte.',
  automated: 'Das hat ein Programm entschieden, kein Mensch.',
  byPerson: 'An dieser Entscheidung war ein Mensch beteiligt.',
  whoUnknown: 'Die Aufzeichnung sagt nicht, ob ein Programm oder ein Mensch entschieden hat.',
  steps: (steps) => `Die Schritte waren: ${steps}.`,
  method: {
    fast_filter: named('ein Vergleich mit Wortlisten'),
    llm_context_check: named('eine Prüfung, was die Wörter hier bedeuten'),
    vlm_check: named('ein Modell, das das Bild angesehen hat'),
    provider_moderation: named('die Prüfung einer Firma außerhalb dieses Hauses'),
    human: named('ein Mensch'),
  },
  failClosed: 'Einer davon ist gescheitert.',
  decidedAt: (time) => `Entschieden wurde am ${time}.`,
  judgedText: {
    own: (chars) => `Angesehen wurde der Text, den du geschrieben hast, ${chars} Zeichen.`,
    made: (chars) => `Angesehen wurde ein Text, der aus deinem gemacht wurde, ${chars} Zeichen.`,
  },
  judgedImage: 'Angesehen wurde ein Bild, und zwar anhand der Beschreibung durch ein Modell.',
  quotes: (quotes) => `Gefunden wurde: ${quotes.map((quote) => `„${quote}“`).join(', ')}.`,
  erased: 'Was angesehen wurde, ist inzwischen gelöscht.',
  level: {
    kids: 'Es galt die Stufe „kids“ (Kinder), die strengste.',
    youth: 'Es galt die Stufe „youth“ (Jugendliche).',
    adult: 'Es galt die Stufe „adult“ (Erwachsene).',
    research:
      'Es galt die Stufe „research“ (Forschung), in der nur abgelehnt wird, was das Gesetz verbietet.',
  },
  levelUnknown: 'Die Aufzeichnung sagt nicht, welche Schutzstufe galt.',
  levelSetBy: {
    request: 'Sie wurde beim Start des Laufs gewählt.',
    default: 'Niemand hatte eine gewählt, deshalb galt die übliche.',
    workflow: 'Der Ablauf legt sie fest.',
    unknown: 'Die Aufzeichnung sagt nicht, wer sie festgelegt hat.',
  },
  role: {
    person_concerned: 'die betroffene Person',
    workshop_leader: 'eine Person, die den Workshop leitet',
    youth_protection: 'eine für den Jugendschutz zuständige Person',
    data_protection: 'eine für den Datenschutz zuständige Person',
    auditor: 'eine prüfende Person',
    researcher: 'eine forschende Person',
    engineer: 'eine Person aus der Technik',
  },
  judgement: {
    allow: 'die Ablehnung soll nicht gelten',
    block: 'die Ablehnung soll doch gelten',
    override: 'es soll anders sein',
    false_positive: 'die Ablehnung war ein Irrtum',
    false_negative: 'es hätte abgelehnt werden sollen',
    confirmed: 'die Entscheidung war richtig',
    appeal: 'es wurde Widerspruch eingelegt',
  },
  review: (time, role, judgement) => `Am ${time}, ${role}: ${judgement}.`,
  objection: (contact, executionId, seq) =>
    `Du kannst widersprechen. Wende dich an: ${contact}. Nenne dabei diese beiden Angaben: ${executionId} und ${seq}.`,
  objectionIsKept:
    'Dein Widerspruch wird neben der Entscheidung festgehalten, wo ihn niemand entfernen kann, und ebenso die Antwort eines Menschen. Die Entscheidung selbst bleibt so in der Aufzeichnung, wie sie getroffen wurde.',
  nobodyNamed: 'die Menschen, die diesen Workshop veranstalten',
};

export const sayings: Readonly<Record<Language, Said>> = { en, de };

const months: Readonly<Record<Language, readonly string[]>> = {
  en: 'January February March April May June July August September October November December'.split(' '),
  de: 'Januar Februar März April Mai Juni Juli August September Oktober November Dezember'.split(' '),
};

/** An RFC 3339 time in UTC as people write it, by our own table: the same on every machine. */
export function timeIn(time: string, language: Language): string {
  const [, year = '', month = '', day = '', clock = ''] =
    /^(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2})/.exec(time) ?? [];
  const name = months[language][Number(month) - 1] ?? month;
  return language === 'de'
    ? `${Number(day)}. ${name} ${year} um ${clock} Uhr (UTC)`
    : `${Number(day)} ${name} ${year} at ${clock} (UTC)`;
}
