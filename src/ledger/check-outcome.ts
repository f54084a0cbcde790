import type { DecisionOutcome } from '../events/decision.ts';

/** The members of a core that only this item's type explains. */
export type Facts = Readonly<Record<string, unknown>> | undefined;

/** What a check decided, and whether a full decision record says so. */
export type CheckOutcome = DecisionOutcome & { readonly isRecorded: boolean };

/**
 * What a stored check decided, read as `decisionOutcome` in src/events reads it (a test holds the two together), but by
 * hand: a check that shares the code it checks finds nothing.
 */
export function checkOutcome(facts: Facts): CheckOutcome {
  const { verdict, enforcement, safe, method } = facts ?? {};
  const { action, basis } = isObject(enforcement) ? enforcement : {};
  if (isOneOf(verdicts, verdict) && isOneOf(actions, action) && isOneOf(bases, basis))
    return { verdict, action, basis, isRecorded: true };
  if (typeof safe !== 'boolean')
    return { verdict: 'indeterminate', action: 'unknown', basis: 'unknown', isRecorded: false };
  return {
    verdict: 'indeterminate',
    action: safe ? 'allow' : 'block',
    basis: safe && method === 'llm_check_failed' ? 'fail_open' : 'unknown',
    isRecorded: false,
  };
}

/** May what was checked go on? */
export const letsPass = ({ action }: Pick<CheckOutcome, 'action'>): boolean =>
  action === 'allow' || action === 'skip' || action === 'modify';

/** What a decision says about the text it judged and the text that the output is made from. */
export type JudgedContent = 'same' | 'other' | 'unknown';

export function judgedContent(facts: Facts): JudgedContent {
  const { checked, generated_from: made, same_as_checked: isSame } = facts ?? {};
  const judged = isObject(checked) ? checked['commitment'] : undefined;
  if (isSame === false) return 'other';
  if (typeof judged === 'string' && typeof made === 'string') return judged === made ? 'same' : 'other';
  return isSame === true ? 'same' : 'unknown';
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const objectsOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

const verdicts = ['safe', 'unsafe', 'indeterminate'] as const;
const actions = ['allow', 'block', 'modify', 'skip'] as const;
const bases = ['evaluated', 'policy_skip', 'fail_open', 'fail_closed', 'override', 'cache'] as const;

const isOneOf = <T extends string>(words: readonly T[], value: unknown): value is T =>
  words.some((word) => word === value);
