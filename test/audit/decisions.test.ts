import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import auditedRuns from '../../projections/audited-runs.ts';
import decisions from '../../projections/decisions.ts';
import { openProjector, type Projector } from '../../src/projector/projector.ts';
import { countTerms } from '../../src/queries/decision-questions.ts';
import { createMemoryStore } from '../memory-store.ts';
import { caughtUp, opened, temporaryDirectory } from '../projector/opened.ts';
import { keyOf, randomFrom } from '../recorded-runs.ts';
import { scan } from './brute-scan.ts';
import { rawEvents } from './raw-events.ts';
import { type Asked, askedOf, compareAt } from './comparison.ts';
import { plantedLog } from './planted-log.ts';

const projections = () => [decisions(), auditedRuns()];

describe('every question agrees with a scan of the raw log', () => {
  const store = plantedLog(75, 3);
  const events = rawEvents(store.events);
  let projector: Projector;
  let asked: Asked;
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'runledger-audit-'));
    projector = await openProjector({ directory, store, projections: projections(), keyOf, now: () => 0 });
    await caughtUp(projector, store);
    asked = askedOf(projector, store);
    return async () => {
      await projector.close();
      await rm(directory, { recursive: true, force: true });
    };
  });

  it('something of everything is planted', () => {
    const { decisions: found, outputs, reviews, gaps, anomalies, exports, policies } = scan(events);
    const marks = new Set(outputs.flatMap((output) => output.marks));
    expect([...marks].sort()).toEqual(
      ['against_decision', 'other_text', 'served_before_block', 'text_unproven', 'undecided'].sort(),
    );
    expect(new Set(found.flatMap(({ said }) => said['basis'] ?? []))).toEqual(
      new Set(['evaluated', 'fail_open', 'fail_closed', 'policy_skip', 'unknown']),
    );
    expect(new Set(found.flatMap(({ said }) => said['kind'] ?? []))).toEqual(
      new Set(['check', 'skip', 'block']),
    );
    expect(new Set(reviews.map(({ judgement }) => judgement)).size).toBe(4);
    expect(reviews.some(({ answered }) => answered)).toBe(true);
    expect(found.some(({ otherLanguage }) => otherLanguage !== null)).toBe(true);
    for (const [name, list] of Object.entries({ gaps, anomalies, exports: [...exports] }))
      expect(list.length, name).toBeGreaterThan(0);
    expect(policies.get('workshop')).toBe(4);
  });

  it('at its end', () => {
    compareAt(asked, events, events.length, { answers: 0, rows: 0 });
  });

  it('as of 50 positions', () => {
    const random = randomFrom(11);
    for (let time = 0; time < 50; time++) {
      compareAt(asked, events, 1 + Math.floor(random() * events.length), { answers: 0, rows: 0 });
    }
  }, 300_000);

  it('as of a time: what stood in the log before anything that was recorded later', () => {
    const known = events.filter(({ stream }) => stream.startsWith('run-'));
    for (const share of [0.3, 0.7]) {
      const { core } = known[Math.floor(known.length * share)] ?? { core: undefined };
      const time = core?.recorded ?? core?.time ?? '';
      const isLater = (raw: (typeof events)[number]): boolean =>
        Date.parse(raw.core.recorded ?? raw.core.time) > Date.parse(time);
      const decided = scan(events).decisions.map(({ id }) => id);
      const first = events.findIndex((raw) => decided.includes(raw.core.id) && isLater(raw));
      const { total } = asked.decisions.list({}, { limit: 1, offset: 0 }, { time });
      expect(total).toBe(scan(events.slice(0, first)).decisions.length);
    }
  });

  it('after a rebuild', async () => {
    await projector.rebuild();
    compareAt(asked, events, events.length, { answers: 0, rows: 0 });
    compareAt(asked, events, Math.floor(events.length / 3), { answers: 0, rows: 0 });
  });
});

it('what is kept in memory follows the commits: an answer after each batch agrees with the scan', async () => {
  const source = plantedLog(40, 8);
  const store = createMemoryStore();
  const projector = await opened(projections(), { directory: await temporaryDirectory(), store });
  await caughtUp(projector, store);
  const asked = askedOf(projector, store);
  for (let from = 0; from < source.events.length; from += 211) {
    for (const event of source.events.slice(from, from + 211)) store.add(event.stream, [event]);
    await projector.waitFor((await store.head()) ?? '', 10_000);
    compareAt(asked, rawEvents(store.events), store.events.length, { answers: 0, rows: 0 });
  }
});

it('the terms of an erased run go out of every count, and the answer says that there were some', async () => {
  const source = plantedLog(20, 8);
  const store = createMemoryStore('memory', source.events);
  const erased = new Set<string>();
  const projector = await opened(projections(), {
    directory: await temporaryDirectory(),
    store,
    keyOf: (stream) => (erased.has(stream) ? undefined : keyOf(stream)),
  });
  await caughtUp(projector, store);
  const { decisions: queries } = askedOf(projector, store);
  const counted = () => countTerms(queries.open({}));
  const hitsOf = ({ terms }: ReturnType<typeof counted>): number =>
    terms.reduce((sum, { hits }) => sum + hits, 0);
  const before = counted();
  expect(before.cut.gaps.map(({ reason }) => reason)).not.toContain('content_erased');
  const found = scan(rawEvents(source.events)).decisions.filter(({ terms }) => terms.length > 0);
  const run = found[0]?.run;
  const ofRun = found.filter((decision) => decision.run === run);
  erased.add(`run-${run}`);
  for (const event of source.events.filter(({ stream }) => stream === `run-${run}`)) store.tellAgain(event);
  await projector.waitFor((await store.head()) ?? '', 10_000);
  const after = counted();
  expect(hitsOf(after)).toBe(hitsOf(before) - ofRun.reduce((sum, { terms }) => sum + terms.length, 0));
  const gap = { reason: 'content_erased', count: ofRun.length };
  expect(after.cut.gaps).toContainEqual(expect.objectContaining(gap));
  await projector.rebuild();
  expect(counted().terms).toEqual(after.terms);
});
