import { z } from 'zod';
import type { FoundDecision } from './found-decision.ts';
import { recordedMember } from './recorded-member.ts';

/** Quotes of one statement at most, and characters of one. */
const maxQuotes = 5;
const maxQuoteChars = 100;

const found = z.object({
  checked_text: z.string(),
  found_at: z.array(
    z.looseObject({
      list: z.string(),
      spans: z.array(z.object({ start: z.int().min(0), end: z.int().min(0) })),
    }),
  ),
});

/**
 * What of the judged text was found, as it was written there, never as the list spells it. The words of the person
 * concerned are quoted at every level: they are known to whoever wrote them. What a model wrote is quoted to grown-ups
 * only, so that no statement teaches a child a word that the rules keep from it. None where the text is erased.
 */
export function quotesOf({ event, level }: FoundDecision): readonly string[] {
  const { facts } = event.core;
  const role = recordedMember(facts, 'checked')?.role;
  const isGrownUp = level === 'adult' || level === 'research';
  if (role === undefined || role === 'image' || (role !== 'user_input' && !isGrownUp)) return [];
  const { data } = found.safeParse(event.payload?.metadata);
  if (data === undefined) return [];
  const lists = new Set(recordedMember(facts, 'findings')?.map(({ list }) => list));
  const quotes = data.found_at
    .filter(({ list }) => lists.has(list))
    .flatMap(({ spans }) => spans.map(({ start, end }) => quoted(data.checked_text.slice(start, end))));
  return [...new Set(quotes)].filter((quote) => quote !== '').slice(0, maxQuotes);
}

/** Without characters that nobody sees or that turn what is seen around. */
const quoted = (text: string): string =>
  Array.from(text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').trim())
    .slice(0, maxQuoteChars)
    .join('');
