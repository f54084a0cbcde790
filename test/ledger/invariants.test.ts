import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { catalogued } from '../../src/events/catalogue.ts';
import { decisionOutcome } from '../../src/events/decision.ts';
import { checkOutcome } from '../../src/ledger/check-outcome.ts';
import { createInvariantCheck, invariantIds } from '../../src/ledger/invariants.ts';
import {
  complete,
  eventsOf,
  faultsIn,
  final,
  image,
  inLoop,
  input,
  inputCheck,
  iteration,
  lawFinding,
  note,
  otherText,
  outputCheck,
  override,
  policy,
  published,
  reportOf,
  type RunItem,
  skip,
  start,
  translation,
} from './checked-runs.ts';

const opening = [start(), input, inputCheck(), translation];
const importer = { kind: 'importer', id: 'record' } as const;
const faults = (...items: readonly RunItem[]): Readonly<Record<string, unknown>> =>
  faultsIn(reportOf(eventsOf(items)));
const detailOf = (id: string, ...items: readonly RunItem[]): string | undefined =>
  reportOf(eventsOf(items)).find((result) => result.id === id)?.detail;

/** Two outputs side by side, the second of which a person let pass afterwards. */
const whole = [
  ...opening,
  iteration(1),
  iteration(2),
  final,
  outputCheck(1),
  outputCheck(2, { verdict: 'unsafe' }),
  image(1),
  inLoop(2, 'stage3_blocked', { blocked_reason: 'violence', safety_level: 'kids' }),
  complete(12, 1),
  note('usage_recorded'),
  override(9),
];

test('a whole run passes all ten, each with a sentence of what it holds over', () => {
  const results = reportOf(eventsOf(whole));
  expect(results.map(({ id }) => id)).toEqual(invariantIds);
  expect(faultsIn(results)).toEqual({});
  for (const { detail, rule } of results) expect(`${detail} ${rule}`).toMatch(/^\S.*\. \S.*\.$/);
});

describe('I1: every output has an earlier decision or recorded skip for the same loop_iteration, on the same content', () => {
  test('a decision of another output does not count, and neither does a later one', () => {
    expect(faults(...opening, final, outputCheck(1), image(2))).toEqual({ I1: [7] });
    expect(faults(...opening, final, image(1), outputCheck(1))).toEqual({ I1: [6], I6: [7] });
  });
  test('an output against its decision', () => {
    expect(faults(...opening, final, outputCheck(1, { verdict: 'unsafe' }), image(1))).toEqual({ I1: [7] });
    expect(detailOf('I1', ...opening, final, outputCheck(1, { verdict: 'unsafe' }), image(1))).toBe(
      'Output 1 (item 7, output_image) was delivered although item 6 refused it.',
    );
  });
  test('an output that a look at the medium refused', () => {
    const refused = inLoop(1, 'stage4_safety_check', outputCheck(1, { verdict: 'unsafe' }).metadata ?? {});
    expect(faults(...opening, final, outputCheck(1), refused, image(1))).toEqual({ I1: [8] });
  });
  test('a decision on another text than the output was made from', () => {
    expect(faults(...opening, final, outputCheck(1, otherText), image(1), image(1))).toEqual({ I1: [7, 8] });
  });
  test('a recorded skip stands for the decision, and turns no refusal into a pass', () => {
    expect(faults(...opening, final, skip(1), image(1))).toEqual({});
    expect(faults(...opening, final, outputCheck(1, { verdict: 'unsafe' }), skip(1), image(1))).toEqual({
      I1: [8],
    });
  });
});

describe('I2: nothing after the end but what may follow it', () => {
  test('usage, reviews and late results may; a step of the journey, a second end and an unknown type may not', () => {
    const late = [final, complete(6, 0), note('wikipedia_lookup')];
    const after = [note('usage_recorded'), note('late_result_discarded'), note('recorder_gap')];
    expect(faults(...opening, complete(5, 0), ...after)).toEqual({});
    expect(faults(...opening, complete(5, 0), ...late)).toEqual({ I2: [6, 7, 8] });
  });
});

