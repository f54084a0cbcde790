import type { DecisionRecord, Verdict } from '../events/decision.ts';
import type { CheckedText, CheckPorts, ContextOutcome, Refusal, TextCheck } from './check-text.ts';
import { checkerUnavailableMessage, educationalMessage, messageLanguage } from './message.ts';
import type { ActivePolicy, listsAt } from './policy.ts';
import type { FilterHit, Span } from './term-filter.ts';

/** More places than these of one term are counted, but not listed. */
const maxSpans = 100;

/** What the steps of a check found. */
export type Evidence = {
  readonly lists: ReturnType<typeof listsAt>;
  readonly hits: readonly FilterHit[];
  readonly ruleOf: (hit: FilterHit) => 'review' | 'block';
  readonly filterSeconds: number;
  /** Undefined where no model was to be asked. */
  readonly context: ContextOutcome | undefined;
};

/**
 * Makes the decision out of the evidence: verdict, enforcement, the full record and the refusal that follows. Pure. An
 * allow stands on a safe verdict, or on the policy's fail_open, which the record then names.
 */
export function decided(
  check: TextCheck,
  evidence: Evidence,
  ports: CheckPorts,
  executionSeconds: number,
): CheckedText {
  const { policy } = ports;
  const { hits, context } = evidence;
  const verdict = verdictOf(evidence);
  const answer = context?.status === 'answered' ? context.answer : undefined;
  const ignored = verdict === 'safe' ? hits : verdict === 'unsafe' ? (answer?.dismissed ?? []) : [];
  const standing = withoutSpans(hits, ignored);
  const enforcement = enforcementOf(verdict, policy);
  const record: DecisionRecord = {
    ...placeOf(check, ports),
    policy: policy.reference,
    filter_lists: evidence.lists.map(({ list }) => ({
      id: list.id,
      sha256: policy.listDigests.get(list.id) ?? '',
    })),
    taxonomy: { id: policy.document.taxonomy.id, version: policy.document.taxonomy.version },
    ...(context === undefined ? {} : { model_requested: ports.contextCheck.model }),
    ...(answer === undefined
      ? {}
      : {
          model_reported: answer.model,
          parse_status: answer.parseStatus,
          ...(answer.native === undefined ? {} : { native: answer.native }),
          ...(answer.modelDigest === undefined ? {} : { model_digest: answer.modelDigest }),
          ...(answer.parameters === undefined ? {} : { parameters: { ...answer.parameters } }),
          ...(answer.promptTemplateSha256 === undefined
            ? {}
            : { prompt_template_sha256: answer.promptTemplateSha256 }),
        }),
    steps: stepsOf(evidence, standing, ports.contextCheck.model),
    findings: findingsOf(standing, evidence),
    ignored_findings: findingsOf(ignored, evidence),
    verdict,
    enforcement,
    safety_level: check.level,
    level_set_by: check.levelSetBy,
  };
  return {
    metadata: { ...record, ...payloadOf(check, evidence) },
    record,
    model: answer?.model ?? null,
    backend: answer?.backend ?? null,
    executionSeconds,
    refusal: enforcement.action === 'allow' ? null : refusalOf(check, verdict, standing, policy),
  };
}

function verdictOf({ hits, context }: Evidence): Verdict {
  if (hits.length === 0) return 'safe';
  if (context === undefined) return 'unsafe';
  if (context.status !== 'answered') return 'indeterminate';
  return context.answer.verdict;
}

function enforcementOf(verdict: Verdict, policy: ActivePolicy): DecisionRecord['enforcement'] {
  if (verdict === 'safe') return { action: 'allow', basis: 'evaluated' };
  if (verdict === 'unsafe') return { action: 'block', basis: 'evaluated' };
  return policy.document.on_checker_failure === 'fail_open'
    ? { action: 'allow', basis: 'fail_open' }
    : { action: 'block', basis: 'fail_closed' };
}

