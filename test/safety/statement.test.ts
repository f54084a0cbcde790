import { beforeAll, describe, expect, test } from 'vitest';
import { canonicalText } from '../../src/events/canonical.ts';
import type { LedgerEvent } from '../../src/events/envelope.ts';
import { languages } from '../../src/events/localized.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { decisionAt, decisionsIn, type FoundDecision } from '../../src/safety/found-decision.ts';
import { type Stated, statementOf } from '../../src/safety/statement.ts';
import { htmlStatement, plainStatement } from '../../src/safety/statement-text.ts';
import type { Ran } from '../pipeline/harness.ts';
import { decidingRuns } from '../pipeline/refusing-runs.ts';

const runs = new Map<string, Ran>();
beforeAll(async () => {
  for (const [name, begin] of Object.entries(decidingRuns)) runs.set(name, await begin());
});

const ranOf = (name: string): Ran => {
  const ran = runs.get(name);
  if (ran === undefined) throw new Error(`no path ${name}`);
  return ran;
};
const blocksOf = (name: string): readonly FoundDecision[] =>
  decisionsIn(ranOf(name).events).filter(({ outcome }) => outcome.action === 'block');
const blockOf = (name: string): FoundDecision => {
  const [block] = blocksOf(name);
  if (block === undefined) throw new Error(`path ${name} blocks nothing`);
  return block;
};

const stated = (decision: FoundDecision, more: Partial<Stated> = {}): Stated => ({
  executionId: 'exec_20260101_120000_00000001',
  decision,
  policy: bundledPolicy,
  reviews: [],
  contact: undefined,
  language: 'en',
  ...more,
});
const plain = (decision: FoundDecision, more: Partial<Stated> = {}): string =>
  plainStatement(statementOf(stated(decision, more)));
const erased = ({ event, ...rest }: FoundDecision): FoundDecision => ({
  ...rest,
  event: { ...event, payload: null, erased: true },
});

const blocking = Object.keys(decidingRuns).filter((name) => name.startsWith('stage'));

describe('every block of every path of the pipeline', () => {
  test.each(blocking)('%s: has its decision and its refusal, named by either', (name) => {
    const blocks = blocksOf(name);
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) {
      expect(block.form).toBe('check');
      expect(block.refusal).toBeDefined();
      const bySeq = decisionAt(ranOf(name).events, block.refusal?.core.seq ?? 0);
      expect(bySeq?.event.core.id).toBe(block.event.core.id);
    }
  });

  test.each(blocking)(
    '%s: is told in German and English, whole, also erased and without its policy',
    (name) => {
      for (const block of blocksOf(name)) {
        for (const language of languages) {
          for (const one of [block, erased(block)]) {
            for (const policy of [bundledPolicy, undefined]) {
              const statement = statementOf(stated(one, { language, policy }));
              const texts = statement.sections.map(({ text }) => text);
              expect(statement.sections).toHaveLength(6);
              expect(texts.every((text) => /[.!?”“)]$/.test(text))).toBe(true);
              expect(texts.join(' ')).not.toMatch(/undefined|null|NaN|\[object|  /);
              expect(canonicalText(statementOf(stated(one, { language, policy })))).toBe(
                canonicalText(statement),
              );
              expect(htmlStatement(statement)).toContain(`<html lang="${language}">`);
            }
          }
        }
      }
    },
  );

  test('of two outputs each refusal belongs to the check of its own output, in whatever order they were recorded', () => {
    const { events } = ranOf('stage 3, built-in rules');
    const of = (type: string): readonly LedgerEvent[] => events.filter((event) => event.type === type);
    const [first, second] = of('stage3_safety_check');
    // Side by side: both were checked before the first was refused.
    const checks = [...of('stage3_safety_check'), ...of('stage3_blocked')];
    const mixed = checks.map((event, index) => ({ ...event, core: { ...event.core, seq: index + 1 } }));
    expect([3, 4].map((seq) => decisionAt(mixed, seq)?.event.core.id)).toEqual([
      first?.core.id,
      second?.core.id,
    ]);
  });

  test('both languages say different words of the same facts', () => {
    const {
      language: _en,
      sections: en,
      rules: _r,
      policy: _p,
      ...facts
    } = statementOf(stated(blockOf('stage 1, a guard')));
    const german = statementOf(stated(blockOf('stage 1, a guard'), { language: 'de' }));
    expect(german).toMatchObject(facts);
    for (const [index, { heading, text }] of german.sections.entries()) {
      expect(heading).not.toBe(en[index]?.heading);
      expect(text).not.toBe(en[index]?.text);
    }
  });
});

