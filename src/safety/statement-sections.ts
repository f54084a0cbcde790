import type { Language } from '../events/localized.ts';
import type { FoundDecision } from './found-decision.ts';
import { recordedMember } from './recorded-member.ts';
import type { Section, Statement } from './statement.ts';
import { headings, type Said, sayings, timeIn } from './statement-words.ts';

type Facts = Omit<Statement, 'sections'>;

/** The statement in words: what, why, who, on what facts, at which level, what came after, and how to object. */
export function sectionsOf(facts: Facts, decision: FoundDecision): readonly Section[] {
  const { language } = facts;
  const say = sayings[language];
  const texts: Readonly<Record<keyof typeof headings, readonly string[]>> = {
    what: [say.refused[facts.refused], ...(facts.stands === 'allow' ? [say.overriddenSince] : [])],
    why: whyOf(facts, decision, say),
    who: whoOf(facts, decision, say),
    facts: factsOf(facts, decision, say, language),
    level: [
      facts.level === null ? say.levelUnknown : say.level[facts.level],
      facts.level === null ? '' : say.levelSetBy[facts.level_set_by],
    ],
    reviews: facts.reviews.map(({ at, role, judgement, to }) =>
      say.review(timeIn(at, language), say.role[role], say.judgement[to ?? judgement]),
    ),
    objection: [
      say.objection(facts.contact ?? say.nobodyNamed, facts.execution_id, facts.sequence_number),
      say.objectionIsKept,
    ],
  };
  return (Object.keys(headings) as (keyof typeof headings)[])
    .map((name) => ({
      heading: headings[name][language],
      text: texts[name].filter((sentence) => sentence !== '').join(' '),
    }))
    .filter(({ text }) => text !== '');
}

function whyOf(
  { rules, verdict, basis, policy, level }: Facts,
  { event, refusal }: FoundDecision,
  say: Said,
): readonly string[] {
  const policyLine =
    policy === null ? say.noPolicy : say.policy(policy.name ?? policy.id, policy.id, policy.version);
  if (basis === 'unknown')
    return [...toldThen(event.core.stage, level, refusal, say), say.noEvidence, policyLine];
  const listed = rules
    .filter(({ kind }) => kind === 'list')
    .map((rule) =>
      [
        say.list(rule.name ?? rule.category),
        rule.reference === null ? '' : say.reference(rule.reference),
        rule.why ?? '',
      ]
        .filter((part) => part !== '')
        .join(' '),
    );
  const named = (kind: 'model' | 'provider'): readonly string[] =>
    rules.filter((rule) => rule.kind === kind).map(({ name, category }) => name ?? category);
  const [model, provider] = [named('model'), named('provider')];
  const reasons = [
    ...new Set(listed),
    ...(model.length === 0 ? [] : [say.model(model.join(', '))]),
    ...(provider.length === 0 ? [] : [say.provider(provider.join(', '))]),
  ];
  if (verdict === 'indeterminate')
    return [say.checkFailed, ...(listed.length === 0 ? [] : [say.wasToBeReviewed]), policyLine];
  return [...(reasons.length === 0 ? [say.withoutNames] : reasons), policyLine];
}

/** What a person read of their own text then may be said again; what was said of a model's text only to grown-ups. */
function toldThen(
  stage: number | undefined,
  level: Facts['level'],
  refusal: FoundDecision['refusal'],
  say: Said,
): readonly string[] {
  const told = refusal?.payload?.content;
  const isTold = stage === 1 || level === 'adult' || level === 'research';
  return told === undefined || !isTold ? [] : [say.toldThen(told)];
}

function whoOf({ automated, basis }: Facts, { event }: FoundDecision, say: Said): readonly string[] {
  const steps = recordedMember(event.core.facts, 'steps') ?? [];
  if (automated === null) return [say.whoUnknown];
  const by = steps.map(({ method, model }) => say.method[method](model));
  return [
    automated ? say.automated : say.byPerson,
    say.steps(by.join('; ')),
    basis === 'fail_closed' ? say.failClosed : '',
  ];
}

function factsOf(
  { decided_at: at, quotes }: Facts,
  { event }: FoundDecision,
  say: Said,
  language: Language,
): readonly string[] {
  const { core, payload } = event;
  const checked = recordedMember(core.facts, 'checked');
  const when = say.decidedAt(timeIn(at, language));
  if (checked === undefined) return [when];
  const judged =
    checked.role === 'image'
      ? say.judgedImage
      : say.judgedText[checked.role === 'user_input' ? 'own' : 'made'](checked.chars);
  const isErased = payload === null && core.payload !== undefined;
  return [when, judged, isErased ? say.erased : quotes.length > 0 ? say.quotes(quotes) : ''];
}
