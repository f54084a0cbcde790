import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { decisionGroups, decisionList, runLadder } from '../../src/http/audit-answers.ts';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

type Ladder = z.infer<typeof runLadder>;

let service: LedgerService;
const ids = { harmless: '', blocked: '', twice: '', research: '' };
beforeAll(async () => {
  service = await startLedgerService();
  const folder = new URL('../fixtures/records/', import.meta.url);
  const records = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
  await service.post('/api/runs/import', `[${records.join(',')}]`);
  const run = async (schema: string, input_text: string, more: object = {}): Promise<string> => {
    const body = { schema, input_text, user_id: 'ada', ...more };
    const { json } = await service.post('/api/schema/pipeline/execute', body);
    return String(json['execution_id']);
  };
  ids.harmless = await run('dada', 'Eine Blume auf der Wiese');
  ids.blocked = await run('dada', 'Malt ein Hakenkreuz', { safety_level: 'kids' });
  ids.twice = await run('image_comparison', 'Eine Blume auf der Wiese');
  ids.research = await run('dada', 'Eine Blume', { safety_level: 'research' });
});
afterAll(() => service.close());

const ladderOf = async (id: string, query = ''): Promise<Ladder> => {
  const { status, json } = await service.get(`/api/runs/${id}/decisions${query}`);
  expect(status).toBe(200);
  return runLadder.parse(json);
};
const rungs = ({ decisions }: Ladder): string[] =>
  decisions.map(({ check, loop_iteration, status }) => `${check} ${loop_iteration ?? '-'} ${status}`);

describe('GET /api/runs/{id}/decisions', () => {
  test('a run with two outputs: the check of its input, and one for each output, each with evidence and what came of it', async () => {
    const ladder = await ladderOf(ids.twice);
    expect(rungs(ladder)).toEqual(['input_text - decided', 'output_text 1 decided', 'output_text 2 decided']);
    expect(ladder.complete).toBe(true);
    const [input, first] = ladder.decisions;
    expect(input).toMatchObject({ verdict: 'safe', action: 'allow', basis: 'evaluated', blocks: [] });
    expect(input?.decisions[0]?.metadata).toMatchObject({ checked_text: 'Eine Blume auf der Wiese' });
    expect(first?.outputs.map(({ type }) => type)).toEqual(['output_image']);
    expect(ladder.policy).toMatchObject({ id: 'workshop' });
  });

  test('a refused input: its block stands beside it, and the check of the output did not come', async () => {
    const ladder = await ladderOf(ids.blocked);
    expect(rungs(ladder)).toEqual(['input_text - decided', 'output_text 1 not_reached']);
    const [input, output] = ladder.decisions;
    expect(input?.blocks.map(({ type }) => type)).toEqual(['stage1_blocked']);
    expect(output?.reason).toMatch(/ended before it: Input refused/);
  });

  test('as it stood after an item: what came later is not in it', async () => {
    const whole = await ladderOf(ids.harmless);
    const early = await ladderOf(ids.harmless, '?at_seq=2');
    expect(rungs(early)).toEqual(['input_text - not_reached', 'output_text 1 not_reached']);
    expect(early.as_of).toEqual({ sequence_number: 2 });
    expect(await ladderOf(ids.harmless, '?at=2099-01-01T00:00:00Z')).toEqual(whole);
    expect((await service.get(`/api/runs/${ids.harmless}/decisions?at=2001-01-01T00:00:00Z`)).status).toBe(
      404,
    );
  });

  test('at the level research the skip of the level’s lists stands beside the check of the law list', async () => {
    const ladder = await ladderOf(ids.research);
    const output = ladder.decisions.find(({ check }) => check === 'output_text');
    expect(output?.decisions.map(({ type }) => type).sort()).toEqual([
      'safety_check_skipped',
      'stage3_safety_check',
    ]);
  });

  test('a run of a foreign pipeline that put something out without a check says that it is missing', async () => {
    const { json } = await service.post('/api/runs', { config_name: 'dada' });
    const id = String(json['execution_id']);
    const output = {
      item_type: 'output_text',
      stage: 4,
      loop_iteration: 1,
      media_type: 'text',
      content: 'x',
    };
    expect((await service.post(`/api/runs/${id}/items`, output)).status).toBe(201);
    const ladder = await ladderOf(id);
    expect(rungs(ladder)).toEqual(['input_text - missing', 'output_text 1 missing']);
    expect(ladder.complete).toBe(false);
    const { json: unchecked } = await service.get('/api/audit/outputs?mark=undecided');
    expect(
      (unchecked['outputs'] as { execution_id: string }[]).map(({ execution_id }) => execution_id),
    ).toContain(id);
  });

  test('an unknown run is 404, a wrong moment 400', async () => {
    expect((await service.get('/api/runs/nobody/decisions')).status).toBe(404);
    expect((await service.get(`/api/runs/${ids.harmless}/decisions?at_seq=0`)).status).toBe(400);
    expect((await service.get(`/api/runs/${ids.harmless}/decisions?at=yesterday`)).status).toBe(400);
  });
});

