import { beforeAll, describe, expect, test } from 'vitest';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { decisionsIn, type FoundDecision } from '../../src/safety/found-decision.ts';
import { lawBasisOf } from '../../src/safety/law-basis.ts';
import { decidingRuns } from '../pipeline/refusing-runs.ts';

const made = new Map<string, FoundDecision>();
beforeAll(async () => {
  for (const name of ['stage 1, a law list', 'stage 1, a law list among adults', 'stage 1, built-in rules']) {
    const [decision] = decisionsIn((await decidingRuns[name]?.())?.events ?? []);
    if (decision !== undefined) made.set(name, decision);
  }
});

function of(name: string, facts: Readonly<Record<string, unknown>> = {}): FoundDecision {
  const decision = made.get(name);
  if (decision === undefined) throw new Error(`no decision ${name}`);
  const { event } = decision;
  return {
    ...decision,
    event: { ...event, core: { ...event.core, facts: { ...event.core.facts, ...facts } } },
  };
}
const law = 'stage 1, a law list';
const judged = 'stage 1, a law list among adults';
const plain = 'stage 1, built-in rules';

describe('a law stands behind a decision', () => {
  test('where a finding is of a law list, with the provision that it names', () => {
    expect(lawBasisOf(of(law), bundledPolicy)).toEqual({ isLaw: true, references: ['§86a StGB'] });
    expect(lawBasisOf(of(plain), bundledPolicy)).toEqual({ isLaw: false, references: [] });
  });

  test('where a list of another scope names a provision', () => {
    const lists = bundledPolicy.lists.map((list) =>
      list.id === 'violence-kids' ? { ...list, reference: '§131 StGB' } : list,
    );
    expect(lawBasisOf(of(plain), { ...bundledPolicy, lists })).toEqual({
      isLaw: true,
      references: ['§131 StGB'],
    });
  });

  test('where the law checker gave a code, whatever the lists say', () => {
    const codes = (
      (of(judged).event.core.facts?.['findings'] as { taxonomy?: object }[] | undefined) ?? []
    ).filter(({ taxonomy }) => taxonomy);
    expect(codes).toHaveLength(1);
    expect(lawBasisOf(of(judged, { findings: codes }), bundledPolicy).isLaw).toBe(true);
  });

  test('perhaps, where the policy is not here, does not have the list, or nothing says what was found', () => {
    expect(lawBasisOf(of(plain), undefined).isLaw).toBeUndefined();
    const lists = bundledPolicy.lists.filter(({ id }) => id !== 'violence-kids');
    expect(lawBasisOf(of(plain), { ...bundledPolicy, lists }).isLaw).toBeUndefined();
    expect(lawBasisOf(of(plain, { findings: undefined }), bundledPolicy).isLaw).toBeUndefined();
  });

  test('where the refusal of an old record calls the provision by its name', () => {
    expect(lawBasisOf(of(law, { findings: undefined }), undefined).isLaw).toBe(true);
  });

  test('not where nothing was found: a check that failed', () => {
    expect(lawBasisOf(of(plain, { findings: [] }), undefined).isLaw).toBe(false);
  });
});
