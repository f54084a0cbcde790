import type { Language } from '../events/localized.ts';
import type { DecisionRecord } from '../events/decision.ts';
import type { FoundDecision } from './found-decision.ts';
import type { PolicyDocument } from './policy.ts';
import { recordedMember } from './recorded-member.ts';

/** One rule that a refusal rests on. */
export type Rule = {
  /** A list of words of the policy, a category of a model, or a category of a provider outside the house. */
  readonly kind: 'list' | 'model' | 'provider';
  /** The list, or the taxonomy that the category belongs to. */
  readonly list: string;
  readonly category: string;
  /** What the category is called; null where nobody here knows. */
  readonly name: string | null;
  /** The provision that the list follows from. */
  readonly reference: string | null;
  /** Why the rule exists, in the words of the policy. */
  readonly why: string | null;
  readonly count: number;
};

/** The rules that a decision rests on, in the order of its findings. */
export function rulesOf(
  { event }: FoundDecision,
  policy: PolicyDocument | undefined,
  language: Language,
): readonly Rule[] {
  const { facts } = event.core;
  const isProviders =
    recordedMember(facts, 'steps')?.some(({ method }) => method === 'provider_moderation') === true;
  return (recordedMember(facts, 'findings') ?? []).map((finding) => {
    const { list, category, count, taxonomy } = finding;
    const base = { list, category, count };
    if (taxonomy !== undefined) {
      const name = nameOfCode(finding, policy, language);
      return { kind: isProviders ? 'provider' : 'model', ...base, name, reference: null, why: null };
    }
    return {
      kind: 'list',
      ...base,
      name: policy?.taxonomy.categories.find(({ id }) => id === category)?.name[language] ?? null,
      reference: policy?.lists.find(({ id }) => id === list)?.reference ?? null,
      why: policy?.messages[category]?.[language] ?? null,
    };
  });
}

function nameOfCode(
  { taxonomy, category }: DecisionRecord['findings'][number],
  policy: PolicyDocument | undefined,
  language: Language,
): string | null {
  const known = [policy?.checker, policy?.law_checker].find(
    (one) => one?.taxonomy.id === taxonomy?.id && one?.taxonomy.version === taxonomy?.version,
  );
  return known?.taxonomy.categories.find(({ code }) => code === category)?.name[language] ?? null;
}
