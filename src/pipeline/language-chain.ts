import type { RecursionParameters } from './plan.ts';
import { languageNames } from './prompt.ts';
import { pick, type Random } from './random.ts';

const defaultIterations = 8;

/**
 * The languages that a telephone game goes through, one per step. A fixed list is taken as it is, with the final
 * language after it where it does not end there already; otherwise they are drawn from the 15, never the one before
 * again, and the last is the final language.
 */
export function languageChain(
  start: string,
  {
    iterations = defaultIterations,
    languages = [],
    final_language: last = 'en',
    ...rest
  }: RecursionParameters,
  random: Random,
): readonly string[] {
  if (languages.length > 0 && rest.use_random_languages !== true) {
    return languages.at(-1) === last ? languages : [...languages, last];
  }
  const pool = languages.length > 0 ? languages : [...languageNames.keys()];
  const chain: string[] = [];
  while (chain.length < iterations - 1) {
    const before = chain.at(-1) ?? start;
    const isLastDrawn = chain.length === iterations - 2;
    const choices = pool.filter((language) => language !== before && !(isLastDrawn && language === last));
    // A pool too small to keep the rule (one language only) repeats rather than stops.
    chain.push(pick(random, choices.length > 0 ? choices : pool));
  }
  return [...chain, last];
}