describe('what a statement says', () => {
  test.each([
    ['stage 1, built-in rules', 'Your text was refused'],
    ['stage 1, a guard', 'takes it for something about: violent crimes, hate against groups of people'],
    ['stage 1, a guard without codes', 'have a list of words about: violence'],
    ['stage 1, a law list', 'The list follows from a law: §86a StGB.'],
    ['stage 1, a law list among adults', 'banned signs shown for their own sake'],
    ['stage 1, checker down', 'could not be finished, and then the rules let nothing through'],
    ['stage 1, an unreadable answer', 'One of them failed.'],
    ['stage 1, a provider', 'It names as reasons: violence.'],
    ['stage 3, a provider', 'A company outside this house'],
    ['stage 3, a guard', 'One output was not made'],
    ['stage 4, what was described', 'it is not kept and not shown'],
    ['stage 4, nothing was described', 'Looked at was a picture'],
  ])('%s: %s', (name, words) => {
    expect(plain(blockOf(name))).toContain(words);
  });

  test('a program decided, the level was chosen in the request, and nobody is named to turn to', () => {
    const text = plain(blockOf('stage 1, built-in rules'));
    expect(text).toContain('A program decided this, not a person.');
    expect(text).toContain('It was chosen when the run was started.');
    expect(text).toContain('Tell the people who run this workshop');
    expect(plain(blockOf('stage 1, built-in rules'), { contact: 'Room 12' })).toContain('Tell Room 12');
  });

  test('the words of the person concerned are quoted as they were written, and no word that a model wrote is, for kids', () => {
    const own = statementOf(stated(blockOf('stage 1, built-in rules')));
    expect(own.quotes).toEqual(['Blut']);
    expect(statementOf(stated(blockOf('stage 1, a law list'))).quotes).toEqual(['Hakenkreuz']);
    const made = blockOf('stage 3, built-in rules');
    expect(plain(made)).not.toMatch(/creature|horrible/i);
    expect(statementOf(stated({ ...made, level: 'adult' })).quotes).toEqual(['creature']);
  });

  test('what is erased is not quoted, and the rule is still named', () => {
    const text = plain(erased(blockOf('stage 1, built-in rules')));
    expect(text).toContain('has been erased since');
    expect(text).toContain('violence');
    expect(text).not.toContain('Blut');
  });

  test('an old check without evidence says that it has none', () => {
    const { event, ...rest } = blockOf('stage 1, built-in rules');
    const facts = { safe: false, method: 'fast_filter' };
    const old: LedgerEvent = { ...event, core: { ...event.core, facts } };
    const outcome = { verdict: 'indeterminate', action: 'block', basis: 'unknown' } as const;
    const text = plain({ ...rest, event: old, outcome, level: null }, { policy: undefined });
    for (const words of [
      'without the evidence that is kept today',
      'does not name the rules',
      'does not say whether a program or a person decided',
      'does not say which level',
    ])
      expect(text).toContain(words);
  });

  test('HTML is escaped, and characters that turn a line around are not quoted', () => {
    const { event, ...rest } = blockOf('stage 1, built-in rules');
    const checked_text = '<b>Bl\u202eut</b>';
    const spans = [{ start: 0, end: checked_text.length }];
    const payload = {
      metadata: { checked_text, found_at: [{ list: 'violence-kids', term: 'blut', spans }] },
    };
    const statement = statementOf(stated({ ...rest, event: { ...event, payload } }));
    expect(statement.quotes).toEqual(['<b>Bl ut</b>']);
    expect(htmlStatement(statement)).toContain('“&lt;b&gt;Bl ut&lt;/b&gt;”');
  });
});
