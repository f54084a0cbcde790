import type { Language } from '../events/localized.ts';
import type { FaultCode, Outcome, RuleId, RuleSeen } from './verdict.ts';

type Both = Readonly<Record<Language, string>>;
const both = (en: string, de: string): Both => ({ en, de });

/** What an outcome means, in one sentence. */
export const outcomeWords: Readonly<Record<Outcome, Both>> = {
  verified: both(
    'VERIFIED. The record of this run is complete, and nothing in it has changed since it was signed.',
    'GEPRÜFT. Die Aufzeichnung dieses Laufs ist vollständig, und seit der Unterschrift wurde nichts daran geändert.',
  ),
  tampered: both(
    'TAMPERED. This is not what the log recorded. Do not rely on it.',
    'VERFÄLSCHT. Das ist nicht, was aufgezeichnet wurde. Verlassen Sie sich nicht darauf.',
  ),
  malformed: both(
    'MALFORMED. This file holds no evidence that could be checked.',
    'UNLESBAR. In dieser Datei steht kein Nachweis, der sich prüfen ließe.',
  ),
  unpinned: both(
    'CONSISTENT, BUT SIGNED BY A KEY THAT NOBODY VOUCHED FOR. Whoever changed the file could have signed it anew. Get the public key from somebody you trust and name it with --key.',
    'IN SICH STIMMIG, ABER VON EINEM SCHLÜSSEL UNTERSCHRIEBEN, FÜR DEN NIEMAND BÜRGT. Wer die Datei geändert hat, könnte neu unterschrieben haben. Besorgen Sie sich den öffentlichen Schlüssel auf anderem Weg und nennen Sie ihn mit --key.',
  ),
  open: both(
    'VERIFIED, BUT THE RUN IS OPEN. Nothing that stands here was changed; the run had not ended when it was signed.',
    'GEPRÜFT, ABER DER LAUF IST OFFEN. Nichts von dem, was hier steht, wurde geändert; der Lauf war bei der Unterschrift noch nicht beendet.',
  ),
  incomplete: both(
    'VERIFIED, BUT PARTS ARE NOT THERE. Nothing that stands here was changed. Texts or documents are missing: erased, or left out of this file.',
    'GEPRÜFT, ABER TEILE FEHLEN. Nichts von dem, was hier steht, wurde geändert. Texte oder Dokumente fehlen: Sie sind gelöscht oder wurden in dieser Datei weggelassen.',
  ),
};

/** What a fault says; its place and name stand before and after. */
export const faultWords: Readonly<Record<FaultCode, Both>> = {
  other_origin: both(
    'the checkpoint is that of another log',
    'der Prüfpunkt ist der eines anderen Protokolls',
  ),
  other_key: both(
    'signed by a key that you did not name',
    'von einem Schlüssel unterschrieben, den Sie nicht genannt haben',
  ),
  bad_signature: both('the signature does not hold', 'die Unterschrift gilt nicht'),
  other_root: both(
    'events and proof do not lead to the signed root: an event was changed, dropped, added or moved',
    'Ereignisse und Beweis führen nicht zur unterschriebenen Wurzel: Ein Ereignis wurde geändert, weggelassen, hinzugefügt oder versetzt',
  ),
  bad_core: both('is no event of a log', 'ist kein Ereignis eines Protokolls'),
  foreign_event: both('belongs to something else than this run', 'gehört zu etwas anderem als diesem Lauf'),
  wrong_place: both('does not stand at its place', 'steht nicht an seiner Stelle'),
  broken_chain: both(
    'does not point to the item before it: that one was changed, dropped or added',
    'verweist nicht auf den Eintrag davor: Dieser wurde geändert, weggelassen oder hinzugefügt',
  ),
  wrong_payload: both('its text is not the one that was recorded', 'sein Text ist nicht der aufgezeichnete'),
  needless_document: both('nothing refers to this document', 'auf dieses Dokument verweist nichts'),
  wrong_document: both('is not the document that was published', 'ist nicht das veröffentlichte Dokument'),
  late_document: both(
    'was published only after it was used',
    'wurde erst nach seiner Verwendung veröffentlicht',
  ),
  wrong_heads: both(
    'the log says that the run ends elsewhere: its tail was cut, or the statement is not about this run',
    'laut Protokoll endet der Lauf anderswo: Sein Ende wurde abgeschnitten, oder die Angabe gilt einem anderen Lauf',
  ),
  wrong_media_list: both(
    'the list of media is not that of the items',
    'die Liste der Medien ist nicht die der Einträge',
  ),
  swapped_medium: both(
    'this file is not the medium that was recorded',
    'diese Datei ist nicht das aufgezeichnete Medium',
  ),
};

