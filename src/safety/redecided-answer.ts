import { canonicalText } from '../events/canonical.ts';
import type { Verdict } from '../events/decision.ts';
import { sha256Hex } from '../events/digest.ts';
import type { Checker } from './checker-document.ts';
import { judgeByRules, rulesModel } from './context-rules.ts';
import { type GuardReport, parseGuardAnswer } from './guard-answer.ts';
import { guardVerdict } from './guard-verdict.ts';
import { placeholdersIn } from './prompt-template.ts';
import type { PolicyDocument } from './policy.ts';
import type { Replayed, Why } from './redecide.ts';
import { type Found, listsHit } from './redecided-hits.ts';

/** What a context check says under another policy, or why that cannot be told without asking. */
export type ReplayedAnswer =
  | { readonly verdict: Verdict; readonly why: Why }
  | { readonly status: 'needs_model' | 'content_erased'; readonly why: Why };

/**
 * The answer to the question that the other policy would ask: of the built-in rules, which run again; of a model, where
 * the record holds its answer to the very same question. Nobody is asked.
 */
export function answerUnder(replayed: Replayed, found: Found): ReplayedAnswer {
  const { record, policy } = replayed;
  const step = record.steps.find(({ method }) => method === 'llm_context_check');
  const { checker, law_checker: lawChecker } = policy.document;
  // A house without models has its hits reviewed by the rules, whatever model a policy names.
  if (checker === undefined || record.model_requested === rulesModel) return byRules(replayed, found);
  const asked = found.lists.some(({ list }) => list.scope === 'law') ? (lawChecker ?? checker) : checker;
  if (step === undefined) return { status: 'needs_model', why: 'never_asked' };
  if (!isSameQuestion(asked, replayed, found)) return { status: 'needs_model', why: 'other_question' };
  if (step.status === 'error' || step.status === 'timeout')
    return { verdict: 'indeterminate', why: 'checker_failed' };
  return weighed(asked, replayed);
}

/** Where the text is gone the findings of then say which hits the rules had let stand. */
function byRules({ record, policy }: Replayed, { lists, read }: Found): ReplayedAnswer {
  if (read !== undefined) {
    const scopes = new Map(policy.document.lists.map(({ id, scope }) => [id, scope]));
    const hits = read.hits.map((hit) => ({ ...hit, scope: scopes.get(hit.list) ?? ('law' as const) }));
    return { verdict: judgeByRules({ text: read.text, hits }).verdict, why: 'rules' };
  }
  if (record.model_requested !== rulesModel) return { status: 'content_erased', why: 'text_missing' };
  const standing = new Set(record.findings.map(({ list }) => list));
  return { verdict: lists.some(({ list }) => standing.has(list.id)) ? 'unsafe' : 'safe', why: 'rules' };
}

/** The policy of then says best what was asked; where it is not here, what the record holds of the question does. */
function isSameQuestion(asked: Checker, replayed: Replayed, found: Found): boolean {
  const { record, pinned } = replayed;
  const { model, template, parameters } = asked;
  const before = pinned === undefined ? undefined : askedThen(record, pinned);
  const isSame =
    before === undefined
      ? record.model_requested === model &&
        record.prompt_template_sha256 === sha256Hex(template) &&
        canonicalText(record.parameters ?? {}) === canonicalText(parameters)
      : canonicalText([before.model, before.template, before.parameters]) ===
        canonicalText([model, template, parameters]);
  return isSame && (!placeholdersIn(template).includes('terms') || hasSameTerms(replayed, found));
}

function askedThen(
  record: Replayed['record'],
  { lists, checker, law_checker: lawChecker }: PolicyDocument,
): Checker | undefined {
  const hit = listsHit({ record });
  return lists.some(({ id, scope }) => scope === 'law' && hit.has(id)) ? (lawChecker ?? checker) : checker;
}

function hasSameTerms({ record, kept }: Replayed, { lists, read }: Found): boolean {
  if (read !== undefined) {
    const terms = [...new Set(read.hits.map(({ term }) => term))];
    return canonicalText(terms) === canonicalText(kept?.['found_terms'] ?? null);
  }
  const hit = new Set(lists.map(({ list }) => list.id));
  return [...listsHit({ record })].every((list) => hit.has(list));
}

/** What the checker's categories make of the recorded report. */
function weighed(asked: Checker, { record, kept }: Replayed): ReplayedAnswer {
  const { taxonomy } = asked;
  const own = record.findings.flatMap((finding) => (finding.taxonomy === undefined ? [] : [finding]));
  const ignored = record.ignored_findings.flatMap((finding) =>
    finding.taxonomy === undefined ? [] : [finding],
  );
  const named = [...own, ...ignored];
  if (named.some((finding) => !isOf(taxonomy, finding.taxonomy)))
    return { status: 'needs_model', why: 'other_taxonomy' };
  const native = nativeWords.find((word) => word === record.native);
  const { parse_status: parseStatus } = record;
  if (parseStatus === undefined) return { status: 'needs_model', why: 'answer_missing' };
  const report = { native, codes: named.map(({ category }) => category), parseStatus };
  const ifWords = guardVerdict({ ...report, hasWords: true }, asked, record.safety_level).verdict;
  const ifNone = guardVerdict({ ...report, hasWords: false }, asked, record.safety_level).verdict;
  if (ifWords === ifNone) return { verdict: ifWords, why: 'recorded_answer' };
  const hasWords = hadWords(kept, record, { isCleared: own.length === 0 });
  if (hasWords === undefined) return { status: 'content_erased', why: 'answer_missing' };
  return { verdict: hasWords ? ifWords : ifNone, why: 'recorded_answer' };
}

const nativeWords: readonly GuardReport['native'][] = ['safe', 'unsafe'];
type Taxonomy = { readonly id: string; readonly version: string };
const isOf = (taxonomy: Taxonomy, other: Taxonomy | undefined): boolean =>
  other?.id === taxonomy.id && other.version === taxonomy.version;

/**
 * Did something stand beside the codes? The raw answer says; without it the verdict of then does, where all codes were
 * ignored already. Undefined where neither does.
 */
function hadWords(
  kept: Replayed['kept'],
  { verdict }: Replayed['record'],
  { isCleared }: { readonly isCleared: boolean },
): boolean | undefined {
  const raw = kept?.['raw_verdict'];
  if (typeof raw === 'string') return parseGuardAnswer(raw, { finishReason: undefined }).hasWords;
  return isCleared ? verdict !== 'safe' : undefined;
}
