import type { DecisionRecord, SafetyLevel, TaxonomyReference, Verdict } from '../events/decision.ts';
import type { ModelAnswer } from './ask-model.ts';
import type { PolicyReference } from './policy.ts';
import type { FilterHit } from './term-filter.ts';

/** What a context check is asked: whether a text, and the terms that were found in it, are meant harmfully. */
export type ContextQuestion = {
  readonly text: string;
  /** BCP 47, where it is known. */
  readonly language: string | undefined;
  readonly level: SafetyLevel;
  readonly checkPoint: DecisionRecord['check_point'];
  readonly policy: PolicyReference;
  /** None where the text is judged whatever stands in it: the description of a picture. */
  readonly hits: readonly ContextHit[];
};

/** A hit together with what its list is. */
export type ContextHit = FilterHit & { readonly scope: 'law' | 'level' };

/** Category codes of a model, under the taxonomy that says what they mean. */
export type ContextCodes = {
  readonly taxonomy: TaxonomyReference;
  readonly standing: readonly string[];
  /** Those that the policy does not block at this level. */
  readonly ignored: readonly string[];
};

/** What a context check answered, and what the policy makes of it. */
export type ContextAnswer = Omit<ModelAnswer, 'text' | 'finishReason'> & {
  readonly verdict: Verdict;
  /** Where these terms are harmless; the rest of the hits stands. Read only for `unsafe`; `safe` clears all of them. */
  readonly dismissed: readonly FilterHit[];
  readonly codes?: ContextCodes | undefined;
  /** The verdict's own word, as an identifier; absent where there was none. */
  readonly native?: string | undefined;
  readonly parseStatus: NonNullable<DecisionRecord['parse_status']>;
  /** The whole raw answer. It may quote the text: it goes to the payload. */
  readonly raw: string;
};

/** What will be asked for a question; known before, so that a check that fails still says what it was. */
export type ContextRequest = {
  readonly model: string;
  readonly promptTemplateSha256?: string | undefined;
  readonly parameters?: DecisionRecord['parameters'];
};

/**
 * A context check: a model behind a backend, or the built-in rules. Throws TIMEOUT when it did not answer in time, any
 * other error when it could not; both make the decision indeterminate, and the policy says whether that blocks.
 */
export type ContextChecker = {
  /** The model that is asked, unless {@link request} names another for a question. */
  readonly model: string;
  readonly request?: ((question: ContextQuestion) => ContextRequest) | undefined;
  readonly check: (question: ContextQuestion, signal: AbortSignal) => Promise<ContextAnswer>;
};
