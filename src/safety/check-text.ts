import { z } from 'zod';
import { type DecisionRecord, decisionRecord, type SafetyLevel } from '../events/decision.ts';
import { seconds, token } from '../events/token.ts';
import type { Usage } from '../events/usage.ts';
import { isLedgerError } from '../errors.ts';
import { decided, type Evidence } from './decided.ts';
import type { ContextAnswer, ContextChecker, ContextHit } from './context-check.ts';
import { type ActivePolicy, listsAt } from './policy.ts';
import type { FilterHit } from './term-filter.ts';

/** One text to be judged, and where in the run it stands. */
export type TextCheck = {
  readonly text: string;
  /** BCP 47, where it is known. */
  readonly language: string | undefined;
  readonly role: DecisionRecord['checked']['role'];
  readonly checkPoint: DecisionRecord['check_point'];
  readonly level: SafetyLevel;
  readonly levelSetBy: DecisionRecord['level_set_by'];
  /** The text that the generation will use, where that is known already. */
  readonly generatedFrom?: string | undefined;
};

export type CheckPorts = {
  readonly policy: ActivePolicy;
  readonly contextCheck: ContextChecker;
  /** An HMAC of a text under the deployment's key, 43 characters of base64url. */
  readonly commitText: (text: string) => string;
  /** Monotonic seconds. */
  readonly clock: () => number;
};

/** The refusal that follows from a decision. */
export type Refusal = {
  readonly reason: string;
  readonly codes: readonly string[];
  /** The terms it rests on; payload. */
  readonly terms: readonly string[];
  /** What the person reads; payload. */
  readonly message: string;
};

/** What one configured check ended in. */
export type CheckedText = {
  /** The full decision record, then found terms, spans, checked text and raw verdict. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly record: DecisionRecord;
  readonly model: string | null;
  readonly backend: string | null;
  readonly executionSeconds: number;
  /** What the model used up, where one was asked and told. */
  readonly usage?: Usage | undefined;
  /** Null where the text may go on. */
  readonly refusal: Refusal | null;
};

/**
 * Judges a text: the fast filter over the lists of the level, then, for hits to be reviewed, the context check
 * (domain.md §5). A hit that the policy blocks at once asks no model. Never throws for a checker that failed: that is a
 * decision too. Throws the signal's reason once aborted.
 */
export async function checkText(
  check: TextCheck,
  ports: CheckPorts,
  signal: AbortSignal,
): Promise<CheckedText> {
  signal.throwIfAborted();
  const { policy, clock } = ports;
  const started = clock();
  const lists = listsAt(policy.document, check.level);
  const { hits } = policy.filter.scan(check.text, new Set(lists.map(({ list }) => list.id)));
  const filterSeconds = clock() - started;
  const ruleOf = (hit: FilterHit): 'review' | 'block' =>
    lists.find(({ list }) => list.id === hit.list)?.rule ?? 'block';
  const needsReview = hits.length > 0 && hits.every((hit) => ruleOf(hit) === 'review');
  const context = needsReview ? await askContext(check, hits, ports, signal) : undefined;
  const evidence: Evidence = { lists, hits, ruleOf, filterSeconds, context };
  return decided(check, evidence, ports, clock() - started);
}

/**
 * What of an answer goes into the core. An answer that does not fit would leave the decision without its facts, so it
 * counts as no answer.
 */
const answerShape = z.object({
  verdict: decisionRecord.shape.verdict,
  native: decisionRecord.shape.native,
  parseStatus: decisionRecord.shape.parse_status.unwrap(),
  raw: z.string().refine((raw) => raw.isWellFormed(), 'has a lone surrogate'),
  model: token,
  modelDigest: decisionRecord.shape.model_digest,
  promptTemplateSha256: decisionRecord.shape.prompt_template_sha256,
  parameters: decisionRecord.shape.parameters,
  executionSeconds: seconds,
});

/** How asking the context check ended. */
export type ContextOutcome =
  | { readonly status: 'answered'; readonly answer: ContextAnswer }
  | { readonly status: 'error' | 'timeout'; readonly executionSeconds: number; readonly failure: string };

async function askContext(
  check: TextCheck,
  hits: readonly FilterHit[],
  { policy, contextCheck, clock }: CheckPorts,
  signal: AbortSignal,
): Promise<ContextOutcome> {
  const scopes = new Map(policy.document.lists.map((list) => [list.id, list.scope]));
  const asked: readonly ContextHit[] = hits.map((hit) => ({ ...hit, scope: scopes.get(hit.list) ?? 'law' }));
  const started = clock();
  try {
    const answer = await contextCheck.check(
      {
        text: check.text,
        language: check.language,
        level: check.level,
        checkPoint: check.checkPoint,
        policy: policy.reference,
        hits: asked,
      },
      signal,
    );
    const shape = answerShape.safeParse(answer);
    if (!shape.success) throw new TypeError(`the answer cannot be recorded: ${shape.error.message}`);
    return { status: 'answered', answer };
  } catch (error) {
    signal.throwIfAborted();
    return {
      status: isLedgerError(error, 'TIMEOUT') ? 'timeout' : 'error',
      executionSeconds: clock() - started,
      failure: error instanceof Error ? error.message : String(error),
    };
  }
}