/** What a rule for a run says (safety-audit.md §2). */
export const ruleWords: Readonly<Record<RuleId, Both>> = {
  I1: both(
    'every output must have been let pass before, and be made from the very text that was checked',
    'jede Ausgabe muss vorher freigegeben und aus eben dem geprüften Text gemacht sein',
  ),
  I2: both(
    'nothing may follow the end of the run but what is known to',
    'auf das Ende des Laufs darf nur folgen, was darauf folgen kann',
  ),
  I3: both(
    'what could not be judged must not pass for safe',
    'was nicht beurteilt werden konnte, darf nicht als unbedenklich gelten',
  ),
  I4: both(
    'each policy must have been published before it was used',
    'jedes Regelwerk muss vor seiner Anwendung veröffentlicht sein',
  ),
  I5: both('times must never go back', 'die Zeiten dürfen nie zurücklaufen'),
  I6: both(
    'the stages must stand in their order, and iterations without a gap',
    'die Stufen müssen in ihrer Reihenfolge stehen, die Durchgänge ohne Lücke',
  ),
  I7: both(
    'only who may lifts a decision, with a reason, and nobody a law-based one for children or youth',
    'nur wer es darf, hebt eine Entscheidung auf, und mit Begründung; eine gesetzliche bei Kindern und Jugendlichen niemand',
  ),
  I8: both('the end must count what is recorded', 'das Ende muss zählen, was aufgezeichnet ist'),
};

export const ruleStatusWords: Readonly<Record<RuleSeen['status'], Both>> = {
  pass: both('holds', 'gilt'),
  fail: both('BROKEN', 'VERLETZT'),
  unproven: both('unproven', 'unbelegt'),
};

/** What stands below the rules where one is broken: it must not be taken for tampering. */
export const brokenRuleWords: Both = both(
  `A broken rule is no tampering and changes no status: it is the true record of something that should not have happened.
Ask whoever runs the service about it.`,
  `Eine verletzte Regel ist keine Fälschung und ändert den Status nicht: Sie ist die wahre Aufzeichnung von etwas, das nicht hätte
geschehen dürfen. Fragen Sie beim Betreiber danach.`,
);

export const verdictWords = {
  file: both('File', 'Datei'),
  run: both('Run', 'Lauf'),
  log: both('Log', 'Protokoll'),
  key: both('Signed by', 'Unterschrift'),
  texts: both('Texts', 'Texte'),
  documents: both('Documents', 'Dokumente'),
  media: both('Media', 'Medien'),
  rules: both('Rules', 'Regeln'),
  rulesHold: both('all rules hold (I1–I8)', 'alle Regeln sind eingehalten (I1–I8)'),
  items: both('items', 'Einträge'),
  fault: both('Fault', 'Fehler'),
  item: both('item', 'Eintrag'),
  document: both('document', 'Dokument'),
  missing: both('not there', 'nicht vorhanden'),
  none: both('none', 'keine'),
} as const;

/** What is proven and what is not; never left out where something was verified. */
export const proofWords: readonly Both[] = [
  both(
    `What this proves: these items, in this order and no others up to the last, were in the log when it was signed, with these
texts and these policies; nothing was changed, added, dropped or moved since.`,
    `Was damit bewiesen ist: Diese Einträge, in dieser Reihenfolge und bis zum letzten keine anderen, standen bei der Unterschrift
im Protokoll, mit diesen Texten und Regelwerken; seither wurde nichts geändert, hinzugefügt, weggelassen oder versetzt.`,
  ),
  both(
    `What it does not prove: that what was recorded is what happened; that the operator did not write the whole log anew and sign it
again before you got a checkpoint (keep checkpoints and keys elsewhere, and compare them); that the pages, pictures and
texts around the evidence in this file say the same as it does (--items prints what was recorded).`,
    `Was damit nicht bewiesen ist: dass das Aufgezeichnete auch geschehen ist; dass der Betreiber nicht das ganze Protokoll neu
geschrieben und neu unterschrieben hat, bevor Sie einen Prüfpunkt hatten (bewahren Sie Prüfpunkte und Schlüssel anderswo auf und
vergleichen Sie); dass Seiten, Bilder und Texte rund um den Nachweis in dieser Datei dasselbe sagen wie er (--items druckt, was
aufgezeichnet wurde).`,
  ),
];
