import { z } from 'zod';
import type { LedgerEvent } from '../events/envelope.ts';
import { judgement, overriddenTo, reviewRole } from '../events/review.ts';

/** What a person has said of a decision. Not who: that is known as an HMAC only. */
export type Review = {
  readonly at: string;
  readonly role: z.infer<typeof reviewRole>;
  readonly judgement: z.infer<typeof judgement>;
  readonly to: z.infer<typeof overriddenTo> | null;
};

const recorded = z.object({ decision: z.string(), judgement, role: reviewRole, to: overriddenTo.optional() });

/** The reviews of one decision among those of its run, in order; one that does not say what it is, is left out. */
export const reviewsOf = (decision: string, reviews: readonly LedgerEvent[]): readonly Review[] =>
  reviews.flatMap(({ core }) => {
    const { data } = recorded.safeParse(core.facts);
    if (data?.decision !== decision) return [];
    return [{ at: core.time, role: data.role, judgement: data.judgement, to: data.to ?? null }];
  });
