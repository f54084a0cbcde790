import { z } from 'zod';
import { safetyLevel } from './decision.ts';
import { count } from './token.ts';

/**
 * What a reviewer is to the run. The request says so, and until there is access control nobody checks it: the record
 * says that too (`role_from`).
 */
export const reviewRole = z.enum([
  'person_concerned',
  'workshop_leader',
  'youth_protection',
  'data_protection',
  'auditor',
  'researcher',
  'engineer',
]);
export type ReviewRole = z.infer<typeof reviewRole>;

/** What a person says of a decision without changing what stands. */
export const annotationJudgement = z.enum(['false_positive', 'false_negative', 'confirmed', 'appeal']);
export const judgement = z.enum(['override', ...annotationJudgement.options]);
export type Judgement = z.infer<typeof judgement>;

/** What an override makes of a decision. */
export const overriddenTo = z.enum(['allow', 'block']);
export type OverriddenTo = z.infer<typeof overriddenTo>;

/** An override rests on words that somebody can be asked about later (invariant I7). */
export const minReasonChars = 10;

export const reviewFacts = {
  /** The event that decided. It is never changed. */
  decision: z.uuid(),
  decision_seq: z.int().min(1),
  judgement,
  /** Of an override alone. */
  to: overriddenTo,
  role: reviewRole,
  role_from: z.enum(['request']),
  /** The reason itself is erasable. */
  reason_chars: count,
  /** The appeal that this answers; an appeal that no review names is open. */
  answers: z.uuid(),
  /** Whether the decision rests on a law list of its policy; absent where its policy is not here to say so. */
  law_based: z.boolean(),
  /** Of the decision. */
  safety_level: safetyLevel,
};
