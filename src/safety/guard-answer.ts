import type { DecisionRecord } from '../events/decision.ts';
import { answerText } from './answer-text.ts';

/** What a safety model's answer says, as it says it. What follows from it is the policy's to decide. */
export type GuardReport = {
  /** The verdict's own word; undefined where there was none. */
  readonly native: 'safe' | 'unsafe' | undefined;
  /** Category codes in the order given, each once, in capitals: S1, O3. */
  readonly codes: readonly string[];
  readonly parseStatus: NonNullable<DecisionRecord['parse_status']>;
  /** Something stands beside the codes, such as the name of a category: it may say more than they do. */
  readonly hasWords: boolean;
};

/** More codes than these are noise; the rest counts as words. */
const maxCodes = 32;

/**
 * Reads the answer of a safety model: `safe`, or `unsafe` and a line of category codes, in all the forms in which models
 * really give it (safety-audit.md §1). Reads *unsafe* generously and *safe* strictly: safe is the word alone, in plain
 * letters, in a finished answer; only white space, quotes, code marks, a full stop and finished thinking may surround
 * it. Pure, total, linear in the answer.
 *
 * parseStatus: `canonical` – the form the model was trained for; `lenient` – the same with something harmless around it;
 * `bare_codes` – codes without a verdict; `unsafe_without_codes`; `contradictory` – safe and a code, or both verdicts;
 * `empty`; `unexpected` – anything else, and every *safe* that may be a piece of something longer.
 */
export function parseGuardAnswer(
  raw: string,
  { finishReason }: { readonly finishReason: string | null | undefined },
): GuardReport {
  const { text, isWhole } = answerText(raw);
  const report = reportOf(text, canonicalPattern.test(raw.trim()) ? 'canonical' : 'lenient');
  return isWhole && isFinished(finishReason) ? report : cutShort(report);
}

/** Whether an answer came to its own end, in the words that backends have for it; one that says nothing is believed. */
export const isFinished = (finishReason: string | null | undefined): boolean =>
  finishReasons.has((finishReason ?? 'stop').toLowerCase());

const finishReasons: ReadonlySet<string> = new Set(['stop', 'eos', 'eos_token', 'end_turn', 'stop_sequence']);

/** An answer that broke off: what was safe so far may have gone on, and a list of codes may have been longer. */
function cutShort(report: GuardReport): GuardReport {
  const { native, parseStatus } = report;
  if (parseStatus === 'empty' || parseStatus === 'contradictory') return report;
  return native === 'unsafe'
    ? { native, codes: [], parseStatus: 'unsafe_without_codes', hasWords: true }
    : { native, codes: [], parseStatus: 'unexpected', hasWords: true };
}

const canonicalPattern = /^(?:safe|unsafe\r?\n[A-Z]\d{1,2}(?:,[A-Z]\d{1,2})*)$/;
/** Without the flag `u`, ignoring case stays among the letters a to z: `ſafe` is no such word. */
const safePattern = /^safe\.?$/i;
const codePattern = /^[a-z]{1,2}\d{1,2}$/;

function reportOf(text: string, form: 'canonical' | 'lenient'): GuardReport {
  if (text === '') return { native: undefined, codes: [], parseStatus: 'empty', hasWords: false };
  if (safePattern.test(text)) return { native: 'safe', codes: [], parseStatus: form, hasWords: false };
  // From here on nothing can be safe, so the letters may be read generously.
  const folded = text.normalize('NFKC').replace(invisiblePattern, '').toLowerCase();
  const all: readonly string[] = folded.match(/[\p{L}\p{N}]+/gu) ?? [];
  const [first] = all;
  const codes = [...new Set(all.filter((word) => codePattern.test(word)))].slice(0, maxCodes);
  const named = codes.map((code) => code.toUpperCase());
  const hasWords = all.some((word) => !verdicts.has(word) && !codes.includes(word));
  const native = first === 'safe' || first === 'unsafe' ? first : undefined;
  const isReport = native !== undefined || (first !== undefined && codes.includes(first));
  if (isReport && all.includes('safe') && (all.includes('unsafe') || codes.length > 0))
    return { native, codes: named, parseStatus: 'contradictory', hasWords };
  const rest = unsafePattern.exec(folded)?.groups?.['rest'];
  const isUnsafe = rest !== undefined && !questionPattern.test(rest);
  if (isUnsafe && codes.length > 0) return { native: 'unsafe', codes: named, parseStatus: form, hasWords };
  if (isUnsafe && endPattern.test(rest))
    return { native: 'unsafe', codes: [], parseStatus: 'unsafe_without_codes', hasWords };
  if (codes.length > 0 && !hasWords)
    return { native: undefined, codes: named, parseStatus: 'bare_codes', hasWords };
  return { native: undefined, codes: [], parseStatus: 'unexpected', hasWords };
}

const verdicts: ReadonlySet<string> = new Set(['safe', 'unsafe']);
const invisiblePattern = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** The word first, whatever marks it; what follows the marks is captured. */
const unsafePattern = /^[\s*_`"'~>#([-]*unsafe(?![\p{L}\p{N}])(?<rest>[^]*)$/u;
/** Where the verdict ends: a question ("unsafe? no") and a sentence ("unsafe is what it is not") are no verdicts. */
const questionPattern = /^[*_`"'~)\]\s]*\?/u;
const endPattern = /^[*_`"'~)\]]*(?:\s*[\r\n–—-]|[,;:.]|\s*$)/u;
