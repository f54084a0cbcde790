import type { CheckStep, DecisionRecord, TaxonomyReference, Verdict } from '../events/decision.ts';
import type { CheckedText, Refusal } from './check-text.ts';
import type { ContextAnswer, ContextCodes } from './context-check.ts';
import type { Evidence } from './evidence.ts';
import { type Judged, placeOf } from './judged.ts';
import { checkerUnavailableMessage, educationalMessage, messageLanguage } from './message.ts';
import type { ActivePolicy } from './policy.ts';
import type { FilterHit, Span } from './term-filter.ts';

/** More places than these of one term are counted, but not listed. */
const maxSpans = 100;

/**
 * Makes the decision out of the evidence: verdict, enforcement, the full record and the refusal that follows. Pure. An
 * allow stands on a safe verdict, or on the policy's fail_open, which the record then names.
 */
export function decided(
  judged: Judged,
  evidence: Evidence,
  policy: ActivePolicy,
  executionSeconds: number,
): CheckedText {
  const { hits, context } = evidence;
  const verdict = verdictOf(evidence);
  const answer = context?.status === 'answered' ? context.answer : undefined;
  const ignored = verdict === 'safe' ? hits : verdict === 'unsafe' ? (answer?.dismissed ?? []) : [];
  const standing: Standing = { hits: withoutSpans(hits, ignored), codes: answer?.codes };
  const enforcement = enforcementOf(verdict, policy);
  const record: DecisionRecord = {
    ...placeOf(judged),
    attempt: answer?.tries ?? 1,
    policy: policy.reference,
    filter_lists: evidence.lists.map(({ list }) => ({
      id: list.id,
      sha256: policy.listDigests.get(list.id) ?? '',
    })),
    taxonomy: { id: policy.document.taxonomy.id, version: policy.document.taxonomy.version },
    ...askedOf(evidence),
    ...(answer === undefined ? {} : answeredOf(answer)),
    steps: stepsOf(evidence, standing),
    findings: [
      ...findingsOf(standing.hits, evidence),
      ...codeFindings(standing.codes?.standing, standing.codes?.taxonomy, 'block'),
    ],
    ignored_findings: [
      ...findingsOf(ignored, evidence),
      ...codeFindings(standing.codes?.ignored, standing.codes?.taxonomy, 'ignore'),
    ],
    verdict,
    enforcement,
    safety_level: judged.level,
    level_set_by: judged.levelSetBy,
  };
  return {
    metadata: { ...record, ...payloadOf(judged, evidence) },
    record,
    model: answer?.model ?? null,
    backend: answer?.backend ?? null,
    executionSeconds,
    usage: answer?.usage,
    modelDigest: answer?.modelDigest,
    tries: answer?.tries,
    refusal: enforcement.action === 'allow' ? null : refusalOf(judged, verdict, standing, policy),
  };
}

/** What a refusal rests on. */
type Standing = { readonly hits: readonly FilterHit[]; readonly codes: ContextCodes | undefined };

function verdictOf({ hits, context, seen }: Evidence): Verdict {
  const verdict = judgement(hits, context);
  // What was not described may be what matters: that only a finding can settle.
  return verdict === 'safe' && seen?.isWhole === false ? 'indeterminate' : verdict;
}

function judgement(hits: readonly FilterHit[], context: Evidence['context']): Verdict {
  if (context === undefined) return hits.length === 0 ? 'safe' : 'unsafe';
  return context.status === 'answered' ? context.answer.verdict : 'indeterminate';
}

export function enforcementOf(verdict: Verdict, policy: ActivePolicy): DecisionRecord['enforcement'] {
  if (verdict === 'safe') return { action: 'allow', basis: 'evaluated' };
  if (verdict === 'unsafe') return { action: 'block', basis: 'evaluated' };
  return policy.document.on_checker_failure === 'fail_open'
    ? { action: 'allow', basis: 'fail_open' }
    : { action: 'block', basis: 'fail_closed' };
}

/** What was asked; also where nothing came of it. */
function askedOf({
  context,
}: Evidence): Pick<DecisionRecord, 'model_requested' | 'prompt_template_sha256' | 'parameters'> {
  if (context === undefined) return {};
  const { model, promptTemplateSha256, parameters } = context.request;
  return {
    model_requested: model,
    ...(promptTemplateSha256 === undefined ? {} : { prompt_template_sha256: promptTemplateSha256 }),
    ...(parameters === undefined ? {} : { parameters }),
  };
}

const answeredOf = (
  answer: ContextAnswer,
): Pick<DecisionRecord, 'model_reported' | 'parse_status' | 'native' | 'model_digest' | 'remote_host'> => ({
  model_reported: answer.model,
  parse_status: answer.parseStatus,
  ...(answer.native === undefined ? {} : { native: answer.native }),
  ...(answer.modelDigest === undefined ? {} : { model_digest: answer.modelDigest }),
  ...(answer.remoteHost === undefined ? {} : { remote_host: answer.remoteHost }),
});

