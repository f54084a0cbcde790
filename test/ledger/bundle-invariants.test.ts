import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Bundle, bundleBytes } from '../../src/ledger/bundle.ts';
import { outcomeStatus, type Verdict } from '../../src/ledger/verdict.ts';
import { verdictText } from '../../src/ledger/verdict-text.ts';
import { verifyBundle } from '../../src/ledger/verify.ts';
import { pinned } from './cases.ts';
import { bundleOf, rulesIn } from './checked-bundles.ts';
import {
  complete,
  final,
  image,
  inLoop,
  input,
  inputCheck,
  lawFinding,
  outputCheck,
  override,
  policy,
  type RunItem,
  start,
  translation,
} from './checked-runs.ts';
import { plants, shape, validRun } from './planted-runs.ts';

/** safety-audit.md §2: the offline verifier checks the invariants too, and they decide nothing about tampering. */

const verdictOn = (bundle: Bundle): Verdict => verifyBundle(bundleBytes(bundle), pinned);
const journey = [start(), input, inputCheck(), translation, final];
const whole = [...journey, outputCheck(1), image(1), complete(8, 1)];
const undisclosed = ({ core, index }: Bundle['events'][number]) => ({ core, index });

test('of every valid run all eight rules hold', () => {
  fc.assert(
    fc.property(shape, (given) => {
      const verdict = verdictOn(bundleOf(validRun(given)));
      expect(verdict.outcome).toBe('verified');
      expect(verdict.invariants?.map(({ id }) => id)).toEqual([
        'I1',
        'I2',
        'I3',
        'I4',
        'I5',
        'I6',
        'I7',
        'I8',
      ]);
      expect(rulesIn(verdict)).toEqual({});
    }),
    { numRuns: 60, seed: 63 },
  );
});

/** The bundle carries the policies that it refers to: of another nobody can tell that it was never published. */
const notCarried = 'a policy that was never published';
const planted = Object.entries(plants).filter(([name]) => name !== notCarried);

test.each(planted)('%s names exactly its rule and its items, and is verified', (_, plant) => {
  fc.assert(
    fc.property(shape, (given) => {
      const { items, broken } = plant(validRun({ ...given, level: 'kids' }));
      const verdict = verdictOn(bundleOf(items));
      expect(rulesIn(verdict)).toEqual(broken);
      expect(outcomeStatus[verdict.outcome]).toBe(0);
    }),
    { numRuns: 15, seed: 64 },
  );
});

test('a failed check that let pass with no policy at all breaks I4', () => {
  const old = { safe: true, method: 'llm_check_failed' };
  const check: RunItem = { ...outputCheck(1), metadata: old };
  const verdict = verdictOn(bundleOf([...journey, check, image(1), complete(8, 1)]));
  expect(rulesIn(verdict)).toEqual({ I1: { unproven: [7] }, I4: [6] });
  expect(verdict.outcome).toBe('verified');
});

describe('what is not here leaves a rule unproven and breaks none', () => {
  test('a policy that the bundle does not carry', () => {
    const lost = { ...policy, sha256: '00'.repeat(32) };
    const verdict = verdictOn(
      bundleOf([...journey, outputCheck(1, { policy: lost }), image(1), complete(8, 1)]),
    );
    expect(rulesIn(verdict)).toEqual({ I4: { unproven: [6] } });
    expect(verdict.outcome).toBe('incomplete');
  });

  test('the text of a policy that says what is a law', () => {
    const bundle = bundleOf([
      ...journey,
      outputCheck(1, { verdict: 'unsafe', findings: [lawFinding] }),
      inLoop(1, 'stage3_blocked'),
      complete(8, 0),
      override(6, { role: 'youth_protection' }),
    ]);
    expect(rulesIn(verdictOn(bundle))).toEqual({ I7: [9] });
    const verdict = verdictOn({ ...bundle, documents: bundle.documents.map(undisclosed) });
    expect(rulesIn(verdict)).toEqual({ I7: { unproven: [9] } });
    expect(verdict.outcome).toBe('incomplete');
  });

  test('the texts of the items, of which no rule says anything', () => {
    const bundle = bundleOf(whole);
    const verdict = verdictOn({ ...bundle, events: bundle.events.map(undisclosed), media: [] });
    expect(verdict.outcome).toBe('incomplete');
    expect(rulesIn(verdict)).toEqual({});
  });

  test('an old import, which names neither steps nor content nor policy', () => {
    const by = { kind: 'importer', id: 'record' } as const;
    const old = [
      input,
      { ...outputCheck(1), metadata: { safe: true, method: 'fast_filter' } },
      image(1),
      complete(4, 1),
    ];
    const verdict = verdictOn(bundleOf(old.map((item) => ({ ...item, by }))));
    expect(rulesIn(verdict)).toEqual({
      I1: { unproven: [3] },
      I3: { unproven: [2] },
      I4: { unproven: [2] },
      I6: { unproven: [] },
    });
    expect(verdict.outcome).toBe('verified');
    expect(verdictText(verdict, 'old.audit.json', 'en')).toContain('I3 unproven (item 2): what could not');
  });

  test('an item that a later version wrote', () => {
    const by = { kind: 'robot' as 'service', id: 'later' };
    const verdict = verdictOn(bundleOf(whole.map((item, at) => (at === 2 ? { ...item, by } : item))));
    expect(verdict.outcome).toBe('verified');
    expect(Object.values(rulesIn(verdict))).toEqual(Array.from({ length: 8 }, () => ({ unproven: [] })));
    expect(verdict.invariants?.[0]?.detail).toContain('Item 3');
  });
});

test('of what was tampered with no rule is said to hold or not', () => {
  const bundle = bundleOf(whole);
  const verdict = verdictOn({ ...bundle, events: bundle.events.slice(0, -1) });
  expect(verdict.outcome).toBe('tampered');
  expect(verdict.invariants).toBeUndefined();
});

describe('in words', () => {
  const broken = verdictOn(bundleOf([...journey, image(1), complete(7, 1), final]));

  test('a line for each rule that is broken, and that this is no tampering', () => {
    const text = verdictText(broken, 'run.audit.json', 'en');
    expect(text).toContain('VERIFIED.');
    expect(text).toContain('Rules         I1 BROKEN (item 6): every output must have been let pass before');
    expect(text).toContain('Rules         I2 BROKEN (item 8): nothing may follow the end');
    expect(text).toContain('A broken rule is no tampering and changes no status');
  });

  test('the same in German', () => {
    const text = verdictText(broken, 'run.audit.json', 'de');
    expect(text).toContain('Regeln        I1 VERLETZT (Eintrag 6): jede Ausgabe muss vorher freigegeben');
    expect(text).toContain('Eine verletzte Regel ist keine Fälschung und ändert den Status nicht');
  });

  test('one line where all rules hold', () => {
    const good = verdictOn(bundleOf(whole));
    expect(verdictText(good, 'run.audit.json', 'en')).toContain('all rules hold (I1–I8)');
    expect(verdictText(good, 'run.audit.json', 'de')).toContain('alle Regeln sind eingehalten (I1–I8)');
    expect(verdictText(good, 'run.audit.json', 'en')).not.toContain('no tampering');
  });

  test('ten items by number, and that there are more', () => {
    const many = Array.from({ length: 12 }, () => final);
    const text = verdictText(verdictOn(bundleOf([...whole, ...many])), 'run.audit.json', 'en');
    expect(text).toContain('I2 BROKEN (items 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, …): nothing');
  });
});
