import { z } from 'zod';
import { canonicalText } from '../events/canonical.ts';
import { type DecisionOutcome, decisionRecord, type SafetyLevel } from '../events/decision.ts';
import { sha256Hex } from '../events/digest.ts';
import { enforcementOf } from './decided.ts';
import type { FoundDecision } from './found-decision.ts';
import { type ActivePolicy, type PolicyDocument, visionAt } from './policy.ts';
import { foundUnder } from './redecided-hits.ts';
import { answerUnder } from './redecided-answer.ts';

/** How a recorded decision would have fallen under another policy. */
export type Redecided =
  | { readonly status: 'recomputed'; readonly why: Why; readonly outcome: DecisionOutcome }
  /** It would have asked a model something that none was asked, or what it needs is not there any more. */
  | { readonly status: 'needs_model' | 'content_erased'; readonly why: Why; readonly outcome: null };

/** What a new decision rests on, or what it lacks. */
export type Why =
  | 'nothing_found'
  | 'blocked_at_once'
  | 'rules'
  | 'recorded_answer'
  | 'checker_failed'
  | 'not_described'
  | 'not_checked'
  | 'skipped'
  | 'third_party'
  | 'other_question'
  | 'never_asked'
  | 'other_taxonomy'
  | 'other_description'
  | 'never_described'
  | 'text_missing'
  | 'answer_missing';

/** A decision's record without the members that stand beside it. */
const record = z.object(decisionRecord.shape);
export type RecordedDecision = z.infer<typeof record>;

/** A recorded decision that another policy is applied to. */
export type Replayed = {
  readonly record: RecordedDecision;
  /** Found terms, checked text, raw answer; undefined where erased. */
  readonly kept: Readonly<Record<string, unknown>> | undefined;
  readonly policy: ActivePolicy;
  /** The policy of then; undefined where it is not here. */
  readonly pinned: PolicyDocument | undefined;
  /** Whether the context check is asked whatever was found: of pictures. */
  readonly always: boolean;
};

/**
 * Decides again what was decided, from what is recorded, under another policy and at the level of then. No model is
 * asked: its recorded answer counts where it would have been asked the very same question, with its codes weighed anew;
 * the built-in rules and the word filter, which are ours and always say the same, run over the recorded text. `pinned` is
 * the policy of then, where it is here. Undefined for a decision whose record holds no evidence. Pure: the policy of then
 * gives the decision of then.
 */
export function redecide(
  decision: FoundDecision,
  policy: ActivePolicy,
  pinned: PolicyDocument | undefined,
): Redecided | undefined {
  const { event, form, outcome } = decision;
  if (form === 'skip') return redecideSkip(decision, policy);
  const { data } = record.safeParse(event.core.facts);
  if (data === undefined) return undefined;
  // What a provider or a person decided, no policy of ours decides otherwise.
  if (data.steps.some(({ method }) => method === 'provider_moderation' || method === 'human'))
    return { status: 'recomputed', why: 'third_party', outcome };
  const replayed = { record: data, kept: event.payload?.metadata, policy, pinned, always: false };
  return data.checked.role === 'image' ? redecideImage(replayed) : redecideText(replayed);
}

/** A skip stays one, unless the other policy looks at pictures there. */
function redecideSkip(
  { event, level, outcome }: FoundDecision,
  { document }: ActivePolicy,
): Redecided | undefined {
  const { check_point: checkPoint, reason } = event.core.facts ?? {};
  if (reason === undefined || level === null) return undefined;
  return checkPoint === 'upload' && visionAt(document, level) !== undefined
    ? { status: 'needs_model', why: 'never_described', outcome: null }
    : { status: 'recomputed', why: 'skipped', outcome };
}

function redecideText(replayed: Replayed): Redecided {
  const found = foundUnder(replayed);
  if (found === undefined) return { status: 'content_erased', why: 'text_missing', outcome: null };
  const { policy, always } = replayed;
  if (found.lists.some(({ rule }) => rule === 'block'))
    return recomputed('blocked_at_once', 'unsafe', policy);
  if (found.lists.length === 0 && !always) return recomputed('nothing_found', 'safe', policy);
  const answer = answerUnder(replayed, found);
  return 'verdict' in answer ? recomputed(answer.why, answer.verdict, policy) : { ...answer, outcome: null };
}

function redecideImage(replayed: Replayed): Redecided {
  const { record: recorded, policy, pinned } = replayed;
  const vision = visionAt(policy.document, recorded.safety_level);
  if (vision === undefined) {
    const outcome: DecisionOutcome = { verdict: 'indeterminate', action: 'skip', basis: 'policy_skip' };
    return { status: 'recomputed', why: 'not_checked', outcome };
  }
  const [look, ...more] = recorded.steps;
  const isSame = isSameLook(vision, recorded.safety_level, look, pinned);
  if (!isSame) return { status: 'needs_model', why: 'other_description', outcome: null };
  if (more.length === 0) return recomputed('not_described', 'indeterminate', policy);
  const judged = redecideText({ ...replayed, always: true });
  // What was not described may be what matters: that only a finding can settle.
  return look?.status !== 'evaluated' && judged.outcome?.verdict === 'safe'
    ? recomputed('not_described', 'indeterminate', policy)
    : judged;
}

/** Would the same model have been asked for the same description? */
function isSameLook(
  vision: NonNullable<PolicyDocument['vision']>,
  level: SafetyLevel,
  look: RecordedDecision['steps'][number] | undefined,
  pinned: PolicyDocument | undefined,
): boolean {
  const { levels: _levels, ...asked } = vision;
  const before = pinned === undefined ? undefined : visionAt(pinned, level);
  if (before === undefined)
    return (
      look?.prompt_template_sha256 === sha256Hex(vision.describe_template) && look.model === vision.model
    );
  const { levels: _before, ...askedBefore } = before;
  return canonicalText(asked) === canonicalText(askedBefore);
}

const recomputed = (why: Why, verdict: DecisionOutcome['verdict'], policy: ActivePolicy): Redecided => ({
  status: 'recomputed',
  why,
  outcome: { verdict, ...enforcementOf(verdict, policy) },
});
