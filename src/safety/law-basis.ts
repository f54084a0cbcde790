import { z } from 'zod';
import { checkFinding } from '../events/decision.ts';
import type { FoundDecision } from './found-decision.ts';
import type { PolicyDocument } from './policy.ts';

/** Whether a law stands behind a decision, and which. */
export type LawBasis = {
  /** Undefined where nobody can say: its policy is not here, or the record does not name what was found. */
  readonly isLaw: boolean | undefined;
  /** The provisions that the policy names: `§86a StGB`. */
  readonly references: readonly string[];
};

/**
 * Does a decision rest on a law? It does where a finding that stands is of a law list of the policy, of a list that names
 * a provision, or of a code of the law checker. `policy` is the very policy that the decision names; undefined where it
 * is not here. What cannot be told is never taken for no. Pure.
 */
export function lawBasisOf({ event, refusal }: FoundDecision, policy: PolicyDocument | undefined): LawBasis {
  const { data: findings } = recordedFindings.safeParse(event.core.facts?.['findings']);
  if (findings === undefined) return { isLaw: saysLaw(refusal) ? true : undefined, references: [] };
  if (findings.length === 0) return { isLaw: false, references: [] };
  if (policy === undefined) return { isLaw: saysLaw(refusal) ? true : undefined, references: [] };
  const lists = findings.flatMap(({ list }) => policy.lists.find(({ id }) => id === list) ?? []);
  const lawful = lists.filter(({ scope, reference }) => scope === 'law' || reference !== undefined);
  const lawTaxonomy = policy.law_checker?.taxonomy.id;
  const isJudged = lawTaxonomy !== undefined && findings.some(({ taxonomy }) => taxonomy?.id === lawTaxonomy);
  // A finding of a list that the policy does not have proves that this is not the policy it was made under.
  const isForeign = findings.some(
    ({ list, taxonomy }) => taxonomy === undefined && !policy.lists.some(({ id }) => id === list),
  );
  const isLaw = lawful.length > 0 || isJudged ? true : isForeign ? undefined : false;
  const references = lawful.flatMap(({ reference }) => reference ?? []);
  return { isLaw, references: [...new Set(references)] };
}

const recordedFindings = z.array(checkFinding);

/** Old records and foreign ones name no list, but their refusal may call the provision by its name. */
function saysLaw(refusal: FoundDecision['refusal']): boolean {
  const { blocked_reason: reason, blocked_codes: codes } = refusal?.core.facts ?? {};
  return /§\s?\d/.test(
    [reason, codes]
      .flat()
      .filter((word) => typeof word === 'string')
      .join(' '),
  );
}
