import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import auditedRuns from '../../projections/audited-runs.ts';
import decisions from '../../projections/decisions.ts';
import { openProjector } from '../../src/projector/projector.ts';
import { countTerms, differingTexts, findReviews, inUse } from '../../src/queries/decision-questions.ts';
import { rawEvents } from '../audit/raw-events.ts';
import { type Asked, askedOf, compareAt, type Figures } from '../audit/comparison.ts';
import { plantedLog } from '../audit/planted-log.ts';
import { keyOf, randomFrom } from '../recorded-runs.ts';
import { projectDecisions } from './generated-decisions.ts';
import { median } from './measure.ts';

/**
 * `audit [--decisions 1000000] [--planted 5000] [--positions 50] [--repetitions 5]`: holds every answer against a scan of a
 * planted log, then times each question.
 */
export async function audit(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      decisions: { type: 'string', default: '1000000' },
      planted: { type: 'string', default: '5000' },
      positions: { type: 'string', default: '50' },
      repetitions: { type: 'string', default: '5' },
    },
  });
  if (Number(values.planted) > 0) await agree(Number(values.planted), Number(values.positions));
  if (Number(values.decisions) > 0) await time(Number(values.decisions), Number(values.repetitions));
}

async function agree(runs: number, positions: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-audit-'));
  const store = plantedLog(runs, 1);
  const events = rawEvents(store.events);
  const projections = [decisions(), auditedRuns()];
  const projector = await openProjector({ directory, store, projections, keyOf, now: Date.now });
  try {
    projector.start();
    await projector.built();
    const asked = askedOf(projector, store);
    const figures: Figures = { answers: 0, rows: 0 };
    compareAt(asked, events, events.length, figures);
    const random = randomFrom(5);
    for (let at = 0; at < positions; at++) {
      compareAt(asked, events, 1 + Math.floor(random() * events.length), figures);
      console.log(`position ${at + 1} of ${positions}: ${figures.answers} answers agree so far`);
    }
    await projector.rebuild();
    compareAt(asked, events, events.length, figures);
    const { total } = asked.decisions.list({}, newest, {});
    console.log(
      `${runs} planted runs, ${events.length} events, ${total} decisions: ${figures.answers} answers with ${figures.rows} rows, ` +
        `at the end, at ${positions} positions and after a rebuild; 0 missing, 0 extra`,
    );
  } finally {
    await projector.close();
    await rm(directory, { recursive: true, force: true });
  }
}

const newest = { limit: 20, offset: 0 };

async function time(count: number, repetitions: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-audit-'));
  try {
    const began = performance.now();
    const { projector, store, positionAt } = await projectDecisions(directory, count);
    console.log(`\nbuilt in ${((performance.now() - began) / 1_000).toFixed(0)} s`);
    const asked = askedOf(projector, store);
    const cold = performance.now();
    const { total } = asked.decisions.list({}, newest, {});
    const coldMs = performance.now() - cold;
    const { profiles } = asked.decisions.open({}).columns;
    console.log(
      `${total} decisions of ${profiles.length} profiles; the first question, which fills the columns, took ${coldMs.toFixed(0)} ms`,
    );
    console.log('\nmilliseconds a question: median, slowest, rows or groups that match');
    for (const [what, ask] of questionsOf(asked, positionAt(0.5))) {
      const took: number[] = [];
      let found = 0;
      for (let round = 0; round <= repetitions; round++) {
        const start = performance.now();
        found = ask();
        if (round > 0) took.push(performance.now() - start);
      }
      console.log(
        `${what.padEnd(58)} ${median(took).toFixed(1).padStart(8)} ${Math.max(...took)
          .toFixed(1)
          .padStart(8)} ${String(found).padStart(9)}`,
      );
    }
    await projector.close();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function questionsOf(
  { decisions: all, runs }: Asked,
  middle: string,
): readonly (readonly [string, () => number])[] {
  const list = (filter: Parameters<typeof all.list>[0], asOf = {}) => all.list(filter, newest, asOf).total;
  const groups = (filter: Parameters<typeof all.list>[0], ...fields: Parameters<typeof all.groups>[1]) =>
    all.groups(filter, fields, newest, {}).groupsTotal;
  const subject = all.list({}, newest, {}).decisions[0]?.row.subject ?? '';
  return [
    ['all that failed open', () => list({ basis: ['fail_open'] })],
    ['skips, by who allowed them', () => groups({ kind: ['skip'] }, 'allowed_by')],
    ['by policy version', () => list({ policy_version: ['workshop:2'] })],
    ['by model digest', () => groups({}, 'model_digest')],
    ['overrides', () => findReviews(all.open({}), { judgement: 'override' }, newest).total],
    ['outputs without a decision', () => runs.outputs({ mark: 'undecided' }, newest, {}).total],
    ['outputs made of other text', () => runs.outputs({ mark: 'other_text' }, newest, {}).total],
    ['allowed with an unparseable answer', () => list({ action: ['allow'], step_status: ['unparseable'] })],
    ['fast filter against model, by term', () => countTerms(all.open({})).terms.length],
    ['block rate by category and week', () => groups({}, 'category', 'week')],
    ['block rate by level and week', () => groups({}, 'safety_level', 'week')],
    ['same text, different verdicts', () => differingTexts(all.open({}), 'user_input', newest).total],
    ['slow checks', () => list({ duration_above: 2 })],
    ['timed-out checks', () => list({ step_status: ['timeout'] })],
    ['runs open for a day', () => runs.openRuns({ longerThanHours: 24 }, newest, {}).total],
    ['recorder gaps', () => runs.gaps(newest, {}).total],
    ['clock anomalies', () => runs.clock(undefined, newest, {}).total],
    ['policies and models in use', () => inUse(all.open({}), undefined).length],
    ['before and after a model change', () => groups({}, 'model_digest', 'verdict')],
    ['language differs', () => list({ language_differs: true })],
    ['open appeals and marks', () => findReviews(all.open({}), { open: true }, newest).total],
    ['exports', () => runs.exports(newest, {}).total],
    ['runs of a person', () => runs.ofSubject(subject, newest, {}).total],
    ['decisions of a person', () => list({ subject })],
    ['blocked outputs', () => runs.outputs({ state: 'blocked' }, newest, {}).total],
    [
      'four filters and a period',
      () =>
        list({
          safety_level: ['kids'],
          verdict: ['unsafe'],
          stage: ['3'],
          config: ['dada'],
          from: '2025-06-01T00:00:00Z',
        }),
    ],
    [
      'all that failed open, as of the middle of the log',
      () => list({ basis: ['fail_open'] }, { position: middle }),
    ],
    ['by person and week', () => groups({}, 'subject', 'week')],
  ];
}
