import { z } from 'zod';
import { count, hexDigest, identifier, keyedDigest, language, seconds, token } from './token.ts';

/** The levels of protection, strictest first. */
export const safetyLevels = ['kids', 'youth', 'adult', 'research'] as const;
export const safetyLevel = z.enum(safetyLevels);
export type SafetyLevel = z.infer<typeof safetyLevel>;

/** Spellings that older clients use for a level. */
export const oldSafetyLevels: Readonly<Record<string, SafetyLevel>> = {
  off: 'research',
  teens: 'youth',
  adults: 'adult',
};

/** Today's word for a level in any spelling; undefined where today's word is no other one. */
export function respeltLevel(level: unknown): SafetyLevel | undefined {
  return typeof level === 'string' && Object.hasOwn(oldSafetyLevels, level)
    ? oldSafetyLevels[level]
    : undefined;
}

export const checkMethods = [
  'fast_filter',
  'llm_context_check',
  'vlm_check',
  'provider_moderation',
  'human',
] as const;

/** Which set of categories a code belongs to: S5 means different things in version 2 and 3 of the same one. */
export const taxonomyReference = z.strictObject({ id: token, version: token });
export type TaxonomyReference = z.infer<typeof taxonomyReference>;

export const checkStep = z.strictObject({
  method: z.enum(checkMethods),
  status: z.enum(['evaluated', 'skipped', 'error', 'timeout', 'unparseable', 'cached']),
  /** What did the checking: `builtin/context-rules`, `ollama/llama-guard3:1b`; absent for the fast filter. */
  model: token.optional(),
  matched: count.optional(),
  /** Those of the policy as they are, those of another taxonomy as `id:version/code`. */
  categories: z.array(token).max(128).optional(),
  /** Where the step asked something else than the record's own question: a vision model to describe. */
  prompt_template_sha256: hexDigest.optional(),
  /** Seconds. */
  duration: seconds,
});

export type CheckStep = z.infer<typeof checkStep>;

export const checkFinding = z.strictObject({
  category: token,
  /** The term list; of a model's or a provider's code, the id of its taxonomy. */
  list: token,
  /** What the category belongs to, where it is not the policy's own taxonomy. */
  taxonomy: taxonomyReference.optional(),
  /** What the policy says a hit in this list, or such a code, does at this level. */
  rule: z.enum(['review', 'block', 'ignore']),
  count,
});

/** Where, on what, by which rule, how, and with what result one configured check ended (safety-audit.md §1). */
export const decisionRecord = z.strictObject({
  check_point: z.enum(['pre_interception', 'pre_output', 'post_output', 'code', 'upload', 'manual']),
  attempt: z.int().min(1),
  supersedes: z.int().min(1).optional(),
  checked: z.strictObject({
    commitment: keyedDigest,
    chars: count,
    lang: language.optional(),
    role: z.enum(['user_input', 'translation', 'interception', 'prompt', 'image']),
  }),
  /** The text that the generation will use, and whether it is the very text that was checked. */
  generated_from: keyedDigest.optional(),
  same_as_checked: z.boolean().optional(),
  policy: z.strictObject({ id: token, version: z.int().min(1), sha256: hexDigest }),
  filter_lists: z.array(z.strictObject({ id: token, sha256: hexDigest })).max(64),
  prompt_template_sha256: hexDigest.optional(),
  taxonomy: taxonomyReference,
  model_requested: token.optional(),
  model_reported: token.optional(),
  model_digest: token.optional(),
  /** Who outside the house was asked: the text has left it. */
  remote_host: token.optional(),
  parameters: z.record(token, z.union([z.number(), z.boolean(), token])).optional(),
  steps: z.array(checkStep).min(1).max(16),
  native: identifier.optional(),
  parse_status: z
    .enum([
      'canonical',
      'lenient',
      'bare_codes',
      'unsafe_without_codes',
      'contradictory',
      'empty',
      'unexpected',
    ])
    .optional(),
  /** One per list and one per code. */
  findings: z.array(checkFinding).max(128),
  ignored_findings: z.array(checkFinding).max(128),
  verdict: z.enum(['safe', 'unsafe', 'indeterminate']),
  enforcement: z.strictObject({
    action: z.enum(['allow', 'block', 'modify', 'skip']),
    basis: z.enum(['evaluated', 'policy_skip', 'fail_open', 'fail_closed', 'override', 'cache']),
  }),
  safety_level: safetyLevel,
  level_set_by: z.enum(['request', 'default', 'workflow', 'unknown']),
});
export type DecisionRecord = z.infer<typeof decisionRecord>;

/**
 * The two members of a check that clients have always read. They are derived, never stored beside the record they
 * follow from: `safe` from the verdict, `method` from the last step.
 */
export function oldCheckMembers(record: Pick<DecisionRecord, 'verdict' | 'steps'>): {
  safe: boolean;
  method: string;
} {
  const last = record.steps.at(-1);
  const method =
    last === undefined
      ? 'none'
      : last.status === 'evaluated'
        ? last.method
        : failedMethod(last.status, last.method);
  return { safe: record.verdict === 'safe', method };
}

const failedMethod = (status: string, method: string): string =>
  status === 'cached' ? method : status === 'skipped' ? 'skipped' : 'llm_check_failed';

export type Verdict = DecisionRecord['verdict'];
export type DecisionOutcome = {
  readonly verdict: Verdict;
  readonly action: DecisionRecord['enforcement']['action'] | 'unknown';
  readonly basis: DecisionRecord['enforcement']['basis'] | 'unknown';
};

/**
 * What a stored check decided. A check without a decision record (old history, a foreign pipeline) proves nothing, so
 * it is indeterminate; only what was done is read from its `safe`, and a failed check that let pass is a fail-open.
 */
export function decisionOutcome(facts: Readonly<Record<string, unknown>> | undefined): DecisionOutcome {
  const recorded = outcomeMembers.safeParse(facts);
  if (recorded.success) return { verdict: recorded.data.verdict, ...recorded.data.enforcement };
  const safe = facts?.['safe'];
  if (typeof safe !== 'boolean') return { verdict: 'indeterminate', action: 'unknown', basis: 'unknown' };
  const failedOpen = safe && facts?.['method'] === 'llm_check_failed';
  return {
    verdict: 'indeterminate',
    action: safe ? 'allow' : 'block',
    basis: failedOpen ? 'fail_open' : 'unknown',
  };
}

const outcomeMembers = z.object({
  verdict: decisionRecord.shape.verdict,
  enforcement: decisionRecord.shape.enforcement,
});
