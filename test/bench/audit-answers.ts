import { startLedgerService } from '../http/ledger-service.ts';

const questions: readonly string[] = [
  'decisions?basis=fail_open',
  'decisions?kind=skip&group_by=allowed_by',
  'decisions?policy_version=workshop:2&group_by=verdict',
  'decisions?group_by=model_digest,verdict',
  'reviews?judgement=override',
  'outputs?mark=undecided',
  'outputs?mark=other_text',
  'decisions?action=allow&step_status=unparseable',
  'terms',
  'decisions?group_by=category,week',
  'inputs',
  'decisions?duration_above=2',
  'runs?open_longer_than=24',
  'gaps',
  'clock',
  'in-force',
  'decisions?language_differs=true',
  'reviews?open=true&older_than=72',
  'exports',
  'outputs?state=blocked',
];

/** `audit-answers`: a real, shortened answer to each question of docs/audit.md, over a ledger of a few runs. */
export async function auditAnswers(): Promise<void> {
  const service = await startLedgerService();
  const run = (input_text: string, more: object = {}) =>
    service.post('/api/schema/pipeline/execute', { schema: 'dada', input_text, user_id: 'ada', ...more });
  await run('Eine Blume auf der Wiese', { safety_level: 'kids' });
  await run('Malt ein Hakenkreuz', { safety_level: 'kids' });
  await run('Ein Zombie im Kino', { safety_level: 'kids' });
  await run('Eine Blume auf der Wiese', { schema: 'image_comparison', safety_level: 'research' });
  for (const question of questions) {
    const { json } = await service.get(`/api/audit/${question}`);
    const {
      as_of: _asOf,
      incomplete: _incomplete,
      limit: _limit,
      offset: _offset,
      filters: _filters,
      ...shown
    } = json;
    console.log(`${question}\n  ${JSON.stringify(shown).slice(0, 420)}`);
  }
  const { json } = await service.post('/api/audit/subjects', { user_id: 'ada' });
  console.log(`POST subjects\n  ${JSON.stringify(json).slice(0, 420)}`);
  await service.close();
}