function stepsOf({ hits, filterSeconds, context, seen }: Evidence, standing: Standing): CheckStep[] {
  const steps = seen === undefined ? [] : [seen.step];
  if (filterSeconds === undefined) return steps;
  steps.push({
    method: 'fast_filter',
    status: 'evaluated',
    matched: countOf(hits),
    categories: categoriesOf(hits),
    duration: filterSeconds,
  });
  if (context === undefined) return steps;
  const method = 'llm_context_check';
  if (context.status !== 'answered') {
    const { status, executionSeconds, request } = context;
    return [...steps, { method, status, model: request.model, duration: executionSeconds }];
  }
  const { verdict, model, executionSeconds } = context.answer;
  const common = { method, model, duration: executionSeconds } as const;
  if (verdict === 'indeterminate') return [...steps, { ...common, status: 'unparseable' }];
  const matched = countOf(standing.hits) + (standing.codes?.standing.length ?? 0);
  return [...steps, { ...common, status: 'evaluated', matched, categories: namedBy(standing) }];
}

/** One finding per list: the core holds codes and counts, the terms stay in the payload. */
function findingsOf(hits: readonly FilterHit[], { lists, ruleOf }: Evidence): DecisionRecord['findings'] {
  return lists.flatMap(({ list }) => {
    const [first, ...more] = hits.filter((hit) => hit.list === list.id);
    if (first === undefined) return [];
    const count = countOf([first, ...more]);
    return [{ category: list.category, list: list.id, rule: ruleOf(first), count }];
  });
}

/** One finding per code of somebody else's taxonomy. */
export const codeFindings = (
  codes: readonly string[] = [],
  taxonomy: TaxonomyReference | undefined,
  rule: 'block' | 'ignore',
): DecisionRecord['findings'] =>
  taxonomy === undefined
    ? []
    : codes.map((category) => ({ category, list: taxonomy.id, taxonomy, rule, count: 1 }));

/** A code as one word that says what it belongs to: `llama_guard:3/S5`. */
export const qualified = ({ id, version }: TaxonomyReference, code: string): string =>
  `${id}:${version}/${code}`;

/** What is left of the hits once the dismissed places are taken out. */
function withoutSpans(hits: readonly FilterHit[], dismissed: readonly FilterHit[]): readonly FilterHit[] {
  const key = (hit: FilterHit, span: Span): string => `${hit.list}\0${hit.term}\0${span.start}`;
  const gone = new Set(dismissed.flatMap((hit) => hit.spans.map((span) => key(hit, span))));
  return hits.flatMap((hit) => {
    const spans = hit.spans.filter((span) => !gone.has(key(hit, span)));
    return spans.length === 0 ? [] : [{ ...hit, spans }];
  });
}

function payloadOf(judged: Judged, { lists, hits, context, seen }: Evidence): Record<string, unknown> {
  const answered = context?.status === 'answered' ? { raw_verdict: context.answer.raw } : {};
  const failure =
    seen?.failure ?? (context === undefined || context.status === 'answered' ? undefined : context.failure);
  return {
    checked_terms: lists.reduce((sum, { list }) => sum + list.terms.length, 0),
    found_terms: [...new Set(hits.map((hit) => hit.term))],
    found_at: hits.map(({ list, term, spans }) => ({ list, term, spans: spans.slice(0, maxSpans) })),
    checked_text: judged.text,
    ...answered,
    ...(failure === undefined ? {} : { checker_failure: failure }),
  };
}

function refusalOf(
  { language, checked }: Judged,
  verdict: Verdict,
  standing: Standing,
  { document }: ActivePolicy,
): Refusal {
  const reader = {
    language: messageLanguage(language),
    medium: checked.role === 'image' ? 'image' : 'text',
  } as const;
  if (verdict === 'indeterminate') {
    const message = checkerUnavailableMessage[reader.medium][reader.language];
    return { reason: 'checker_unavailable', codes: [], terms: [], message };
  }
  const categories = categoriesOf(standing.hits);
  const reasons = document.taxonomy.categories.filter(({ id }) => categories.includes(id));
  return {
    reason: reasons[0]?.blocked_reason ?? 'unsafe',
    codes: namedBy(standing),
    terms: [...new Set(standing.hits.map((hit) => hit.term))],
    message: educationalMessage(document, standing, reader),
  };
}

const countOf = (hits: readonly FilterHit[]): number => hits.reduce((sum, hit) => sum + hit.spans.length, 0);
const categoriesOf = (hits: readonly FilterHit[]): string[] => [...new Set(hits.map((hit) => hit.category))];
const namedBy = ({ hits, codes }: Standing): string[] => [
  ...categoriesOf(hits),
  ...(codes?.standing ?? []).map((code) => (codes === undefined ? code : qualified(codes.taxonomy, code))),
];
