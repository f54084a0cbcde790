import type { TextRequest } from './text-backend.ts';

/**
 * The request's parameters in a server's words: `words` maps ours to its. What is no finite number, or has no word
 * there, is not sent; neither is a seed of null.
 */
export function parametersAs(
  { seed, parameters }: Pick<TextRequest, 'seed' | 'parameters'>,
  words: Readonly<Record<string, string>>,
): Readonly<Record<string, number>> {
  const sent: Record<string, number> = seed === null ? {} : { seed };
  for (const [ours, theirs] of Object.entries(words)) {
    const value = parameters[ours];
    if (typeof value === 'number' && Number.isFinite(value)) sent[theirs] = value;
  }
  return sent;
}
