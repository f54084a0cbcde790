import { z } from 'zod';
import { type CheckStep, decisionRecord, taxonomyReference } from '../events/decision.ts';
import { seconds, token } from '../events/token.ts';
import { usage } from '../events/usage.ts';
import { isLedgerError } from '../errors.ts';
import type { CheckPorts } from './check-text.ts';
import type { ContextAnswer, ContextHit, ContextQuestion, ContextRequest } from './context-check.ts';
import type { Judged } from './judged.ts';
import { listsAt } from './policy.ts';
import type { FilterHit } from './term-filter.ts';

/** What the steps of a check found. */
export type Evidence = {
  readonly lists: ReturnType<typeof listsAt>;
  readonly hits: readonly FilterHit[];
  readonly ruleOf: (hit: FilterHit) => 'review' | 'block';
  /** Undefined where there was no text to filter. */
  readonly filterSeconds: number | undefined;
  /** Undefined where no model was to be asked. */
  readonly context: ContextOutcome | undefined;
  /** How a picture became the text that was judged. */
  readonly seen?: Seen | undefined;
};

/** How asking the context check ended. */
export type ContextOutcome = { readonly request: ContextRequest } & (
  | { readonly status: 'answered'; readonly answer: ContextAnswer }
  | CheckFailure
);

/** A model that gave no answer; what it failed of may quote the text. */
export type CheckFailure = {
  readonly status: 'error' | 'timeout';
  readonly executionSeconds: number;
  readonly failure: string;
};

/** What came of asking a model to describe a picture. */
export type Seen = {
  readonly step: CheckStep;
  /** Whether the description came, and to its end: what is missing may be what matters. */
  readonly isWhole: boolean;
  readonly failure?: string | undefined;
};

/**
 * The steps of a check: the fast filter over the lists of the level, then the context check, for hits to be reviewed or –
 * `always` – whatever was found. A hit that the policy blocks at once asks no model. Throws the signal's reason once
 * aborted, and nothing else.
 */
export async function evidenceOf(
  judged: Judged,
  { always }: { readonly always: boolean },
  ports: CheckPorts,
  signal: AbortSignal,
): Promise<Evidence> {
  signal.throwIfAborted();
  const { policy, clock } = ports;
  const started = clock();
  const lists = listsAt(policy.document, judged.level);
  const { hits } = policy.filter.scan(judged.text, new Set(lists.map(({ list }) => list.id)));
  const filterSeconds = clock() - started;
  const ruleOf = (hit: FilterHit): 'review' | 'block' =>
    lists.find(({ list }) => list.id === hit.list)?.rule ?? 'block';
  const needsReview = (always || hits.length > 0) && hits.every((hit) => ruleOf(hit) === 'review');
  const context = needsReview ? await askContext(judged, hits, ports, signal) : undefined;
  return { lists, hits, ruleOf, filterSeconds, context };
}

/**
 * What of an answer goes into the core. An answer that does not fit would leave the decision without its facts, so it
 * counts as no answer.
 */
const answerShape = z.object({
  verdict: decisionRecord.shape.verdict,
  native: decisionRecord.shape.native,
  parseStatus: decisionRecord.shape.parse_status.unwrap(),
  codes: z
    .object({
      taxonomy: taxonomyReference,
      standing: z.array(token).max(32),
      ignored: z.array(token).max(32),
    })
    .optional(),
  raw: z.string().refine((raw) => raw.isWellFormed(), 'has a lone surrogate'),
  model: token,
  modelDigest: decisionRecord.shape.model_digest,
  remoteHost: decisionRecord.shape.remote_host,
  tries: z.int().min(1).optional(),
  usage: usage.optional(),
  executionSeconds: seconds,
});

async function askContext(
  judged: Judged,
  hits: readonly FilterHit[],
  { policy, contextCheck, clock }: CheckPorts,
  signal: AbortSignal,
): Promise<ContextOutcome> {
  const scopes = new Map(policy.document.lists.map((list) => [list.id, list.scope]));
  const asked: readonly ContextHit[] = hits.map((hit) => ({ ...hit, scope: scopes.get(hit.list) ?? 'law' }));
  const { text, language, level, checkPoint } = judged;
  const question: ContextQuestion = {
    text,
    language,
    level,
    checkPoint,
    policy: policy.reference,
    hits: asked,
  };
  const request = contextCheck.request?.(question) ?? { model: contextCheck.model };
  const started = clock();
  try {
    const answer = await contextCheck.check(question, signal);
    const shape = answerShape.safeParse(answer);
    if (!shape.success) throw new TypeError(`the answer cannot be recorded: ${shape.error.message}`);
    return { request, status: 'answered', answer };
  } catch (error) {
    return { request, ...failureOf(error, clock() - started, signal) };
  }
}

/** What a decision records of a model that gave no answer. Throws the signal's reason where that is why. */
export function failureOf(error: unknown, executionSeconds: number, signal: AbortSignal): CheckFailure {
  signal.throwIfAborted();
  return {
    status: isLedgerError(error, 'TIMEOUT') ? 'timeout' : 'error',
    executionSeconds,
    failure: (error instanceof Error ? error.message : String(error)).toWellFormed(),
  };
}
