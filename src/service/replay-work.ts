import { createHash } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import { LedgerError } from '../errors.ts';
import type { ReplayRow } from '../http/replay-contract.ts';
import { decisionsIn, type FoundDecision } from '../safety/found-decision.ts';
import type { ActivePolicy } from '../safety/policy.ts';
import { redecide } from '../safety/redecide.ts';
import { decisionsOfRun, policyOfDecision, type PolicyOf } from './decisions-of-run.ts';
import { type ExportFolder, linesOf, type SelectedRun } from './export-folder.ts';
import type { ReplaySource } from './replay.ts';

export type ReplayWorkParts = {
  readonly source: ReplaySource;
  readonly policyOf: PolicyOf;
  readonly log: FastifyBaseLogger;
};

type Progress = { readonly done: number; readonly errors: number };

/**
 * Decides the decisions of every selected run again, each run as it stood when it was selected, and writes a row for each.
 * May be stopped, or die, at any point and be called again: the same policy and runs give the same rows. Rejects with the
 * signal's reason and with faults of the folder; a run that cannot be read is counted, and logged.
 */
export async function workAtReplay(
  parts: ReplayWorkParts,
  policy: ActivePolicy,
  folder: ExportFolder,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const counts = {
    decisions: 0,
    recomputed: 0,
    needs_model: 0,
    content_erased: 0,
    no_evidence: 0,
    to_allow: 0,
    to_block: 0,
  };
  let progress: Progress = { done: 0, errors: 0 };
  async function* rows(): AsyncGenerator<ReplayRow> {
    for await (const run of folder.selection(signal)) {
      signal.throwIfAborted();
      const found = await readDecisions(parts, run, signal);
      for (const decision of found ?? []) {
        const row = await rowOf(parts, run, decision, policy);
        counts.decisions += 1;
        if (row === undefined) {
          counts.no_evidence += 1;
          continue;
        }
        counts[row.status] += 1;
        if (isChanged(row)) counts[row.new?.action === 'block' ? 'to_block' : 'to_allow'] += 1;
        yield row;
      }
      progress = { done: progress.done + 1, errors: progress.errors + (found === undefined ? 1 : 0) };
      onProgress(progress);
    }
  }
  const hash = createHash('sha256');
  let sizeBytes = 0;
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const lines of linesOf(rows())) {
      const bytes = Buffer.from(lines);
      hash.update(bytes);
      sizeBytes += bytes.byteLength;
      yield bytes;
    }
  }
  await folder.write('rows.ndjson', measured(), signal);
  return { ...counts, errors: progress.errors, sha256: hash.digest('hex'), size_bytes: sizeBytes };
}

/** Undefined for a run that cannot be read. */
async function readDecisions(
  { source, log }: ReplayWorkParts,
  { executionId, version }: SelectedRun,
  signal: AbortSignal,
): Promise<readonly FoundDecision[] | undefined> {
  try {
    return decisionsIn((await decisionsOfRun(source, executionId, signal, version + 1)).events);
  } catch (error) {
    signal.throwIfAborted();
    // A store that is away is away for every run.
    if (!(error instanceof LedgerError) || error.retryable) throw error;
    log.warn({ err: error, execution_id: executionId }, 'the decisions of a run cannot be decided again');
    return undefined;
  }
}

async function rowOf(
  { policyOf }: ReplayWorkParts,
  { executionId }: SelectedRun,
  decision: FoundDecision,
  policy: ActivePolicy,
): Promise<ReplayRow | undefined> {
  const pinned = await policyOfDecision(decision, policyOf);
  const redecided = redecide(decision, policy, pinned?.document);
  if (redecided === undefined) return undefined;
  const { event, outcome, level } = decision;
  return {
    execution_id: executionId,
    sequence_number: event.core.seq,
    item_type: event.type,
    safety_level: level,
    status: redecided.status,
    why: redecided.why,
    old: outcome,
    new: redecided.outcome,
  };
}

/** Would what was refused be let pass, or the other way round? */
export const isChanged = ({ old, new: other }: Pick<ReplayRow, 'old' | 'new'>): boolean =>
  other !== null && (old.action === 'block') !== (other.action === 'block');
