import { describe, expect, test } from 'vitest';
import { bundledGuard, bundledLawJudge, bundledVision } from '../../src/safety/bundled-models.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import type { Checker } from '../../src/safety/checker-document.ts';
import { activatePolicy, documentDigest, listsAt, policyDocument } from '../../src/safety/policy.ts';

const base = structuredClone(bundledPolicy);
const list = { id: 'x', category: 'fear', scope: 'level', terms: ['y'], rules: { kids: 'review' } } as const;

/** Of the bundled policy as older ledgers hold it: our reading of a document must not come to differ. */
const publishedVersion1 = '8bb6ecddab02fde41f1c8f3b78d8ca1d7745fcf58757680a4f0360a64b0f8d52';
const [guard, judge, seeing] = [bundledGuard, bundledLawJudge, bundledVision];
const withChecker = (change: Partial<Checker>) => ({ ...base, checker: { ...guard, ...change } });
const withCode = (change: object) => {
  const [first, ...others] = guard.taxonomy.categories;
  return withChecker({
    taxonomy: { ...guard.taxonomy, categories: [{ ...first, ...change } as Code, ...others] },
  });
};
type Code = Checker['taxonomy']['categories'][number];

describe('a policy document', () => {
  test('the bundled one is valid, and its digest does not hang on the order of members', () => {
    const { reference, listDigests } = activatePolicy(bundledPolicy);
    const { id, ...rest } = bundledPolicy;
    expect(activatePolicy({ ...rest, id }).reference).toEqual(reference);
    expect(reference.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect([...listDigests.keys()]).toEqual(bundledPolicy.lists.map((one) => one.id));
    expect(new Set(listDigests.values()).size).toBe(bundledPolicy.lists.length);
  });

  test('one term more is another policy and another list, and the other lists stay', () => {
    const [first, ...others] = base.lists;
    if (first === undefined) throw new Error('no list');
    const changed = { ...base, lists: [{ ...first, terms: [...first.terms, 'another'] }, ...others] };
    const [before, after] = [activatePolicy(base), activatePolicy(changed)];
    expect(after.reference.sha256).not.toBe(before.reference.sha256);
    const differing = base.lists.filter(({ id }) => before.listDigests.get(id) !== after.listDigests.get(id));
    expect(differing.map(({ id }) => id)).toEqual([first.id]);
  });

  test('on_checker_failure is fail_closed unless it says otherwise', () => {
    const { on_checker_failure: _left, ...rest } = base;
    expect(policyDocument.parse(rest).on_checker_failure).toBe('fail_closed');
    expect(documentDigest(policyDocument.parse(rest))).toBe(documentDigest(base));
  });

  test('the law list blocks for kids and youth, and is reviewed for adult and research', () => {
    const rules = (['kids', 'youth', 'adult', 'research'] as const).map(
      (level) => listsAt(base, level).find((one) => one.list.scope === 'law')?.rule,
    );
    expect(rules).toEqual(['block', 'block', 'review', 'review']);
    expect(listsAt(base, 'research').every((one) => one.list.scope === 'law')).toBe(true);
  });

  test('one word more in a prompt is another policy', () => {
    const changed = activatePolicy(withChecker({ template: 'Please: {text}' }));
    expect(changed.reference.sha256).not.toBe(activatePolicy(base).reference.sha256);
    expect(changed.listDigests).toEqual(activatePolicy(base).listDigests);
  });

  test('a policy without models is one, and keeps its digest of before there were any', () => {
    const { checker: _c, law_checker: _l, vision: _v, ...plain } = { ...base, version: 1 };
    expect(activatePolicy(plain).reference).toEqual({
      id: 'workshop',
      version: 1,
      sha256: publishedVersion1,
    });
  });

  test('the bundled guard blocks all its categories at every level but research', () => {
    expect(guard.taxonomy.categories.map(({ code }) => code)).toEqual(
      Array.from({ length: 14 }, (_none, n) => `S${n + 1}`),
    );
    for (const { blocks } of guard.taxonomy.categories) expect(blocks).toEqual(['kids', 'youth', 'adult']);
    // The law is reviewed at research too: there L1 has to block.
    expect(judge.taxonomy.categories.find(({ code }) => code === 'L1')?.blocks).toContain('research');
  });

  test.each([
    ['an unknown member', { ...base, extra: 1 }, ''],
    ['a list twice', { ...base, lists: [...base.lists, base.lists[0]] }, '/lists/5/id'],
    [
      'a category that the taxonomy does not have',
      { ...base, lists: [{ ...list, category: 'odd' }] },
      '/lists/0/category',
    ],
    [
      'a level list at research',
      { ...base, lists: [{ ...list, rules: { research: 'review' } }] },
      '/lists/0/rules',
    ],
    ['a category without a message', { ...base, messages: {} }, '/messages'],
    ['no version', { ...base, version: 0 }, '/version'],
    ['a template without {text}', withChecker({ template: 'safe?' }), '/checker/template'],
    ['a template with {text} twice', withChecker({ template: '{text} {text}' }), '/checker/template'],
    [
      'a template with an unknown placeholder',
      withChecker({ template: '{text} {name}' }),
      '/checker/template',
    ],
    [
      'a code that no answer could hold',
      withCode({ code: 'violence' }),
      '/checker/taxonomy/categories/0/code',
    ],
    ['a code twice', withCode({ code: 'S2' }), '/checker/taxonomy/categories/1/code'],
    ['a level twice', withCode({ blocks: ['kids', 'kids'] }), '/checker/taxonomy/categories/0/blocks'],
    ['a guard alone where the law is reviewed', { ...base, law_checker: undefined }, '/law_checker'],
    ['a guard that is asked about the law', { ...base, law_checker: guard }, '/law_checker/kind'],
    [
      'two taxonomies of one name',
      { ...base, law_checker: { ...judge, taxonomy: { ...judge.taxonomy, id: guard.taxonomy.id } } },
      '/law_checker/taxonomy/id',
    ],
    [
      'a description that is told what to look for',
      { ...base, vision: { ...seeing, describe_template: '{terms}' } },
      '/vision/describe_template',
    ],
    ['a vision at no level', { ...base, vision: { ...seeing, levels: [] } }, '/vision/levels'],
    ['a list without terms', { ...base, lists: [{ ...list, terms: [] }] }, '/lists/0/terms'],
  ])('%s is refused, with a pointer', (_name, document, pointer) => {
    let refused: unknown;
    try {
      activatePolicy(document);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'POLICY_INVALID', status: 400 });
    expect((refused as { errors: { pointer: string }[] }).errors.map((one) => one.pointer)).toContain(
      pointer,
    );
  });
});