describe('I3: what was let pass was found safe and no step failed, unless the record names the exception', () => {
  const failed = (status: string) => ({
    steps: [{ method: 'llm_context_check', status, model: 'guard', duration: 1 }],
  });
  test.each(['error', 'timeout', 'unparseable'])('a step that ended in %s', (status) => {
    expect(faults(start(), input, inputCheck(failed(status)))).toEqual({ I3: [3] });
  });
  test('an answer that nobody could read, and a verdict that is not safe', () => {
    expect(faults(start(), input, inputCheck({ parse_status: 'contradictory' }))).toEqual({ I3: [3] });
    const allowed = { enforcement: { action: 'allow', basis: 'evaluated' } };
    expect(faults(start(), input, inputCheck({ verdict: 'indeterminate', ...allowed }))).toEqual({ I3: [3] });
  });
  test.each(['fail_open', 'policy_skip', 'override'])('the exception %s is named, so it holds', (basis) => {
    const enforcement = { action: 'allow', basis };
    const check = inputCheck({ ...failed('timeout'), verdict: 'indeterminate', enforcement });
    expect(faults(start(), input, check)).toEqual({});
  });
  test('a refusal may rest on a failed step', () => {
    expect(faults(start(), input, inputCheck({ ...failed('error'), verdict: 'indeterminate' }))).toEqual({});
  });
});

describe('I4: every policy that is referred to was published before', () => {
  const other = { ...policy, version: 4 };
  test('by a start, a decision, a skip', () => {
    const begins = { ...start(), metadata: { ...start().metadata, policy: other } };
    const skipped = {
      ...skip(1),
      metadata: { ...skip(1).metadata, policy: { ...policy, sha256: 'cd'.repeat(32) } },
    };
    expect(faults(begins, input, inputCheck({ policy: other }), translation, final, skipped)).toEqual({
      I4: [1, 3, 6],
    });
  });
  test('where nobody can tell, it is unproven', () => {
    const results = reportOf(eventsOf([start(), input, inputCheck()]), () => undefined);
    expect(faultsIn(results)).toEqual({ I4: { unproven: [1, 3] } });
  });
  test('an old check that failed and let pass had no published policy that allows it', () => {
    const old = { ...inputCheck(), metadata: { safe: true, method: 'llm_check_failed' }, by: importer };
    const ended = { ...complete(4, 0), by: importer };
    expect(faults({ ...start(), by: importer }, { ...input, by: importer }, old, ended)).toEqual({ I4: [3] });
  });
});

describe('I5: recorded times and places never go back', () => {
  test('a time before the one of the item before; the same time is none', () => {
    const at = (second: number, item: RunItem): RunItem => ({
      ...item,
      time: `2026-03-01T10:00:0${second}.000Z`,
    });
    expect(faults(at(1, start()), at(2, input), at(1, inputCheck()), at(1, translation))).toEqual({
      I5: [3],
    });
  });
  test('a place in the log before the one of the item before', () => {
    const events = eventsOf(opening).map((event) => ({ ...event, follows: event.core.seq !== 3 }));
    expect(faultsIn(reportOf(events))).toEqual({ I5: [3] });
  });
});

describe('I6: stages stand in order, iterations count without gaps', () => {
  test('a gap, a repetition and a missing number', () => {
    const unnumbered = { ...iteration(1), stage_iteration: null };
    expect(faults(...opening, iteration(1), iteration(3), iteration(4))).toEqual({ I6: [6] });
    expect(faults(...opening, iteration(1), iteration(1))).toEqual({ I6: [6] });
    expect(faults(...opening, unnumbered)).toEqual({ I6: [5] });
  });
  test('a translation after the final text, and a final text after the check of an output', () => {
    expect(faults(start(), input, inputCheck(), final, translation)).toEqual({ I6: [5] });
    expect(faults(...opening, outputCheck(1), final)).toEqual({ I6: [6] });
  });
  test('a check of the translation, as old records have it, stands in order', () => {
    expect(faults(start(), input, translation, inputCheck(), final)).toEqual({});
  });
  test('outputs side by side are in order each for itself', () => {
    expect(faults(...opening, final, outputCheck(1), image(1), outputCheck(2), image(2))).toEqual({});
  });
  test('a provider that refuses late breaks no order', () => {
    const refusal = inputCheck({ verdict: 'unsafe' });
    const blocked = {
      item_type: 'stage1_blocked',
      stage: 1,
      metadata: { blocked_reason: 'provider_moderation' },
    };
    expect(faults(...opening, iteration(1), refusal, blocked)).toEqual({});
  });
  test('a run that begins twice', () => {
    expect(faults(start(), input, start())).toEqual({ I6: [3] });
  });
});

