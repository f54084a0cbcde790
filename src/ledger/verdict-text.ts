import type { Language } from '../events/localized.ts';
import type { Fault, RuleSeen, Seen, Verdict } from './verdict.ts';
import { shownText } from './shown-text.ts';
import {
  brokenRuleWords,
  faultWords,
  outcomeWords,
  proofWords,
  ruleStatusWords,
  ruleWords,
  verdictWords as words,
} from './verdict-words.ts';

/** A verdict for a person: what came of it, what was looked at, and what it does and does not prove. Ends without a line end. */
export function verdictText(verdict: Verdict, file: string, language: Language): string {
  const { outcome, faults, malformed, seen, invariants } = verdict;
  const row = (name: keyof typeof words, value: string): string =>
    `  ${words[name][language].padEnd(14)}${shownText(value)}`;
  const lines = [outcomeWords[outcome][language], '', row('file', file)];
  if (malformed !== undefined)
    lines.push(row('fault', [malformed.pointer, malformed.expected].filter(Boolean).join(': ')));
  for (const fault of faults) lines.push(row('fault', faultText(fault, language)));
  if (seen !== undefined) lines.push(...seenRows(seen, row, language));
  if (invariants !== undefined) lines.push(...ruleRows(invariants, row, language));
  if (outcome !== 'malformed' && outcome !== 'tampered')
    for (const words of proofWords) lines.push('', words[language]);
  return lines.join('\n');
}

function faultText({ code, item, document, what }: Fault, language: Language): string {
  const place =
    item !== undefined
      ? `${words.item[language]} ${item} `
      : document !== undefined
        ? `${words.document[language]} ${document + 1} `
        : '';
  return `${place}${faultWords[code][language]}${what === undefined ? '' : ` (${what})`}`;
}

type Row = (name: keyof typeof words, value: string) => string;

function seenRows(seen: Seen, row: Row, language: Language): readonly string[] {
  const lacking = (missing: readonly unknown[]): string =>
    missing.length === 0 ? '' : `; ${words.missing[language]}: ${missing.join(', ')}`;
  const { media, payloads, withoutPayload, documents, missingDocuments } = seen;
  const checked = media.filter(({ isChecked }) => isChecked).length;
  const none = words.none[language];
  return [
    row('run', `${seen.run}, 1–${seen.items}, ${seen.from} – ${seen.to}, ${seen.endedBy ?? '…'}`),
    row('log', `${seen.origin}, ${seen.size}, ${seen.root}`),
    row('key', seen.key),
    row('texts', `${payloads - withoutPayload.length}/${payloads}${lacking(withoutPayload)}`),
    row('documents', `${documents.join(', ') || none}${lacking(missingDocuments)}`),
    row(
      'media',
      media.length === 0
        ? none
        : `${checked}/${media.length} (${media.map(({ sha256 }) => sha256).join(', ')})`,
    ),
  ];
}

/** A line each for the rules that do not hold. */
function ruleRows(invariants: readonly RuleSeen[], row: Row, language: Language): readonly string[] {
  const open = invariants.filter(({ status }) => status !== 'pass');
  if (open.length === 0) return [row('rules', words.rulesHold[language])];
  const rows = open.map((rule) => row('rules', ruleText(rule, language)));
  const isBroken = open.some(({ status }) => status === 'fail');
  return isBroken ? [...rows, '', brokenRuleWords[language]] : rows;
}

/** So many items are named of a rule; `--json` has more of them. */
const maxNamed = 10;

function ruleText({ id, status, sequence_numbers: items }: RuleSeen, language: Language): string {
  const named = `${items.slice(0, maxNamed).join(', ')}${items.length > maxNamed ? ', …' : ''}`;
  const noun = items.length === 1 ? words.item : words.items;
  const place = items.length === 0 ? '' : ` (${noun[language]} ${named})`;
  return `${id} ${ruleStatusWords[status][language]}${place}: ${ruleWords[id][language]}`;
}
