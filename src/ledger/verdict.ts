import type { InvariantId, InvariantStatus } from './invariants.ts';
import type { Malformed } from './read-bundle.ts';

/** What a check came to; the order is that in which the worse one counts. */
export type Outcome = 'malformed' | 'tampered' | 'unpinned' | 'open' | 'incomplete' | 'verified';

/** What `runledger verify` ends with (safety-audit.md §4). */
export const outcomeStatus: Readonly<Record<Outcome, number>> = {
  verified: 0,
  tampered: 1,
  malformed: 2,
  unpinned: 3,
  open: 4,
  incomplete: 5,
};

/** What is wrong, and where: an item of the run by its sequence number, a document by its place in the list. */
export type Fault = {
  readonly code: FaultCode;
  readonly item?: number | undefined;
  readonly document?: number | undefined;
  /** A name or a digest. */
  readonly what?: string | undefined;
};

export type FaultCode =
  /** The checkpoint is that of another log than the bundle says. */
  | 'other_origin'
  /** The key is not one of those that were named. */
  | 'other_key'
  /** No valid signature of the key stands under the checkpoint. */
  | 'bad_signature'
  /** Events and proof do not lead to the signed root. */
  | 'other_root'
  /** No core, or not in its canonical spelling. */
  | 'bad_core'
  /** An event of another stream. */
  | 'foreign_event'
  /** Not the sequence number that is due. */
  | 'wrong_place'
  /** It does not point to the event before it. */
  | 'broken_chain'
  /** A payload that its event does not commit to. */
  | 'wrong_payload'
  /** A document that nothing refers to, or twice the same. */
  | 'needless_document'
  /** A document with another digest than its publication says. */
  | 'wrong_document'
  /** Published only after it was used. */
  | 'late_document'
  /** The heads of the runs are not what the log says they are. */
  | 'wrong_heads'
  /** The list of media is not that of the items. */
  | 'wrong_media_list'
  /** A file under a digest that it does not have. */
  | 'swapped_medium';

/** What was checked of a run, for a person. */
export type Seen = {
  readonly run: string;
  readonly origin: string;
  /** The key that signed, as it is written in public. */
  readonly key: string;
  /** Leaves of the log when it was signed. */
  readonly size: number;
  readonly root: string;
  readonly items: number;
  /** RFC 3339, UTC. */
  readonly from: string;
  readonly to: string;
  /** The item that ended it; undefined while it is open. */
  readonly endedBy: string | undefined;
  readonly payloads: number;
  /** Sequence numbers of the items whose payload is not there. */
  readonly withoutPayload: readonly number[];
  readonly documents: readonly string[];
  /** Documents that facts refer to and that are not there, or are there without their text. */
  readonly missingDocuments: readonly string[];
  readonly media: readonly MediumSeen[];
};

export type MediumSeen = {
  readonly sha256: string;
  readonly items: readonly number[];
  /** Was its file looked at? */
  readonly isChecked: boolean;
};

/** The rules about what a run may do; I9 and I10 are about the record itself, and break as faults. */
export type RuleId = Exclude<InvariantId, 'I9' | 'I10'>;

/** Whether the run kept a rule, as far as the bundle shows. */
export type RuleSeen = {
  readonly id: RuleId;
  readonly status: InvariantStatus;
  /** Of the items that break it, else of those that leave it unproven; the first 1,000. */
  readonly sequence_numbers: readonly number[];
  /** One sentence, in English. */
  readonly detail: string;
};

export type Verdict = {
  readonly outcome: Outcome;
  readonly faults: readonly Fault[];
  readonly malformed?: Malformed;
  readonly seen?: Seen;
  /**
   * I1 to I8, in this order; absent where there is a fault. They decide nothing about the outcome: a broken rule is the true
   * record of something that should not have happened.
   */
  readonly invariants?: readonly RuleSeen[];
};
