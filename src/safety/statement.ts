import type { DecisionRecord, SafetyLevel } from '../events/decision.ts';
import type { LedgerEvent } from '../events/envelope.ts';
import type { Language } from '../events/localized.ts';
import type { OverriddenTo } from '../events/review.ts';
import type { FoundDecision } from './found-decision.ts';
import type { PolicyDocument } from './policy.ts';
import { type Review, reviewsOf } from './statement-reviews.ts';
import { type Rule, rulesOf } from './statement-rules.ts';
import { sectionsOf } from './statement-sections.ts';
import { quotesOf } from './statement-quotes.ts';
import { recordedMember } from './recorded-member.ts';
import { reviewedBy } from './review-rules.ts';

/** What was not done: nothing was made of the input, no output was made, or what was made is not shown. */
export type Refused = 'input_text' | 'input_image' | 'output' | 'medium';

/** Why something was refused, for the person whom it concerns. Plain JSON; the sections say all of it in words. */
export type Statement = {
  readonly execution_id: string;
  readonly sequence_number: number;
  readonly decision_id: string;
  readonly language: Language;
  readonly refused: Refused;
  /** RFC 3339, UTC. */
  readonly decided_at: string;
  /** Null where the record does not say. */
  readonly automated: boolean | null;
  readonly verdict: DecisionRecord['verdict'];
  /** On what ground the block stands; `unknown` in old and foreign records. */
  readonly basis: DecisionRecord['enforcement']['basis'] | 'unknown';
  readonly level: SafetyLevel | null;
  readonly level_set_by: DecisionRecord['level_set_by'];
  readonly policy: (DecisionRecord['policy'] & { readonly name: string | null }) | null;
  readonly rules: readonly Rule[];
  /** What of the person's own words was found. */
  readonly quotes: readonly string[];
  readonly reviews: readonly Review[];
  /** What stands after them. */
  readonly stands: OverriddenTo;
  readonly contact: string | null;
  readonly sections: readonly Section[];
};

export type Section = { readonly heading: string; readonly text: string };

/** What a statement is made of. */
export type Stated = {
  readonly executionId: string;
  /** One that blocks. */
  readonly decision: FoundDecision;
  /** The one that the decision was made under; undefined where it is not here. */
  readonly policy: PolicyDocument | undefined;
  /** All of the run, in order. */
  readonly reviews: readonly LedgerEvent[];
  /** Whom to turn to, where the deployment names somebody. */
  readonly contact: string | undefined;
  readonly language: Language;
};

/**
 * States the reasons of a refusal, in the sense of article 17 of the Digital Services Act and in words for the person
 * whom it concerns. Says nothing that the record does not hold, and says where it does not. Pure and without a clock: the
 * same record, policy, contact and language give the same bytes.
 */
export function statementOf(stated: Stated): Statement {
  const { executionId, decision, policy, contact, language } = stated;
  const { event, outcome, level } = decision;
  const { facts } = event.core;
  const reference = recordedMember(facts, 'policy');
  const steps = recordedMember(facts, 'steps');
  const said = {
    execution_id: executionId,
    sequence_number: event.core.seq,
    decision_id: event.core.id,
    language,
    refused: refusedIn(decision),
    decided_at: event.core.time,
    automated: steps === undefined ? null : steps.every(({ method }) => method !== 'human'),
    verdict: outcome.verdict,
    basis: outcome.basis,
    level,
    level_set_by: recordedMember(facts, 'level_set_by') ?? 'unknown',
    policy: reference === undefined ? null : { ...reference, name: policy?.name[language] ?? null },
    rules: rulesOf(decision, policy, language),
    quotes: quotesOf(decision),
    reviews: reviewsOf(event.core.id, stated.reviews),
    stands: reviewedBy(outcome, event.core.id, stated.reviews).stands ?? 'block',
    contact: contact ?? null,
  } as const;
  return { ...said, sections: sectionsOf(said, decision) };
}

function refusedIn({ event, refusal }: FoundDecision): Refused {
  const { stage, facts } = event.core;
  if (stage === 4 || refusal?.core.stage === 4) return 'medium';
  if (stage === 3) return 'output';
  return recordedMember(facts, 'checked')?.role === 'image' || event.core.media_type === 'image'
    ? 'input_image'
    : 'input_text';
}
