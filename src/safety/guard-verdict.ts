import type { SafetyLevel, Verdict } from '../events/decision.ts';
import type { Checker } from './checker-document.ts';
import type { GuardReport } from './guard-answer.ts';

/** What follows from a report, and which of its codes it rests on. */
export type GuardVerdict = {
  readonly verdict: Verdict;
  /** Codes that count; of an indeterminate answer all that it named. */
  readonly standing: readonly string[];
  /** Codes that the policy does not block at this level. */
  readonly ignored: readonly string[];
};

/**
 * What a policy makes of a safety model's report at a level. Pure.
 * - safe: a plain `safe`, or codes of which the policy blocks none at this level;
 * - unsafe: any code that it blocks or does not know, and `unsafe` with no codes or with words beside them, because a
 *   policy can ignore what it names only;
 * - indeterminate: everything else, and then `on_checker_failure` decides.
 */
export function guardVerdict(report: GuardReport, checker: Checker, level: SafetyLevel): GuardVerdict {
  const { native, codes, parseStatus, hasWords } = report;
  const blocks = (code: string): boolean =>
    checker.taxonomy.categories.find((category) => category.code === code)?.blocks.includes(level) ?? true;
  const isRead = parseStatus === 'canonical' || parseStatus === 'lenient';
  if (isRead && native === 'safe' && codes.length === 0)
    return { verdict: 'safe', standing: [], ignored: [] };
  const isUnsafe = native === 'unsafe' && (isRead || parseStatus === 'unsafe_without_codes');
  if (!isUnsafe && parseStatus !== 'bare_codes')
    return { verdict: 'indeterminate', standing: codes, ignored: [] };
  const standing = codes.filter(blocks);
  const ignored = codes.filter((code) => !blocks(code));
  const isCleared = codes.length > 0 && standing.length === 0 && !hasWords;
  return { verdict: isCleared ? 'safe' : 'unsafe', standing, ignored };
}