describe('I7: an override has a person in the right role and a reason, and lifts no law-based block for kids or youth', () => {
  const blocked = (level: string, more: Record<string, unknown> = {}): RunItem[] => [
    start(level),
    input,
    inputCheck({ verdict: 'unsafe', safety_level: level, ...more }),
    { item_type: 'stage1_blocked', stage: 1, metadata: { blocked_reason: 'violence', safety_level: level } },
  ];
  const law = { findings: [lawFinding] };
  test('no person, too short a reason, a role that may not, a decision that is not there', () => {
    const overrides = [
      { ...override(3), by: { kind: 'service', id: 'orchestrator' } as const },
      override(3, { reason_chars: 9 }),
      override(3, { role: 'engineer' }),
      override(3, { role: undefined }),
      override(2),
      override(3),
    ];
    expect(faults(...blocked('kids'), ...overrides)).toEqual({ I7: [5, 6, 7, 8, 9] });
  });
  test.each(['kids', 'youth'])(
    'a law-based block at level %s is lifted by nobody, by its check or by its block',
    (level) => {
      const overrides = [
        override(3, { role: 'youth_protection' }),
        override(4, { role: 'youth_protection' }),
      ];
      expect(faults(...blocked(level, law), ...overrides)).toEqual({ I7: [5, 6] });
    },
  );
  test('at level adult by youth protection alone', () => {
    expect(faults(...blocked('adult', law), override(3), override(3, { role: 'youth_protection' }))).toEqual({
      I7: [5],
    });
  });
  test('what forbids more lifts nothing, and other judgements are no override', () => {
    const stricter = override(3, { to: 'block' });
    const appeal = override(3, {
      judgement: 'appeal',
      role: 'person_concerned',
      reason_chars: 2,
      to: undefined,
    });
    expect(faults(...blocked('kids', law), stricter, appeal)).toEqual({});
  });
  test('an old block that names its provision, and one of which nobody knows', () => {
    const old = (blocked_reason: string): RunItem[] => [
      start(),
      input,
      { item_type: 'stage1_blocked', stage: 1, metadata: { blocked_reason } },
    ];
    expect(faults(...old('§86a_violation'), override(3))).toEqual({ I7: [4] });
    expect(faults(...old('violence'), override(3))).toEqual({ I7: { unproven: [4] } });
  });
});

describe('I8: the counts of the end are those of the record', () => {
  test('too many items, too few outputs', () => {
    expect(faults(...opening, final, outputCheck(1), image(1), complete(9, 1))).toEqual({ I8: [8] });
    expect(faults(...opening, final, outputCheck(1), image(1), complete(8, 2))).toEqual({ I8: [8] });
  });
  test('what follows the end does not count', () => {
    expect(faults(...opening, complete(5, 0), note('usage_recorded'))).toEqual({});
  });
  test('an import that nothing ended proves no count', () => {
    const imported = [start(), input, inputCheck()].map((item) => ({ ...item, by: importer }));
    expect(faults(...imported)).toEqual({ I8: { unproven: [] } });
  });
});