/** What was judged. `same_as_checked` compares the commitments, so it is true of what is recorded, not of what was meant. */
function placeOf(
  check: TextCheck,
  { commitText }: CheckPorts,
): Pick<DecisionRecord, 'check_point' | 'attempt' | 'checked' | 'generated_from' | 'same_as_checked'> {
  const commitment = commitText(check.text);
  const from = check.generatedFrom === undefined ? undefined : commitText(check.generatedFrom);
  return {
    check_point: check.checkPoint,
    attempt: 1,
    checked: {
      commitment,
      chars: Array.from(check.text).length,
      ...(check.language === undefined ? {} : { lang: check.language }),
      role: check.role,
    },
    ...(from === undefined ? {} : { generated_from: from, same_as_checked: from === commitment }),
  };
}

function stepsOf(
  { hits, filterSeconds, context }: Evidence,
  standing: readonly FilterHit[],
  requested: string,
): DecisionRecord['steps'] {
  const steps: DecisionRecord['steps'] = [
    {
      method: 'fast_filter',
      status: 'evaluated',
      matched: countOf(hits),
      categories: categoriesOf(hits),
      duration: filterSeconds,
    },
  ];
  if (context === undefined) return steps;
  if (context.status !== 'answered') {
    const { status, executionSeconds } = context;
    return [...steps, { method: 'llm_context_check', status, model: requested, duration: executionSeconds }];
  }
  const { answer } = context;
  const common = {
    method: 'llm_context_check',
    model: answer.model,
    duration: answer.executionSeconds,
  } as const;
  return answer.verdict === 'indeterminate'
    ? [...steps, { ...common, status: 'unparseable' }]
    : [
        ...steps,
        { ...common, status: 'evaluated', matched: countOf(standing), categories: categoriesOf(standing) },
      ];
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

/** What is left of the hits once the dismissed places are taken out. */
function withoutSpans(hits: readonly FilterHit[], dismissed: readonly FilterHit[]): readonly FilterHit[] {
  const key = (hit: FilterHit, span: Span): string => `${hit.list}\0${hit.term}\0${span.start}`;
  const gone = new Set(dismissed.flatMap((hit) => hit.spans.map((span) => key(hit, span))));
  return hits.flatMap((hit) => {
    const spans = hit.spans.filter((span) => !gone.has(key(hit, span)));
    return spans.length === 0 ? [] : [{ ...hit, spans }];
  });
}

function payloadOf(check: TextCheck, { lists, hits, context }: Evidence): Record<string, unknown> {
  const answered = context?.status === 'answered' ? { raw_verdict: context.answer.raw } : {};
  const failed =
    context === undefined || context.status === 'answered' ? {} : { checker_failure: context.failure };
  return {
    checked_terms: lists.reduce((sum, { list }) => sum + list.terms.length, 0),
    found_terms: [...new Set(hits.map((hit) => hit.term))],
    found_at: hits.map(({ list, term, spans }) => ({ list, term, spans: spans.slice(0, maxSpans) })),
    checked_text: check.text,
    ...answered,
    ...failed,
  };
}

function refusalOf(
  check: TextCheck,
  verdict: Verdict,
  standing: readonly FilterHit[],
  { document }: ActivePolicy,
): Refusal {
  const language = messageLanguage(check.language);
  if (verdict === 'indeterminate') {
    const message = checkerUnavailableMessage[language];
    return { reason: 'checker_unavailable', codes: [], terms: [], message };
  }
  const codes = categoriesOf(standing);
  const reasons = document.taxonomy.categories.filter(({ id }) => codes.includes(id));
  return {
    reason: reasons[0]?.blocked_reason ?? 'unsafe',
    codes,
    terms: [...new Set(standing.map((hit) => hit.term))],
    message: educationalMessage(document, standing, language),
  };
}

const countOf = (hits: readonly FilterHit[]): number => hits.reduce((sum, hit) => sum + hit.spans.length, 0);
const categoriesOf = (hits: readonly FilterHit[]): string[] => [...new Set(hits.map((hit) => hit.category))];
