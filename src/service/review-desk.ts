import type { LedgerEvent } from '../events/envelope.ts';
import { keyedDigestOf, keyedId } from '../events/ids.ts';
import type { ItemDraft } from '../events/item.ts';
import type { Language } from '../events/localized.ts';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { ReviewDesk, ReviewRecorded, ReviewRequest } from '../http/review-contract.ts';
import type { Recorded, Recorder } from '../run/recorder.ts';
import { streamOf } from '../run/record.ts';
import type { FoundDecision } from '../safety/found-decision.ts';
import { lawBasisOf } from '../safety/law-basis.ts';
import {
  type ReviewedDecision,
  reviewedBy,
  type ReviewRefusal,
  reviewRefusal,
} from '../safety/review-rules.ts';
import { statementOf } from '../safety/statement.ts';
import {
  decisionNamed,
  decisionsOfRun,
  policyOfDecision,
  type PolicyOf,
  reviewsIn,
  type RunDecisions,
} from './decisions-of-run.ts';
import type { ReplaySource } from './replay.ts';

export type ReviewDeskParts = {
  readonly source: ReplaySource;
  readonly recorder: Recorder;
  /** The deployment's key for names of persons. */
  readonly naming: Uint8Array;
  readonly policyOf: PolicyOf;
  /** Whom a person may turn to; undefined where the deployment names nobody. */
  readonly contact: string | undefined;
};

/** How often a review is judged anew when others keep adding to the run first. */
const maxTries = 5;

/**
 * Records what people say of decisions. A review stands on what its run said at one moment, and is appended at exactly that
 * version: two overrides at once are judged one after the other.
 */
export function createReviewDesk(parts: ReviewDeskParts): ReviewDesk {
  const { source, naming, policyOf } = parts;
  const once = async (request: ReviewRequest, signal: AbortSignal): Promise<ReviewRecorded> => {
    const { executionId, seq, expectedVersion } = request;
    const run = await decisionsOfRun(source, executionId, signal);
    const decision = decisionNamed(run, executionId, seq);
    const reviewer = keyedDigestOf(naming, 'reviewer', request.reviewer.id);
    const policy = await policyOfDecision(decision, policyOf);
    const { isLaw } = lawBasisOf(decision, policy?.document);
    const known = knownReview(parts, request, run, reviewer);
    const reviewed: ReviewedDecision = {
      ...reviewedBy(decision.outcome, decision.event.core.id, reviewsIn(run)),
      level: decision.level,
      isLaw,
    };
    // What stands there already was judged when it came.
    const refusal = known === undefined ? reviewRefusal(reviewOf(request, reviewer), reviewed) : undefined;
    if (refusal !== undefined) throw errorOf(executionId, seq, refusal);
    const recorded = await record(parts, request, {
      draft: draftOf(request, decision, known === undefined ? isLaw : lawIn(known)),
      reviewer,
      expectedVersion: known === undefined ? (expectedVersion ?? run.version) : undefined,
    });
    return told(request, decision, recorded, await decisionsOfRun(source, executionId, signal));
  };
  return {
    record: async (request, signal) => {
      for (let tries = 1; ; tries += 1) {
        try {
          return await once(request, signal);
        } catch (error) {
          const isAgain = request.expectedVersion === undefined && tries < maxTries;
          if (!isAgain || !isLedgerError(error, 'VERSION_MISMATCH')) throw error;
        }
      }
    },
    statement: (wanted, signal) => statement(parts, wanted, signal),
  };
}

async function statement(
  { source, policyOf, contact }: ReviewDeskParts,
  { executionId, seq, language }: { executionId: string; seq: number; language: Language },
  signal: AbortSignal,
) {
  const run = await decisionsOfRun(source, executionId, signal);
  const decision = decisionNamed(run, executionId, seq);
  if (decision.outcome.action !== 'block')
    throw new LedgerError('NOTHING_REFUSED', { execution_id: executionId, seq });
  const policy = await policyOfDecision(decision, policyOf);
  return statementOf({
    executionId,
    decision,
    policy: policy?.document,
    reviews: reviewsIn(run),
    contact,
    language,
  });
}

