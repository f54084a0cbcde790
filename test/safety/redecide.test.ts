import { beforeAll, describe, expect, test } from 'vitest';
import type { LedgerEvent } from '../../src/events/envelope.ts';
import { bundledGuard, bundledVision } from '../../src/safety/bundled-models.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { decisionsIn, type FoundDecision } from '../../src/safety/found-decision.ts';
import { activatePolicy, type ActivePolicy, type PolicyDocument } from '../../src/safety/policy.ts';
import { redecide, type Redecided } from '../../src/safety/redecide.ts';
import { decidingRuns } from '../pipeline/refusing-runs.ts';

type Made = { readonly decision: FoundDecision; readonly policy: ActivePolicy };
const made = new Map<string, readonly Made[]>();

/** The policy of a run, by the digest that its decisions name. */
const policies = [
  activatePolicy(bundledPolicy),
  activatePolicy({ ...bundledPolicy, on_checker_failure: 'fail_open' }),
  activatePolicy({ ...bundledPolicy, vision: bundledVision }),
];

function policyOf({ event }: FoundDecision): ActivePolicy {
  const named = (event.core.facts?.['policy'] as { readonly sha256: string } | undefined)?.sha256;
  const found = policies.find(({ reference }) => reference.sha256 === named);
  if (found === undefined) throw new Error(`no policy ${named}`);
  return found;
}

beforeAll(async () => {
  for (const [name, begin] of Object.entries(decidingRuns)) {
    const decisions = decisionsIn((await begin()).events);
    made.set(
      name,
      decisions.map((decision) => ({ decision, policy: policyOf(decision) })),
    );
  }
});

const all = (): readonly (Made & { readonly name: string })[] =>
  [...made].flatMap(([name, decisions]) => decisions.map((one) => ({ ...one, name })));
/** The last decision of a path: what it is named after. */
function of(name: string, which = -1): Made {
  const one = made.get(name)?.at(which);
  if (one === undefined) throw new Error(`no path ${name}`);
  return one;
}

/** Decides again under the policy of then with something changed in it. */
function under({ decision, policy }: Made, change: Partial<PolicyDocument>): Redecided | undefined {
  const other = activatePolicy({ ...policy.document, ...change, version: 9 });
  return redecide(decision, other, policy.document);
}
const erased = ({ decision, policy }: Made): Made => {
  const event: LedgerEvent = { ...decision.event, payload: null, erased: true };
  return { policy, decision: { ...decision, event } };
};
const listed = (...ids: readonly string[]): PolicyDocument['lists'] =>
  bundledPolicy.lists.filter(({ id }) => ids.includes(id));
const without = (...ids: readonly string[]): PolicyDocument['lists'] =>
  bundledPolicy.lists.filter(({ id }) => !ids.includes(id));

describe('the same policy decides the same', () => {
  const paths = Object.keys(decidingRuns);

  test.each(paths)('%s', (name) => {
    const decisions = made.get(name) ?? [];
    expect(decisions.length).toBeGreaterThan(0);
    for (const { decision, policy } of decisions) {
      const again = redecide(decision, policy, policy.document);
      expect(again).toMatchObject({ status: 'recomputed', outcome: decision.outcome });
    }
  });

  test.each(paths)('%s, its content erased', (name) => {
    for (const { decision, policy } of (made.get(name) ?? []).map(erased)) {
      const again = redecide(decision, policy, policy.document);
      expect(again).toMatchObject({ status: 'recomputed', outcome: decision.outcome });
    }
  });

  test('also where the policy of then is known by what the record says of the question only', () => {
    for (const name of [
      'stage 1, a guard',
      'found and harmless by a guard',
      'stage 1, an unreadable answer',
    ]) {
      const { decision, policy } = of(name, 0);
      expect(redecide(decision, policy, undefined)).toMatchObject({
        status: 'recomputed',
        outcome: decision.outcome,
      });
    }
  });
});

