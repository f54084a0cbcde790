import { z } from 'zod';
import { canonicalBytes } from '../events/canonical.ts';
import type { SafetyLevel } from '../events/decision.ts';
import { sha256Hex } from '../events/digest.ts';
import { localized } from '../events/localized.ts';
import { identifier, token } from '../events/token.ts';
import { LedgerError } from '../errors.ts';
import { checker, type Vision, vision } from './checker-document.ts';
import { compileFilter, type TermFilter } from './term-filter.ts';

const rule = z.enum(['review', 'block']);
const category = z.strictObject({
  id: token,
  name: localized,
  /** What a block for this category is called on the item: `age_inappropriate`, `§86a_violation`. */
  blocked_reason: identifier,
});

const termList = z.strictObject({
  id: token,
  category: token,
  /** A `law` list holds at every level, also where a level's own lists are skipped. */
  scope: z.enum(['law', 'level']),
  /** The provision a law list follows from. */
  reference: z.string().min(1).optional(),
  /** Words or phrases in any script; the filter folds case, width, spacing and simple leet by itself. */
  terms: z.array(z.string().min(1).max(100)).min(1).max(10_000),
  /** What a hit does per level; a level that is absent does not use the list. */
  rules: z.strictObject({
    kids: rule.optional(),
    youth: rule.optional(),
    adult: rule.optional(),
    research: rule.optional(),
  }),
});
export type TermList = z.infer<typeof termList>;

/** A policy as it is published: which terms count at which level, and what follows from a hit (safety-audit.md §3). */
export const policyDocument = z
  .strictObject({
    id: token,
    version: z.int().min(1),
    name: localized,
    taxonomy: z.strictObject({ id: token, version: token, categories: z.array(category).min(1).max(64) }),
    lists: z.array(termList).min(1).max(64),
    /** The model that reviews hits. Without one the built-in context rules do. */
    checker: checker.optional(),
    /** Asked instead wherever a law list was hit: a question about the law, with its exemptions. */
    law_checker: checker.optional(),
    /** The model that says what is in a picture. Without one no picture is looked at. */
    vision: vision.optional(),
    on_checker_failure: z.enum(['fail_closed', 'fail_open']).default('fail_closed'),
    /** Per category: why the rule exists, told to the person whose text was refused. */
    messages: z.record(token, localized),
  })
  .superRefine((policy, context) => {
    const categories = new Set(policy.taxonomy.categories.map((known) => known.id));
    const lists = new Set<string>();
    for (const [index, list] of policy.lists.entries()) {
      const refuse = (member: string, message: string): void =>
        context.addIssue({ code: 'custom', path: ['lists', index, member], message });
      if (lists.has(list.id)) refuse('id', `list ${list.id} stands twice: give each list its own id`);
      if (!categories.has(list.category))
        refuse('category', `category ${list.category} is not in the taxonomy: add it there`);
      if (list.scope === 'level' && list.rules.research !== undefined)
        refuse('rules', 'level research uses law lists only: leave it out, or make this a law list');
      lists.add(list.id);
    }
    const isLawReviewed = policy.lists.some(
      (list) => list.scope === 'law' && Object.values(list.rules).includes('review'),
    );
    if (isLawReviewed && policy.checker?.kind === 'guard' && policy.law_checker === undefined)
      context.addIssue({
        code: 'custom',
        path: ['law_checker'],
        message: 'a guard judges by its own categories and knows no law: add a law_checker of kind judge',
      });
    if (policy.law_checker?.kind === 'guard')
      context.addIssue({
        code: 'custom',
        path: ['law_checker', 'kind'],
        message: 'a guard judges by its own categories and knows no law: ask a judge',
      });
    const [taxonomy, lawTaxonomy] = [policy.checker?.taxonomy, policy.law_checker?.taxonomy];
    if (taxonomy !== undefined && lawTaxonomy !== undefined && taxonomy.id === lawTaxonomy.id)
      context.addIssue({
        code: 'custom',
        path: ['law_checker', 'taxonomy', 'id'],
        message: `taxonomy ${taxonomy.id} is the checker's: give the law_checker's codes one of their own`,
      });
    for (const { id } of policy.taxonomy.categories) {
      if (policy.messages[id] === undefined)
        context.addIssue({ code: 'custom', path: ['messages'], message: `category ${id} has no message` });
    }
  });
export type PolicyDocument = z.infer<typeof policyDocument>;

/** How a decision names the policy it was made under. */
export type PolicyReference = { readonly id: string; readonly version: number; readonly sha256: string };

/** A policy ready to be applied: compiled once, used for every check. */
export type ActivePolicy = {
  readonly document: PolicyDocument;
  readonly reference: PolicyReference;
  /** SHA-256 of each list's canonical JSON, by list id. */
  readonly listDigests: ReadonlyMap<string, string>;
  readonly filter: TermFilter;
};

/** Checks, hashes and compiles a policy document. Throws POLICY_INVALID with a pointer per fault. */
export function activatePolicy(document: unknown): ActivePolicy {
  const parsed = policyDocument.safeParse(document);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({
      pointer: issue.path.map((step) => `/${String(step)}`).join(''),
      detail: issue.message,
    }));
    throw new LedgerError('POLICY_INVALID', { what: errors[0]?.detail ?? 'unreadable' }, { errors });
  }
  const policy = parsed.data;
  return {
    document: policy,
    reference: { id: policy.id, version: policy.version, sha256: documentDigest(policy) },
    listDigests: new Map(policy.lists.map((list) => [list.id, documentDigest(list)])),
    filter: compileFilter(policy.lists),
  };
}

/** The lists that count at a level, with what a hit in each of them does. */
export function listsAt(
  policy: PolicyDocument,
  level: SafetyLevel,
): readonly { readonly list: TermList; readonly rule: 'review' | 'block' }[] {
  return policy.lists.flatMap((list) => {
    const applied = list.rules[level];
    return applied === undefined ? [] : [{ list, rule: applied }];
  });
}

/** How pictures are looked at at a level; undefined where they are not. */
export const visionAt = ({ vision: seen }: PolicyDocument, level: SafetyLevel): Vision | undefined =>
  seen?.levels.includes(level) === true ? seen : undefined;

/** SHA-256 of a document's canonical JSON, hex. */
export const documentDigest = (document: unknown): string => sha256Hex(canonicalBytes(document));