describe('I9: every payload opens its commitment, unless erased', () => {
  const withPayload = (payload: 'broken' | 'erased' | 'undisclosed') =>
    eventsOf(opening).map((event) => (event.payload === 'none' ? event : { ...event, payload }));
  test('erased is fine and counted', () => {
    const results = reportOf(withPayload('erased'));
    expect(faultsIn(results)).toEqual({});
    expect(results.at(8)?.detail).toBe('3 payloads, of which 3 are erased.');
  });
  test('what does not open fails, what is not shown is unproven', () => {
    expect(faultsIn(reportOf(withPayload('broken')))).toEqual({ I9: [1, 2, 4] });
    expect(faultsIn(reportOf(withPayload('undisclosed')))).toEqual({ I9: { unproven: [1, 2, 4] } });
  });
});

describe('I10: numbers are contiguous and the chain is unbroken', () => {
  const events = eventsOf(whole);
  const check = (changed: readonly (typeof events)[number][]) => faultsIn(reportOf(changed))['I10'];
  test('an item that is missing, twice there, or of another run', () => {
    expect(check(events.filter(({ core }) => core.seq !== 4))).toEqual([5]);
    expect(check(events.flatMap((event) => (event.core.seq === 13 ? [event, event] : [event])))).toEqual([
      13,
    ]);
    const foreign = events.map((event) =>
      event.core.seq === 13 ? { ...event, core: { ...event.core, stream: 'run-other' } } : event,
    );
    expect(check(foreign)).toEqual([13]);
  });
  test('a changed item breaks the link of the next', () => {
    const changed = events.map((event) =>
      event.core.seq === 3 ? { ...event, hash: events[0]?.hash ?? '' } : event,
    );
    expect(check(changed)).toEqual([4]);
  });
  test('bytes that say nothing are named, and the reading goes on behind them', () => {
    const reading = createInvariantCheck({ attributesOf: catalogued, policyOf: published });
    for (const event of events) {
      if (event.core.seq === 2) reading.unreadable(2, 'its bytes are no JSON');
      else reading.see(event);
    }
    expect(faultsIn(reading.report())).toEqual({ I10: [2] });
  });
});

test('kept history that proves less says so, and is no violation', () => {
  const old = (item: RunItem, metadata = item.metadata): RunItem => ({ ...item, by: importer, metadata });
  const record = [
    old(input),
    old(outputCheck(1), { safe: true, method: 'fast_filter' }),
    old(image(1)),
    old(complete(4, 1)),
  ];
  expect(faults(...record)).toEqual({
    I1: { unproven: [3] },
    I3: { unproven: [2] },
    I4: { unproven: [2] },
    I6: { unproven: [] },
  });
  expect(faults(old(start()), old(input), old(complete(3, 0)))).toEqual({
    I3: { unproven: [] },
  });
});

test('a check that goes on from its saved state tells the same, wherever it was saved', () => {
  const events = eventsOf([
    ...opening,
    iteration(2),
    final,
    image(1),
    outputCheck(2),
    image(2),
    complete(9, 1),
    final,
  ]);
  const expected = reportOf(events);
  expect(Object.keys(faultsIn(expected))).toEqual(['I1', 'I2', 'I6', 'I8']);
  const reading = { attributesOf: catalogued, policyOf: published };
  for (let end = 0; end <= events.length; end++) {
    const first = createInvariantCheck(reading);
    for (const event of events.slice(0, end)) first.see(event);
    const second = createInvariantCheck(reading, JSON.parse(JSON.stringify(first.state())));
    for (const event of events.slice(end)) second.see(event);
    expect(second.report()).toEqual(expected);
  }
});

test('outcomes are read by hand as the schema reads them', () => {
  const words = [
    'safe',
    'unsafe',
    'indeterminate',
    'allow',
    'block',
    'skip',
    'modify',
    'evaluated',
    'fail_open',
  ];
  const word = fc.oneof(fc.constantFrom<unknown>(...words, true, false, null, 7, 'llm_check_failed'));
  const facts = fc.record(
    {
      verdict: word,
      enforcement: fc.oneof(word, fc.record({ action: word, basis: word }, { requiredKeys: [] })),
      safe: word,
      method: word,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(facts, (given) => {
      const { isRecorded: _, ...outcome } = checkOutcome(given);
      expect(outcome).toEqual(decisionOutcome(given));
    }),
    { numRuns: 2_000, seed: 6 },
  );
});