const reviewOf = (
  { judgement, to, reviewer: { role }, reason, answers }: ReviewRequest,
  reviewer: string,
) => ({
  judgement,
  to,
  role,
  reviewer,
  reasonChars: charsIn(reason),
  answers,
});

const charsIn = (reason: string): number => Array.from(reason.trim()).length;

function draftOf(
  { judgement, to, reviewer: { role }, reason, answers }: ReviewRequest,
  { event, level }: FoundDecision,
  isLaw: boolean | undefined,
): ItemDraft {
  const { core } = event;
  return {
    item_type: judgement === 'override' ? 'decision_overridden' : 'decision_annotated',
    stage: core.stage,
    loop_iteration: core.loop_iteration,
    media_type: 'metadata',
    content: reason,
    metadata: {
      decision: core.id,
      decision_seq: core.seq,
      judgement,
      to,
      role,
      // Nobody has checked it: there is no access control yet.
      role_from: 'request',
      reason_chars: charsIn(reason),
      answers,
      law_based: isLaw,
      safety_level: level ?? undefined,
    },
  };
}

/** One and the same request has one id in its run, also where it comes again. */
const clientIdOf = (key: string): string => `review\n${key}`;

/** The review that an earlier request with the same key has recorded. Throws REQUEST_KEY_REUSED for another reviewer's. */
function knownReview(
  { naming }: ReviewDeskParts,
  { executionId, idempotencyKey: key }: ReviewRequest,
  run: RunDecisions,
  reviewer: string,
): LedgerEvent | undefined {
  if (key === undefined) return undefined;
  const id = keyedId(naming, streamOf(executionId), clientIdOf(key));
  const known = reviewsIn(run).find(({ core }) => core.id === id);
  if (known !== undefined && known.core.actor?.id !== reviewer) throw reused();
  return known;
}

const reused = (): LedgerError => new LedgerError('REQUEST_KEY_REUSED', { header: 'Idempotency-Key' });

function lawIn({ core }: LedgerEvent): boolean | undefined {
  const isLaw = core.facts?.['law_based'];
  return typeof isLaw === 'boolean' ? isLaw : undefined;
}

async function record(
  { recorder }: ReviewDeskParts,
  { executionId, idempotencyKey: key }: ReviewRequest,
  wanted: {
    readonly draft: ItemDraft;
    readonly reviewer: string;
    readonly expectedVersion: number | undefined;
  },
): Promise<Recorded> {
  const { draft, reviewer, expectedVersion } = wanted;
  try {
    return await recorder.record({
      executionId,
      // Whoever executes the run: what people say of it is recorded here.
      by: 'own',
      actor: { kind: 'person', id: reviewer },
      run: 'existing',
      items: [{ draft, clientId: key === undefined ? undefined : clientIdOf(key) }],
      expectedVersion,
    });
  } catch (error) {
    if (isLedgerError(error, 'OTHER_CONTENT')) throw reused();
    throw error;
  }
}

function told(
  { executionId }: ReviewRequest,
  { event, outcome }: FoundDecision,
  { sequenceNumbers, position, state }: Recorded,
  run: RunDecisions,
): ReviewRecorded {
  const [sequenceNumber] = sequenceNumbers;
  const reviews = reviewsIn(run);
  const review = reviews.find(({ core }) => core.seq === sequenceNumber);
  if (review === undefined)
    throw new TypeError(`the review of run ${executionId} is not where it was recorded`);
  const { stands } = reviewedBy(outcome, event.core.id, reviews);
  return {
    id: review.core.id,
    sequenceNumber: review.core.seq,
    version: state.version,
    decision: { id: event.core.id, sequenceNumber: event.core.seq },
    stands: stands ?? null,
    position,
  };
}

function errorOf(execution_id: string, seq: number, { kind, rule, what, cure }: ReviewRefusal): LedgerError {
  if (kind === 'reason') {
    const errors = [{ pointer: '/reason', detail: what }];
    return new LedgerError('INVALID_REQUEST', { what, cure }, { errors });
  }
  const params = { execution_id, seq, rule, what, cure };
  return kind === 'forbidden'
    ? new LedgerError('REVIEW_FORBIDDEN', params)
    : new LedgerError('REVIEW_CONFLICT', params);
}