describe('GET /api/audit/decisions', () => {
  const listed = async (query: string): Promise<z.infer<typeof decisionList>> => {
    const { status, json } = await service.get(`/api/audit/decisions?${query}`);
    expect(status).toBe(200);
    return decisionList.parse(json);
  };

  test('finds a refusal with its block, and says what history proves less', async () => {
    const found = await listed('action=block&origin=own&safety_level=kids');
    expect(found.total).toBe(1);
    expect(found.decisions[0]).toMatchObject({
      execution_id: ids.blocked,
      verdict: 'unsafe',
      basis: 'evaluated',
    });
    expect(found.decisions[0]?.blocks.map(({ type }) => type)).toEqual(['stage1_blocked']);
    expect(found.complete).toBe(false);
    expect(found.incomplete.map(({ reason }) => reason)).toEqual(['no_decision_record']);
    expect((await listed(`run=${ids.blocked}`)).complete).toBe(true);
  });

  test('the same as_of gives the same answer, whatever is recorded meanwhile', async () => {
    await service.signedHead();
    const before = await listed('limit=100');
    await service.post('/api/schema/pipeline/execute', { schema: 'dada', input_text: 'Noch eine Blume' });
    const asOf = encodeURIComponent(String(before.as_of));
    expect(await listed(`limit=100&as_of=${asOf}`)).toEqual(before);
    expect((await listed('limit=100')).total).toBeGreaterThan(before.total);
  });

  test('counts by two fields', async () => {
    const { json } = await service.get('/api/audit/decisions?group_by=safety_level,action&origin=own');
    const { groups, total } = decisionGroups.parse(json);
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(total);
    const kids = groups.find(
      ({ values }) => values['safety_level'] === 'kids' && values['action'] === 'block',
    );
    expect(kids).toMatchObject({ count: 1, blocked: 1, block_rate: 1 });
  });

  test.each([
    ['verdict=maybe', /verdict is "maybe"/],
    ['from=yesterday', /from is "yesterday"/],
    ['group_by=moon', /group_by is "moon"/],
    ['group_by=stage,stage', /group_by/],
    ['duration_above=long', /duration_above/],
    ['policy_version=2', /of no named policy/],
    ['moon=full', /not valid/],
    ['limit=0', /limit/],
  ])('%s is refused', async (query, why) => {
    const reply = await service.get(`/api/audit/decisions?${query}`);
    expect(reply.status).toBe(400);
    expect(String(reply.json['detail'])).toMatch(why);
  });

  test('a position of another log is refused, one that is not reached is told', async () => {
    const { json } = await service.get('/api/audit/decisions?as_of=nonsense');
    expect(json['type']).toBe('urn:runledger:error:foreign-position');
  });
});

describe('the other questions', () => {
  const answers = async (reply: Promise<Reply>, name: string): Promise<readonly unknown[]> => {
    const { status, json } = await reply;
    expect(status).toBe(200);
    expect(json).toMatchObject({
      as_of: expect.any(String) as string,
      complete: expect.any(Boolean) as boolean,
    });
    return json[name] as readonly unknown[];
  };

  test('runs of a person, by the user id in a body or by its HMAC', async () => {
    const { json } = await service.post('/api/audit/subjects', { user_id: 'ada' });
    const runs = json['runs'] as { execution_id: string; payloads: number; erased: number }[];
    expect(runs.map(({ execution_id }) => execution_id)).toContain(ids.harmless);
    expect(runs.every(({ payloads, erased }) => payloads > 0 && erased === 0)).toBe(true);
    const again = await service.post('/api/audit/subjects', { subject: json['subject'] });
    expect(again.json).toEqual(json);
    expect((await service.post('/api/audit/subjects', {})).status).toBe(400);
  });

  test('each has an answer', async () => {
    expect(await answers(service.get('/api/audit/terms'), 'terms')).not.toEqual([]);
    expect(await answers(service.get('/api/audit/outputs?state=delivered'), 'outputs')).not.toEqual([]);
    expect(await answers(service.get('/api/audit/in-force'), 'policies')).toMatchObject([
      { policy_id: 'workshop' },
    ]);
    expect(await answers(service.get(`/api/audit/in-force?run=${ids.harmless}`), 'used')).not.toEqual([]);
    expect((await service.get('/api/audit/in-force?run=nobody')).status).toBe(404);
    for (const [path, name] of [
      ['runs?open_longer_than=24', 'runs'],
      ['inputs', 'texts'],
      ['reviews?open=true&older_than=72', 'reviews'],
      ['gaps', 'gaps'],
      ['clock', 'anomalies'],
      ['exports', 'exports'],
    ] as const)
      expect(Array.isArray(await answers(service.get(`/api/audit/${path}`), name))).toBe(true);
  });
});
