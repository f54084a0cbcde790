import { describe, expect, test } from 'vitest';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { activatePolicy, documentDigest, listsAt, policyDocument } from '../../src/safety/policy.ts';

const base = structuredClone(bundledPolicy);
const list = { id: 'x', category: 'fear', scope: 'level', terms: ['y'], rules: { kids: 'review' } } as const;

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
