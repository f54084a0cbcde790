import { expect, test } from 'vitest';
import { type SafetyLevel, safetyLevels } from '../../src/events/decision.ts';
import { type OverriddenTo, overriddenTo, type ReviewRole, reviewRole } from '../../src/events/review.ts';
import { reviewRefusal } from '../../src/safety/review-rules.ts';
import {
  eventsOf,
  faultsIn,
  input,
  inputCheck,
  lawFinding,
  override,
  reportOf,
  type RunItem,
  start,
} from '../ledger/checked-runs.ts';

/**
 * Who may override what stands in two places, so that the check does not share what it checks (ADR 0025): in the rules by
 * which a review is accepted, and in the invariant I7. This holds the two together.
 */
type Made = {
  readonly role: ReviewRole;
  readonly level: SafetyLevel | null;
  /** Does a law stand behind it; undefined where nobody can tell. */
  readonly isLaw: boolean | undefined;
  readonly to: OverriddenTo;
};

const everyOverride = (isLaw: Made['isLaw']): readonly Made[] =>
  reviewRole.options.flatMap((role) =>
    [...safetyLevels, null].flatMap((level) =>
      overriddenTo.options.map((to) => ({ role, level, isLaw, to })),
    ),
  );

/** Would it be recorded? */
function isAccepted({ role, level, isLaw, to }: Made): boolean {
  const review = {
    judgement: 'override',
    to,
    role,
    reviewer: 'a',
    reasonChars: 36,
    answers: undefined,
  } as const;
  const stands = to === 'allow' ? 'block' : 'allow';
  return reviewRefusal(review, { stands, level, isLaw, appeals: [] }) === undefined;
}

/** What I7 says of a run in which it was recorded. */
function invariantOf({ role, level, isLaw, to }: Made): unknown {
  const findings = isLaw === true ? [lawFinding] : [{ ...lawFinding, list: 'violence-kids' }];
  const policy = isLaw === undefined ? { policy: { id: 'lost', version: 1, sha256: '00'.repeat(32) } } : {};
  const check = inputCheck({
    ...(to === 'allow' ? { verdict: 'unsafe', findings } : { verdict: 'safe' }),
    ...policy,
    safety_level: level ?? undefined,
  });
  const begin = start(level ?? undefined);
  const begun: RunItem = level === null ? { ...begin, metadata: { config_name: 'dada' } } : begin;
  return faultsIn(reportOf(eventsOf([begun, input, check, override(3, { role, to })])))['I7'];
}

test.each([true, false])('what is accepted keeps I7, and what is not would break it: a law, %s', (isLaw) => {
  const every = everyOverride(isLaw);
  const accepted = every.filter(isAccepted);
  expect(every.filter((made) => invariantOf(made) === undefined)).toEqual(accepted);
  expect(every.filter((made) => JSON.stringify(invariantOf(made)) === '[4]')).toEqual(
    every.filter((made) => !accepted.includes(made)),
  );
  // Neither all nor none: kids, youth, adult, research and unknown, each lifted and made stricter.
  expect([every.length, accepted.length]).toEqual([70, isLaw ? 13 : 22]);
});

test('where nobody can tell whether it is a law, nothing that is accepted breaks I7', () => {
  const accepted = everyOverride(undefined).filter(isAccepted);
  const lifted = accepted.filter(({ to }) => to === 'allow');
  expect(lifted.length).toBeGreaterThan(0);
  expect(lifted.map(invariantOf)).toEqual(lifted.map(() => ({ unproven: [4] })));
  const stricter = accepted.filter(({ to }) => to === 'block');
  expect(stricter.map(invariantOf)).toEqual(stricter.map(() => undefined));
});
