import type { DecisionRecord, SafetyLevel, Verdict } from '../events/decision.ts';
import type { PolicyReference } from './policy.ts';
import type { FilterHit } from './term-filter.ts';

/** What a context check is asked: whether the terms that were found mean what the lists are about. */
export type ContextQuestion = {
  readonly text: string;
  /** BCP 47, where it is known. */
  readonly language: string | undefined;
  readonly level: SafetyLevel;
  readonly checkPoint: DecisionRecord['check_point'];
  readonly policy: PolicyReference;
  readonly hits: readonly ContextHit[];
};

/** A hit together with what its list is. */
export type ContextHit = FilterHit & { readonly scope: 'law' | 'level' };

/** What a context check answered, as it answered it. The check reports; the policy decides what follows. */
export type ContextAnswer = {
  readonly verdict: Verdict;
  /** Where these terms are harmless; the rest of the hits stands. Read only for `unsafe`; `safe` clears all of them. */
  readonly dismissed: readonly FilterHit[];
  /** The answer's first word, as an identifier; absent where there was none. */
  readonly native?: string;
  readonly parseStatus: NonNullable<DecisionRecord['parse_status']>;
  /** The whole raw answer. It may quote the text: it goes to the payload. */
  readonly raw: string;
  /** What really answered, from the answer. */
  readonly model: string;
  readonly backend: string;
  readonly modelDigest?: string;
  readonly promptTemplateSha256?: string;
  readonly parameters?: Readonly<Record<string, number | boolean | string>>;
  readonly executionSeconds: number;
};

/**
 * A context check: a model behind a backend, or the built-in rules. Throws TIMEOUT when it did not answer in time, any
 * other error when it could not; both make the decision indeterminate, and the policy says whether that blocks.
 */
export type ContextChecker = {
  /** The model that will be asked. */
  readonly model: string;
  readonly check: (question: ContextQuestion, signal: AbortSignal) => Promise<ContextAnswer>;
};