describe('another policy', () => {
  test('fail_open for fail_closed, and back, turns exactly the indeterminate decisions', () => {
    let turned = 0;
    for (const { name, decision, policy } of all()) {
      const isClosed = policy.document.on_checker_failure === 'fail_closed';
      const other = under(
        { decision, policy },
        { on_checker_failure: isClosed ? 'fail_open' : 'fail_closed' },
      );
      const { verdict, action } = decision.outcome;
      const isTurned = verdict === 'indeterminate' && action !== 'skip';
      if (isTurned) turned += 1;
      const expected = isTurned
        ? isClosed
          ? { verdict, action: 'allow', basis: 'fail_open' }
          : { verdict, action: 'block', basis: 'fail_closed' }
        : decision.outcome;
      expect([name, other?.outcome]).toEqual([name, expected]);
    }
    expect(turned).toBeGreaterThanOrEqual(6);
  });

  test('without the list that was hit what was unsafe is safe', () => {
    const lists = without('violence-kids');
    expect(under(of('stage 1, built-in rules'), { lists })).toEqual({
      status: 'recomputed',
      why: 'nothing_found',
      outcome: { verdict: 'safe', action: 'allow', basis: 'evaluated' },
    });
    expect(under(of('stage 1, a guard'), { lists })?.outcome?.verdict).toBe('safe');
    expect(under(erased(of('stage 1, a guard')), { lists })?.outcome?.verdict).toBe('safe');
    expect(under(of('stage 1, checker down'), { lists })?.outcome?.action).toBe('allow');
  });

  test('an added list finds its hits in the recorded text; without it that cannot be told', () => {
    const flowers = {
      ...listed('fear-kids')[0],
      id: 'flowers',
      terms: ['blume'],
    } as PolicyDocument['lists'][number];
    const rules = { kids: 'block' } as const;
    const blocking = [...bundledPolicy.lists, { ...flowers, rules }];
    expect(under(of('nothing found', 0), { lists: blocking })).toEqual({
      status: 'recomputed',
      why: 'blocked_at_once',
      outcome: { verdict: 'unsafe', action: 'block', basis: 'evaluated' },
    });
    const reviewed = [...bundledPolicy.lists, { ...flowers, rules: { kids: 'review' } as const }];
    expect(under(of('nothing found', 0), { lists: reviewed })).toEqual({
      status: 'needs_model',
      why: 'never_asked',
      outcome: null,
    });
    expect(under(erased(of('nothing found', 0)), { lists: blocking })).toEqual({
      status: 'content_erased',
      why: 'text_missing',
      outcome: null,
    });
    // A house without models: the rules are ours and say what they would have said.
    const { checker: _c, law_checker: _l, ...builtin } = bundledPolicy;
    const { decision, policy } = of('nothing found', 0);
    const other = activatePolicy({ ...builtin, lists: reviewed, version: 9 });
    expect(redecide(decision, other, policy.document)).toMatchObject({
      why: 'rules',
      outcome: { verdict: 'unsafe' },
    });
  });

  test('a list with other words under the same name is another list: without the text that cannot be told', () => {
    const lists = bundledPolicy.lists.map((list) =>
      list.id === 'violence-kids' ? { ...list, terms: [...list.terms, 'wand'] } : list,
    );
    const guarded = of('found and harmless by a guard', 0);
    expect(under(guarded, { lists })?.outcome).toEqual(guarded.decision.outcome);
    expect(under(erased(guarded), { lists })).toMatchObject({
      status: 'content_erased',
      why: 'text_missing',
    });
  });

  test('a list that blocks at once asks no model', () => {
    const lists = bundledPolicy.lists.map((list) => ({
      ...list,
      rules: { ...list.rules, kids: 'block' as const },
    }));
    expect(under(of('found and harmless by a guard', 0), { lists })?.outcome).toEqual({
      verdict: 'unsafe',
      action: 'block',
      basis: 'evaluated',
    });
  });

  test('the recorded codes of a model are weighed by other categories', () => {
    const ignoring = (...codes: readonly string[]): Partial<PolicyDocument> => {
      const categories = bundledGuard.taxonomy.categories.map((category) =>
        codes.includes(category.code) ? { ...category, blocks: [] } : category,
      );
      return { checker: { ...bundledGuard, taxonomy: { ...bundledGuard.taxonomy, categories } } };
    };
    const guarded = of('stage 1, a guard');
    expect(under(guarded, ignoring('S1'))?.outcome?.verdict).toBe('unsafe');
    expect(under(guarded, ignoring('S1', 'S10'))).toEqual({
      status: 'recomputed',
      why: 'recorded_answer',
      outcome: { verdict: 'safe', action: 'allow', basis: 'evaluated' },
    });
    // What stood beside the codes may have said more, and stood in the raw answer only.
    expect(under(erased(guarded), ignoring('S1', 'S10'))).toMatchObject({
      status: 'content_erased',
      why: 'answer_missing',
    });
    expect(under(erased(guarded), ignoring('S1'))?.outcome?.verdict).toBe('unsafe');
  });

  test.each<[string, Partial<typeof bundledGuard>, string]>([
    ['another model', { model: 'llama-guard4:12b' }, 'other_question'],
    ['another template', { template: 'Is it safe? {text}' }, 'other_question'],
    ['other parameters', { parameters: { temperature: 1 } }, 'other_question'],
    ['another taxonomy', { taxonomy: { ...bundledGuard.taxonomy, version: '4' } }, 'other_taxonomy'],
  ])('%s was never asked', (_, change, why) => {
    const other = under(of('stage 1, a guard'), { checker: { ...bundledGuard, ...change } });
    expect(other).toEqual({ status: 'needs_model', why, outcome: null });
  });

  test('a judge that is told the terms is asked another question where others are found', () => {
    const runes = { ...listed('law-86a')[0], id: 'more', terms: ['malt'] } as PolicyDocument['lists'][number];
    const lawful = of('stage 1, a law list among adults');
    expect(under(lawful, { lists: [...bundledPolicy.lists, runes] })).toMatchObject({
      status: 'needs_model',
      why: 'other_question',
    });
    expect(under(lawful, { lists: listed('law-86a') })?.outcome?.verdict).toBe('unsafe');
  });

  test('a provider’s refusal stays what it is', () => {
    for (const name of ['stage 1, a provider', 'stage 3, a provider'])
      expect(under(of(name), { lists: listed('self-harm') })).toMatchObject({
        why: 'third_party',
        outcome: of(name).decision.outcome,
      });
  });

  test('pictures: not looked at without a vision model, and another one was never asked', () => {
    const looked = of('stage 4, what was described');
    const { vision: _, ...blind } = looked.policy.document;
    expect(
      redecide(looked.decision, activatePolicy({ ...blind, version: 9 }), looked.policy.document),
    ).toMatchObject({
      why: 'not_checked',
      outcome: { action: 'skip' },
    });
    const other = { ...bundledVision, describe_template: 'What is there?' };
    expect(under(looked, { vision: other })).toMatchObject({
      status: 'needs_model',
      why: 'other_description',
    });
  });

  test('a check without evidence is not decided again', () => {
    const { decision, policy } = of('stage 1, built-in rules');
    const core = { ...decision.event.core, facts: { safe: false, method: 'fast_filter' } };
    const old = { ...decision, event: { ...decision.event, core } };
    expect(redecide(old, policy, undefined)).toBeUndefined();
  });
});
