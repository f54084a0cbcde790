import type { Position } from '../event-store/port.ts';
import type { Language } from '../events/localized.ts';
import type { Judgement, OverriddenTo, ReviewRole } from '../events/review.ts';
import type { Statement } from '../safety/statement.ts';

/** A review as a client asks for it. */
export type ReviewRequest = {
  readonly executionId: string;
  /** Of the decision, or of the refusal that followed from it. */
  readonly seq: number;
  readonly judgement: Judgement;
  /** What is to stand; of an override. */
  readonly to?: OverriddenTo | undefined;
  readonly reviewer: { readonly id: string; readonly role: ReviewRole };
  readonly reason: string;
  /** The id of the appeal that this answers. */
  readonly answers?: string | undefined;
  /** Of `If-Match`. */
  readonly expectedVersion?: number | undefined;
  /** The client's own name for this request: the same one is recorded once. */
  readonly idempotencyKey?: string | undefined;
};

export type ReviewRecorded = {
  readonly id: string;
  readonly sequenceNumber: number;
  readonly version: number;
  /** The decision it is about. */
  readonly decision: { readonly id: string; readonly sequenceNumber: number };
  /** What stands now; null where the record does not say. */
  readonly stands: OverriddenTo | null;
  /** Null where an earlier request with the same key recorded it. */
  readonly position: Position | null;
};

/** What people say of decisions, and what is said to the person whom one concerns. */
export type ReviewDesk = {
  /**
   * Records a review beside the decision, which is never changed. Throws EXECUTION_NOT_FOUND, DECISION_NOT_FOUND,
   * REVIEW_FORBIDDEN, REVIEW_CONFLICT, INVALID_REQUEST for the reason, VERSION_MISMATCH, REQUEST_KEY_REUSED, RUN_ERASED.
   */
  readonly record: (request: ReviewRequest, signal: AbortSignal) => Promise<ReviewRecorded>;
  /** Why something was refused, in plain words. Throws EXECUTION_NOT_FOUND, DECISION_NOT_FOUND, NOTHING_REFUSED. */
  readonly statement: (
    wanted: { readonly executionId: string; readonly seq: number; readonly language: Language },
    signal: AbortSignal,
  ) => Promise<Statement>;
};
