import { decisionRecord } from './decision.ts';
import { count, hexDigest, identifier } from './token.ts';

/** A replay of decisions as it is asked for: under which policy, over how many runs. The filter may name persons: payload. */
export const replayFacts = { policy: decisionRecord.shape.policy, runs: count };

/** What it came to. Rows stand in a file, known by its digest; every count is of decisions unless it says otherwise. */
export const replayResult = {
  sha256: hexDigest,
  size_bytes: count,
  /** Runs that could not be read. */
  errors: count,
  decisions: count,
  recomputed: count,
  needs_model: count,
  content_erased: count,
  /** Decisions whose record holds no evidence, and that have no row. */
  no_evidence: count,
  /** Decisions that would let pass what was refused. */
  to_allow: count,
  /** Decisions that would refuse what was let pass. */
  to_block: count,
};
export const replayFailure = { error_type: identifier };
