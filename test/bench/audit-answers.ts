import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import auditedRuns from '../../projections/audited-runs.ts';
import decisions from '../../projections/decisions.ts';
import { auditQuestionRoutes } from '../../src/http/audit-questions.ts';
import { auditRoutes } from '../../src/http/audit.ts';
import { openProjector } from '../../src/projector/projector.ts';
import { askedOf } from '../audit/comparison.ts';
import { digestOf, hexOf } from '../audit/planted-checks.ts';
import { plantedLog } from '../audit/planted-log.ts';
import { keyOf } from '../recorded-runs.ts';

const actor = digestOf('officer');
const digest = `sha256:${hexOf('a')}`;
const questions: readonly string[] = [
  'decisions?basis=fail_open&limit=1',
  'decisions?kind=skip&group_by=allowed_by',
  'decisions?policy_version=workshop:2&group_by=verdict',
  `decisions?model_digest=${digest}&group_by=action`,
  `reviews?judgement=override&actor=${actor}&limit=1`,
  'outputs?mark=undecided&limit=1',
  'outputs?mark=other_text&limit=1',
  'decisions?action=allow&step_status=unparseable&limit=1',
  'decisions?action=allow&parse_status=empty,unexpected,contradictory&limit=1',
  'terms',
  'decisions?group_by=category,week',
  'decisions?group_by=safety_level,week',
  'inputs?limit=1',
  'decisions?duration_above=2&limit=1',
  'decisions?step_status=timeout&limit=1',
  'runs?open_longer_than=24&limit=1',
  'gaps?limit=1',
  'clock?limit=1',
  'in-force',
  'decisions?group_by=model_digest,verdict',
  'decisions?language_differs=true&limit=1',
  'reviews?open=true&older_than=72&limit=1',
  'exports?limit=1',
  'outputs?state=blocked&limit=1',
];

/** `audit-answers`: an answer to each question of docs/audit.md, over a log in which something of everything is planted. */
export async function auditAnswers(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-audit-'));
  const store = plantedLog(120, 3);
  const projections = [decisions(), auditedRuns()];
  const projector = await openProjector({ directory, store, projections, keyOf, now: Date.now });
  projector.start();
  await projector.built();
  const now = (): string => '2025-11-28T12:00:00Z';
  const audit = { ...askedOf(projector, store), subjectOf: digestOf, now };
  const app = Fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  await app.register(auditRoutes({ audit }));
  await app.register(auditQuestionRoutes({ audit }));
  for (const question of questions) {
    const answer = await app.inject(`/api/audit/${question}`);
    console.log(`${question}\n  ${shown(answer.json())}`);
  }
  const payload = { user_id: 'user 7' };
  const answer = await app.inject({ method: 'POST', url: '/api/audit/subjects?limit=1', payload });
  console.log(`POST subjects ${JSON.stringify(payload)}\n  ${shown(answer.json())}`);
  await app.close();
  await projector.close();
  await rm(directory, { recursive: true, force: true });
}

/** Without what every answer has, and no longer than a reader's patience. */
function shown(answer: Record<string, unknown>): string {
  const { as_of: _asOf, limit: _limit, offset: _offset, filters: _filters, ...rest } = answer;
  return JSON.stringify(rest).slice(0, 700);
}
