import { describe, expect, test } from 'vitest';
import { decisionRecord } from '../../src/events/decision.ts';
import { isToken } from '../../src/events/token.ts';
import type { Core } from '../../src/events/core.ts';
import { builtinContextRules } from '../../src/safety/context-rules.ts';
import { texts } from '../safety/texts.ts';
import { answering, downChecker, planOf, portsWith, type Ran, run, tickingClock } from './harness.ts';

/** Runs that between them emit every item type the orchestrator has. */
async function allKinds(): Promise<readonly Ran[]> {
  const german = 'Eine Blume, die nur Frau Müller aus Köln kennt';
  return Promise.all([
    run(planOf('stillepost', german)),
    run(planOf('image_comparison', 'Überall Blut, sagt Frau Müller')),
    run(planOf('dada', german, { safetyLevel: 'research' })),
    run(planOf('dada', german), portsWith({ text: answering('A creature, says Frau Müller') })),
    run(planOf('dada', 'bloody Frau Müller'), portsWith({ contextCheck: downChecker })),
    run(
      planOf('dada', german),
      portsWith({ text: { name: 'x', run: () => Promise.reject(new Error('Frau Müller?')) } }),
    ),
    run(
      planOf('dada', german),
      portsWith({
        mediaBackendOf: () => ({ name: 'x', generate: () => Promise.reject(new Error('Frau Müller?')) }),
      }),
    ),
  ]);
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [key, ...stringsIn(member)]);
}

const keptOf = ({ commit: _commit, ...core }: Core & { commit?: string }): unknown => ({
  ...core,
  stream: '',
  prev: '',
  payload: undefined,
});

describe('what is kept for ever', () => {
  test('every string in a core is a token, and nothing a person wrote is in it', async () => {
    for (const ran of await allKinds()) {
      for (const { core } of ran.events) {
        for (const text of stringsIn(keptOf(core))) {
          if (text === '') continue;
          expect(isToken(text), `${core.type}: ${text}`).toBe(true);
        }
        expect(JSON.stringify(keptOf(core))).not.toMatch(/M(ü|\\u00fc)ller|Blume|[Bb]lood|[Bb]lut|creature/);
      }
    }
  });

  test('every check of ours keeps its full decision record as facts', async () => {
    let checks = 0;
    for (const ran of await allKinds()) {
      for (const { core, type } of ran.events) {
        if (!type.endsWith('_safety_check')) continue;
        checks += 1;
        const { checked_terms: terms, ...facts } = core.facts ?? {};
        expect(decisionRecord.safeParse(facts).error).toBeUndefined();
        expect(terms).toBeGreaterThan(0);
        expect(facts).not.toHaveProperty('safe');
      }
    }
    expect(checks).toBeGreaterThan(8);
  });

  test('every media, seed and count of an output is a fact', async () => {
    const ran = await run(planOf('dada', 'Eine Blume'));
    const facts = ran.events.find(({ type }) => type === 'output_image')?.core.facts;
    expect(Object.keys(facts ?? {}).toSorted()).toEqual([
      'format',
      'height',
      'mime',
      'seed',
      'sha256',
      'size_bytes',
      'width',
    ]);
    expect(ran.events[0]?.core.facts).toMatchObject({
      config_name: 'dada',
      seed: 42,
      level_set_by: 'request',
      policy: { id: 'workshop' },
    });
  });
});

test('forty texts: forty different pictures, and the same ones again', async () => {
  const digests = async (some = texts): Promise<unknown[]> => {
    const found: unknown[] = [];
    // A checker that lets all pass, and the level that blocks nothing at once: here only the pictures count.
    const rules = builtinContextRules(tickingClock());
    const contextCheck = {
      model: rules.model,
      check: async (...call: Parameters<typeof rules.check>) => ({
        ...(await rules.check(...call)),
        verdict: 'safe' as const,
      }),
    };
    for (const [, text] of some) {
      const ran = await run(planOf('dada', text, { safetyLevel: 'research' }), portsWith({ contextCheck }));
      found.push(ran.items.find((item) => item.item_type === 'output_image')?.metadata['sha256']);
    }
    return found;
  };
  const first = await digests();
  expect(first.every((digest) => typeof digest === 'string')).toBe(true);
  expect(new Set(first).size).toBe(40);
  expect(await digests(texts.slice(0, 4))).toEqual(first.slice(0, 4));
});
