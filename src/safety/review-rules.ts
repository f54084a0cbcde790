import type { DecisionOutcome, SafetyLevel } from '../events/decision.ts';
import type { LedgerEvent } from '../events/envelope.ts';
import { type Judgement, minReasonChars, type OverriddenTo, type ReviewRole } from '../events/review.ts';

/** What a person wants to record about a decision. */
export type Review = {
  readonly judgement: Judgement;
  /** Of an override: what is to stand. */
  readonly to: OverriddenTo | undefined;
  readonly role: ReviewRole;
  /** HMAC of the reviewer. */
  readonly reviewer: string;
  /** Characters of the reason, without white space around it. */
  readonly reasonChars: number;
  /** The id of an appeal. */
  readonly answers: string | undefined;
};

/** An objection of the person concerned; open until a later review answers it. */
export type Appeal = { readonly id: string; readonly by: string | undefined; readonly isAnswered: boolean };

/** A decision with what people have said of it since. */
export type ReviewedDecision = {
  /** What it lets happen, or what the last override made of that; undefined where the record does not say. */
  readonly stands: OverriddenTo | undefined;
  /** Null where nothing says which; then it counts as the strictest. */
  readonly level: SafetyLevel | null;
  /** Undefined where nobody can say; then it counts as a law. */
  readonly isLaw: boolean | undefined;
  readonly appeals: readonly Appeal[];
};

/** Why a review is refused: nobody in that role may, or the decision is not as the review takes it to be. */
export type ReviewRefusal = {
  readonly kind: 'forbidden' | 'conflict' | 'reason';
  readonly rule: string;
  readonly what: string;
  readonly cure: string;
};

/** Who may change what stands. The others say what they think; the person concerned objects. */
const mayOverride: Readonly<Record<SafetyLevel, readonly ReviewRole[]>> = {
  kids: ['workshop_leader', 'youth_protection'],
  youth: ['workshop_leader', 'youth_protection'],
  adult: ['workshop_leader', 'youth_protection'],
  research: ['workshop_leader', 'youth_protection', 'researcher'],
};
/** Whether a law is broken is not for the leader of a workshop to say. */
const mayOverrideLaw: readonly ReviewRole[] = ['youth_protection'];
const mayAnswer: readonly ReviewRole[] = ['workshop_leader', 'youth_protection', 'data_protection'];

/** What a decision has come to by the reviews of its run. Pure; reviews of other decisions do not count. */
export function reviewedBy(
  { action }: DecisionOutcome,
  decision: string,
  reviews: readonly LedgerEvent[],
): Pick<ReviewedDecision, 'stands' | 'appeals'> {
  const about = reviews.filter(({ core }) => core.facts?.['decision'] === decision);
  const overridden = about.map(({ core }) => core.facts?.['to']).findLast((to) => to !== undefined);
  const answered = new Set(about.map(({ core }) => core.facts?.['answers']));
  return {
    stands: overridden === 'allow' || overridden === 'block' ? overridden : standsBy[action],
    appeals: about
      .filter(({ core }) => core.facts?.['judgement'] === 'appeal')
      .map(({ core }) => ({ id: core.id, by: core.actor?.id, isAnswered: answered.has(core.id) })),
  };
}

const standsBy: Readonly<Record<DecisionOutcome['action'], OverriddenTo | undefined>> = {
  allow: 'allow',
  skip: 'allow',
  modify: 'allow',
  block: 'block',
  unknown: undefined,
};

/**
 * May this be recorded about that decision (invariant I7)? Returns nothing where it may. A review changes no decision and
 * restarts no run. Pure: the same review and state always give the same answer.
 */
export function reviewRefusal(review: Review, decision: ReviewedDecision): ReviewRefusal | undefined {
  return (
    (review.judgement === 'override'
      ? overrideRefusal(review, decision)
      : annotationRefusal(review, decision)) ?? answerRefusal(review, decision)
  );
}

function overrideRefusal(
  { to, role, reasonChars }: Review,
  { stands, level, isLaw }: ReviewedDecision,
): ReviewRefusal | undefined {
  if (reasonChars < minReasonChars) {
    const what = `The reason has ${reasonChars} characters, an override needs ${minReasonChars}`;
    return {
      kind: 'reason',
      rule: 'reason',
      what,
      cure: 'say why, so that somebody can be asked about it later',
    };
  }
  const strictest = level ?? 'kids';
  const isAllowed = to !== 'allow' || isLaw === false ? mayOverride[strictest] : mayOverrideLaw;
  if (to === 'allow' && isLaw !== false && (strictest === 'kids' || strictest === 'youth')) {
    const at = `at level ${level ?? 'unknown, which counts as kids'}`;
    return isLaw === true
      ? forbidden(
          'law_based',
          `A block that rests on a law cannot be overridden ${at}`,
          'record an annotation',
        )
      : forbidden(
          'law_unknown',
          `Nothing here says that no law stands behind this block, so it cannot be overridden ${at}`,
          'publish the policy that it was made under, or record an annotation',
        );
  }
  if (!isAllowed.includes(role)) {
    const cure = `ask ${isAllowed.join(' or ')}, or record an annotation`;
    return forbidden('role', `${role} may not override this decision`, cure);
  }
  if (stands === to) {
    const cure = 'read its reviews; there is nothing to override';
    return conflict('stands_so', `The decision stands as ${to} already`, cure);
  }
  if (stands === undefined) {
    const what = 'The record does not say what this decision led to';
    return conflict('outcome_unknown', what, 'record an annotation');
  }
  return undefined;
}

function annotationRefusal(
  { judgement, role }: Review,
  { stands }: ReviewedDecision,
): ReviewRefusal | undefined {
  if (role === 'person_concerned' && judgement !== 'appeal') {
    const what = `${role} may object to a decision, and not judge it as ${judgement}`;
    return forbidden('role', what, 'record an appeal, or let somebody else judge');
  }
  const about = judgement === 'false_negative' ? 'allow' : judgement === 'confirmed' ? undefined : 'block';
  if (about === undefined || stands === about) return undefined;
  const what = `${judgement} is said of a decision that stands as ${about}, and this one ${stands === undefined ? 'does not say' : `stands as ${stands}`}`;
  return conflict('stands_otherwise', what, 'read the decision and its reviews');
}

function answerRefusal(
  { judgement, answers, role, reviewer }: Review,
  { appeals }: ReviewedDecision,
): ReviewRefusal | undefined {
  if (answers === undefined) return undefined;
  const appeal = appeals.find(({ id }) => id === answers);
  if (appeal === undefined || judgement === 'appeal') {
    const what =
      appeal === undefined ? `${answers} is no appeal against this decision` : 'An appeal answers no appeal';
    return conflict('no_appeal', what, 'name an open appeal of this decision, or leave answers out');
  }
  if (appeal.isAnswered) {
    return conflict(
      'answered',
      `The appeal ${answers} was answered before`,
      'read its answer; a new appeal may follow',
    );
  }
  if (!mayAnswer.includes(role)) {
    return forbidden('role', `${role} may not answer an appeal`, `ask ${mayAnswer.join(' or ')}`);
  }
  return appeal.by === reviewer
    ? forbidden('own_appeal', 'Nobody answers an appeal of their own', 'let another person answer it')
    : undefined;
}

const forbidden = (rule: string, what: string, cure: string): ReviewRefusal => ({
  kind: 'forbidden',
  rule,
  what,
  cure,
});
const conflict = (rule: string, what: string, cure: string): ReviewRefusal => ({
  kind: 'conflict',
  rule,
  what,
  cure,
});
