import type { Localized } from '../events/localized.ts';

const word = (en: string, de: string): Localized => ({ en, de });

/** Our words in a report. Labels of items stand in the catalogue. */
export const words = {
  run: word('Run', 'Lauf'),
  workflow: word('Workflow', 'Ablauf'),
  began: word('Began', 'Begonnen'),
  ended: word('Ended', 'Beendet'),
  duration: word('Duration', 'Dauer'),
  mode: word('Mode', 'Betriebsart'),
  level: word('Safety level', 'Schutzstufe'),
  person: word('Person', 'Person'),
  session: word('Session', 'Sitzung'),
  seed: word('Seed', 'Startzahl des Zufalls'),
  items: word('Items', 'Einträge'),
  taxonomy: word('Taxonomy', 'Taxonomie'),
  status: word('Status', 'Stand'),
  view: word('View', 'Ansicht'),
  chain: word('End of the hash chain', 'Ende der Hash-Kette'),
  evidence: word('Evidence', 'Nachweis'),
  attached: word(
    'in this file, to be checked with runledger verify',
    'in dieser Datei, zu prüfen mit runledger verify',
  ),
  alsoRecorded: word('Also recorded', 'Außerdem festgehalten'),
  item: word('Item', 'Eintrag'),
  time: word('Time', 'Zeit'),
  model: word('Model', 'Modell'),
  backend: word('Backend', 'Backend'),
  config: word('Config', 'Konfiguration'),
  file: word('File', 'Datei'),
  took: word('Took', 'Dauerte'),
  result: word('Result', 'Ergebnis'),
  done: word('What was done', 'Was geschah'),
  method: word('Method', 'Verfahren'),
  policy: word('Policy', 'Regelwerk'),
  terms: word('Found terms', 'Gefundene Begriffe'),
  findings: word('What this record does not prove', 'Was diese Aufzeichnung nicht belegt'),
  outputs: word('Outputs', 'Ausgaben'),
  elsewhere: word('Outside the stages', 'Außerhalb der Stufen'),
  events: word('Between these items', 'Zwischen diesen Einträgen'),
  erased: word('The content of this item was erased.', 'Der Inhalt dieses Eintrags wurde gelöscht.'),
  empty: word('(empty)', '(leer)'),
  nothing: word('This view has no items.', 'Diese Ansicht hat keine Einträge.'),
  withheld: word(
    'This medium was withheld by a safety check, so it is not shown.',
    'Dieses Medium wurde von einer Sicherheitsprüfung zurückgehalten und wird nicht gezeigt.',
  ),
  notHeld: word('This file is not stored here:', 'Diese Datei ist hier nicht gespeichert:'),
  held: word('Stored here as', 'Hier gespeichert als'),
  bytes: word('bytes', 'Bytes'),
  withLogs: word('with log entries', 'mit Protokolleinträgen'),
  withoutLogs: word('without log entries', 'ohne Protokolleinträge'),
} as const;

/** The stages as they head a report; 3 and 4 are one journey for each output. */
export const stageNames: readonly Localized[] = [
  word('Start', 'Beginn'),
  word('Input', 'Eingabe'),
  word('Transformation', 'Verwandlung'),
  words.outputs,
  words.outputs,
  word('End', 'Ende'),
];

export const viewNames: Readonly<Record<string, Localized>> = {
  student: word('student', 'für Lernende'),
  advanced: word('advanced', 'für Fortgeschrittene'),
  teacher: word('teacher', 'für Lehrende'),
  researcher: word('researcher', 'für Forschende'),
  auditor: word('auditor', 'für Prüfende'),
};

/** What a status means, in a sentence. */
export const statusSentences: Readonly<Record<string, Localized>> = {
  pending: word('This run has not begun yet.', 'Dieser Lauf hat noch nicht begonnen.'),
  running: word('This run was still going on.', 'Dieser Lauf ging noch weiter.'),
  paused: word('This run was paused.', 'Dieser Lauf war angehalten.'),
  waiting_clarification: word('This run waited for an answer.', 'Dieser Lauf wartete auf eine Antwort.'),
  cancelling: word('This run was being cancelled.', 'Dieser Lauf wurde gerade abgebrochen.'),
  completed: word('This run was completed.', 'Dieser Lauf wurde abgeschlossen.'),
  failed: word('This run failed.', 'Dieser Lauf ist gescheitert.'),
  blocked: word(
    'The input was refused, so nothing was made.',
    'Die Eingabe wurde abgelehnt, darum entstand nichts.',
  ),
  cancelled: word('This run was cancelled.', 'Dieser Lauf wurde abgebrochen.'),
  incomplete: word(
    'The record of this run has no end: its outcome is not known.',
    'Die Aufzeichnung dieses Laufs hat kein Ende: Sein Ausgang ist nicht bekannt.',
  ),
};

/** How many outputs there were, where there were any. */
export const outputCounts: Readonly<
  Record<'outputs_generated' | 'outputs_blocked' | 'outputs_failed', Localized>
> = {
  outputs_generated: word('Outputs generated', 'Erzeugte Ausgaben'),
  outputs_blocked: word('Outputs refused', 'Abgelehnte Ausgaben'),
  outputs_failed: word('Outputs failed', 'Gescheiterte Ausgaben'),
};

export const verdictNames: Readonly<Record<string, Localized>> = {
  safe: word('safe', 'unbedenklich'),
  unsafe: word('unsafe', 'bedenklich'),
  indeterminate: word('not proven', 'nicht belegt'),
};

export const actionNames: Readonly<Record<string, Localized>> = {
  allow: word('let pass', 'durchgelassen'),
  block: word('refused', 'abgelehnt'),
  modify: word('changed', 'geändert'),
  skip: word('skipped', 'ausgelassen'),
  unknown: word('not recorded', 'nicht festgehalten'),
};

export const basisNames: Readonly<Record<string, Localized>> = {
  evaluated: word('after the check', 'nach der Prüfung'),
  policy_skip: word('the policy skips this check', 'das Regelwerk lässt diese Prüfung aus'),
  fail_open: word('the checker failed, and was let pass', 'die Prüfung fiel aus, und es wurde durchgelassen'),
  fail_closed: word('the checker failed, and was refused', 'die Prüfung fiel aus, und es wurde abgelehnt'),
  override: word('a person decided', 'ein Mensch hat entschieden'),
  cache: word('decided before', 'schon früher entschieden'),
  unknown: word('on what ground is not recorded', 'aus welchem Grund, ist nicht festgehalten'),
};

const languageNames: Readonly<Record<string, Localized>> = {
  en: word('English', 'Englisch'),
  de: word('German', 'Deutsch'),
  fr: word('French', 'Französisch'),
  es: word('Spanish', 'Spanisch'),
  it: word('Italian', 'Italienisch'),
  pt: word('Portuguese', 'Portugiesisch'),
  nl: word('Dutch', 'Niederländisch'),
  pl: word('Polish', 'Polnisch'),
  ru: word('Russian', 'Russisch'),
  zh: word('Chinese', 'Chinesisch'),
  ja: word('Japanese', 'Japanisch'),
  ar: word('Arabic', 'Arabisch'),
  hi: word('Hindi', 'Hindi'),
  ko: word('Korean', 'Koreanisch'),
  tr: word('Turkish', 'Türkisch'),
};

/** A language of the telephone game by its name, any other by its tag. */
export const languageName = (tag: string): Localized => languageNames[tag] ?? { en: tag, de: tag };
