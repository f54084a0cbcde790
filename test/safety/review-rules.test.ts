import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { safetyLevels } from '../../src/events/decision.ts';
import { judgement, overriddenTo, reviewRole } from '../../src/events/review.ts';
import { type Review, type ReviewedDecision, reviewRefusal } from '../../src/safety/review-rules.ts';

const appeal = '0192c3a0-0000-7000-8000-00000000000a';
const override: Review = {
  judgement: 'override',
  to: 'allow',
  role: 'workshop_leader',
  reviewer: 'leader',
  reasonChars: 40,
  answers: undefined,
};
const annotation: Review = { ...override, judgement: 'false_positive', to: undefined };
const blocked: ReviewedDecision = { stands: 'block', level: 'kids', isLaw: false, appeals: [] };
const allowed: ReviewedDecision = { ...blocked, stands: 'allow' };
const appealed: ReviewedDecision = { ...blocked, appeals: [{ id: appeal, by: 'pupil', isAnswered: false }] };

const ruleOf = (review: Partial<Review>, decision: Partial<ReviewedDecision>): string =>
  reviewRefusal({ ...override, ...review }, { ...blocked, ...decision })?.rule ?? 'recorded';

describe('an override', () => {
  test.each<[string, Partial<Review>, Partial<ReviewedDecision>, string]>([
    ['lets stand what was blocked', {}, {}, 'recorded'],
    ['takes back what was allowed', { to: 'block' }, allowed, 'recorded'],
    ['is refused where that stands already', { to: 'block' }, {}, 'stands_so'],
    ['is refused where that stands already, also of an allow', {}, allowed, 'stands_so'],
    ['is refused where nobody recorded what was decided', {}, { stands: undefined }, 'outcome_unknown'],
    ['needs a reason of 10 characters', { reasonChars: 9 }, {}, 'reason'],
    ['needs no more than that', { reasonChars: 10 }, {}, 'recorded'],
    ['is not for the person concerned', { role: 'person_concerned' }, {}, 'role'],
    ['is not for an auditor, who watches', { role: 'auditor' }, {}, 'role'],
    ['is not for a researcher among children', { role: 'researcher' }, {}, 'role'],
    ['is for a researcher at that level', { role: 'researcher' }, { level: 'research' }, 'recorded'],
    ['of a law at kids is for nobody', { role: 'youth_protection' }, { isLaw: true }, 'law_based'],
    [
      'of a law at youth is for nobody',
      { role: 'youth_protection' },
      { isLaw: true, level: 'youth' },
      'law_based',
    ],
    ['of a law at an unknown level is for nobody', {}, { isLaw: true, level: null }, 'law_based'],
    ['of what may be a law at kids is for nobody', {}, { isLaw: undefined }, 'law_unknown'],
    ['of a law among adults is not for the leader', {}, { isLaw: true, level: 'adult' }, 'role'],
    [
      'of a law among adults is for youth protection',
      { role: 'youth_protection' },
      { isLaw: true, level: 'adult' },
      'recorded',
    ],
    [
      'that makes a law-based decision stricter is never kept back',
      { to: 'block' },
      { ...allowed, isLaw: true },
      'recorded',
    ],
  ])('%s', (_, review, decision, then) => {
    expect(ruleOf(review, decision)).toBe(then);
  });
});

describe('an annotation', () => {
  test.each<[string, Partial<Review>, Partial<ReviewedDecision>, string]>([
    ['calls a block a false positive', {}, {}, 'recorded'],
    ['calls no allow a false positive', {}, allowed, 'stands_otherwise'],
    ['calls an allow a false negative', { judgement: 'false_negative' }, allowed, 'recorded'],
    ['calls no block a false negative', { judgement: 'false_negative' }, {}, 'stands_otherwise'],
    ['confirms either', { judgement: 'confirmed' }, allowed, 'recorded'],
    ['may be short', { reasonChars: 1 }, {}, 'recorded'],
    ['may call a law-based block a mistake', {}, { isLaw: true }, 'recorded'],
    [
      'is an objection of the person concerned',
      { judgement: 'appeal', role: 'person_concerned' },
      {},
      'recorded',
    ],
    ['objects to no allow', { judgement: 'appeal' }, allowed, 'stands_otherwise'],
    ['of the person concerned is nothing but an objection', { role: 'person_concerned' }, {}, 'role'],
    ['answers an appeal', { answers: appeal }, appealed, 'recorded'],
    ['answers what was appealed only', { answers: appeal }, {}, 'no_appeal'],
    ['that is an appeal answers none', { judgement: 'appeal', answers: appeal }, appealed, 'no_appeal'],
    ['answers an appeal for the auditor? no', { role: 'auditor', answers: appeal }, appealed, 'role'],
    ['answers no appeal of its own', { reviewer: 'pupil', answers: appeal }, appealed, 'own_appeal'],
    [
      'answers an appeal once',
      { answers: appeal },
      { appeals: [{ id: appeal, by: 'pupil', isAnswered: true }] },
      'answered',
    ],
  ])('%s', (_, review, decision, then) => {
    expect(ruleOf({ ...annotation, ...review }, decision)).toBe(then);
  });

  test('an override answers an appeal too', () => {
    expect(ruleOf({ answers: appeal }, appealed)).toBe('recorded');
  });
});

describe('of all reviews of all decisions', () => {
  const anyReview = fc.record({
    judgement: fc.constantFrom(...judgement.options),
    to: fc.constantFrom(...overriddenTo.options),
    role: fc.constantFrom(...reviewRole.options),
    reviewer: fc.constantFrom('leader', 'pupil'),
    reasonChars: fc.nat(30),
    answers: fc.constantFrom(undefined, appeal),
  });
  const anyDecision = fc.record({
    stands: fc.constantFrom('allow' as const, 'block' as const, undefined),
    level: fc.constantFrom(...safetyLevels, null),
    isLaw: fc.constantFrom(true, false, undefined),
    appeals: fc.constantFrom([], appealed.appeals),
  });

  test('no override is ever recorded with a short reason, nor of a law-based block for kids or youth (I7)', () => {
    let recorded = 0;
    fc.assert(
      fc.property(anyReview, anyDecision, (review, decision) => {
        fc.pre(review.judgement === 'override' && reviewRefusal(review, decision) === undefined);
        recorded += 1;
        expect(review.reasonChars).toBeGreaterThanOrEqual(10);
        expect(['workshop_leader', 'youth_protection', 'researcher']).toContain(review.role);
        expect(review.to).not.toBe(decision.stands);
        if (review.to === 'allow' && decision.level !== 'adult' && decision.level !== 'research')
          expect(decision.isLaw).toBe(false);
      }),
      { seed: 26, numRuns: 500, maxSkipsPerRun: 1_000 },
    );
    expect(recorded).toBeGreaterThan(100);
  });
});
