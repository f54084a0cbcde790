import { formatNames } from '../../src/exporters/registry.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
});
afterAll(() => service.close());

const begin = async (more: object = {}): Promise<string> => {
  const begun = await service.post('/api/runs', { config_name: 'dada', ...more });
  expect(begun.status).toBe(201);
  return String(begun.json['execution_id']);
};
const input = { item_type: 'user_input_text', content: 'a meadow', metadata: { input_language: 'en' } };

describe('recording a foreign pipeline', () => {
  test('a run begins with its summary and its address', async () => {
    const begun = await service.post('/api/runs', {
      config_name: 'dada',
      safety_level: 'teens',
      user_id: 'u 1',
    });
    expect(begun.status).toBe(201);
    expect(begun.headers.get('location')).toBe(`/api/runs/${String(begun.json['execution_id'])}`);
    expect(begun.json['execution_id']).toMatch(/^exec_\d{8}_\d{6}_[0-9a-f]{8}$/);
    expect(begun.json).toMatchObject({
      config_name: 'dada',
      workflow_id: 'dada',
      safety_level: 'youth',
      execution_mode: 'eco',
      user_id: 'u 1',
      session_id: 'default',
      status: 'running',
      is_terminal: false,
      version: 0,
      items_count: 1,
    });
  });

  test('items are all there or none, with their sequence numbers', async () => {
    const id = await begin();
    const refused = await service.post(`/api/runs/${id}/items`, { items: [input, { ...input, stage: 4 }] });
    expect(refused.status).toBe(400);
    expect(refused.json['errors']).toEqual([expect.objectContaining({ pointer: '/items/1/stage' })]);
    const stored = await service.post(`/api/runs/${id}/items`, {
      items: [input, { item_type: 'my_own_step', stage: 2 }],
    });
    expect(stored.json).toEqual({ execution_id: id, version: 2, sequence_numbers: [2, 3] });
  });

  test('an answered write is read back at once, unknown types and members of metadata included', async () => {
    const id = await begin();
    await service.post(`/api/runs/${id}/items`, {
      item_type: 'my_own_step',
      stage: 2,
      content: 'words ‮ of <b>any</b> kind',
      model_used: 'My model (beta)',
      metadata: { deep: { list: [1, null, 'x'] }, other: -0 },
    });
    const { json } = await service.get(`/api/runs/${id}`);
    expect((json['items'] as unknown[])[1]).toMatchObject({
      sequence_number: 2,
      item_type: 'my_own_step',
      content: 'words ‮ of <b>any</b> kind',
      model_used: 'My model (beta)',
      metadata: { deep: { list: [1, null, 'x'] }, other: 0 },
      file_path: null,
    });
  });

  test('a retry with the same client ids stores nothing and answers the same', async () => {
    const id = await begin();
    const body = {
      items: [
        { ...input, client_id: 'a' },
        { ...input, client_id: 'b' },
      ],
    };
    const first = await service.post(`/api/runs/${id}/items`, body);
    const again = await service.post(`/api/runs/${id}/items`, body);
    expect(again.json).toEqual(first.json);
    const other = await service.post(`/api/runs/${id}/items`, { ...input, content: 'else', client_id: 'a' });
    expect(other.status).toBe(409);
    const torn = await service.post(`/api/runs/${id}/items`, {
      items: [
        { ...input, client_id: 'b' },
        { ...input, client_id: 'c' },
      ],
    });
    expect(torn.status).toBe(409);
  });

  test('If-Match of another version is 412 and stores nothing', async () => {
    const id = await begin();
    const stale = await service.post(`/api/runs/${id}/items`, input, { 'if-match': '"7"' });
    expect(stale.status).toBe(412);
    expect(stale.json).toMatchObject({ expected: 7, actual: 0 });
    expect((await service.post(`/api/runs/${id}/items`, input, { 'if-match': '"0"' })).status).toBe(201);
  });

  test('what the decider refuses is 422 with the rule and a pointer', async () => {
    const id = await begin();
    const gap = await service.post(`/api/runs/${id}/items`, {
      item_type: 'interception_iteration',
      content: 'a',
      stage_iteration: 2,
    });
    expect([gap.status, gap.json['rule']]).toEqual([422, 'iteration_gap']);
    const second = await service.post(`/api/runs/${id}/items`, {
      items: [input, { item_type: 'interception_iteration', content: 'a', stage_iteration: 3 }],
    });
    expect(second.json['errors']).toEqual([expect.objectContaining({ pointer: '/items/1' })]);
    const deep = await service.post(`/api/runs/${id}/items`, {
      items: [input, { item_type: 'my_step', metadata: { list: ['a', '\ud83d'] } }],
    });
    expect(deep.json['errors']).toEqual([expect.objectContaining({ pointer: '/items/1/metadata/list/1' })]);
    await service.post(`/api/runs/${id}/items`, { item_type: 'pipeline_complete' });
    const late = await service.post(`/api/runs/${id}/items`, input);
    expect([late.status, late.json['rule']]).toEqual([422, 'item_after_terminal']);
    const log = await service.post(`/api/runs/${id}/items`, {
      item_type: 'log_entry',
      content: 'afterwards',
    });
    expect(log.status).toBe(201);
  });

  test('an output without a safety decision is stored and becomes a finding', async () => {
    const id = await begin();
    await service.post(`/api/runs/${id}/items`, {
      item_type: 'output_image',
      file_path: 'x.png',
      loop_iteration: 1,
    });
    const { json } = await service.get(`/api/runs/${id}`);
    expect(json['findings']).toEqual([
      expect.objectContaining({ rule: 'output_without_decision', sequence_number: 2 }),
    ]);
  });

  test('a second run under the same id is refused', async () => {
    const id = await begin();
    expect((await service.post('/api/runs', { config_name: 'dada', execution_id: id })).status).toBe(409);
  });
});

describe('reading runs', () => {
  test('the run as it was after an item, and as it was known at a time', async () => {
    const id = await begin();
    await service.post(`/api/runs/${id}/items`, input);
    await service.post(`/api/runs/${id}/items`, { item_type: 'pipeline_complete' });
    const early = await service.get(`/api/runs/${id}?at_seq=2`);
    expect(early.json).toMatchObject({ status: 'running', version: 1, items_count: 2, completed_at: null });
    const now = await service.get(`/api/runs/${id}`);
    const [, second] = now.json['items'] as { timestamp: string }[];
    const then = await service.get(`/api/runs/${id}?at=${second?.timestamp}`);
    expect(Number(then.json['version'])).toBeGreaterThanOrEqual(1);
    expect((await service.get(`/api/runs/${id}?at=2001-01-01T00:00:00Z`)).status).toBe(404);
  });

  test('what tells of an earlier time but was recorded later was not known then', async () => {
    const id = await begin({ timestamp: '2025-05-05T10:00:00Z' });
    expect((await service.get(`/api/runs/${id}?at=2025-06-01T00:00:00Z`)).status).toBe(404);
    expect((await service.get(`/api/runs/${id}`)).json['timestamp']).toBe('2025-05-05T10:00:00Z');
  });

  test('the version is the ETag, and an unchanged run is 304', async () => {
    const id = await begin();
    const first = await service.get(`/api/runs/${id}`);
    expect(first.headers.get('etag')).toBe('"0"');
    expect((await service.get(`/api/runs/${id}`, { 'if-none-match': '"0"' })).status).toBe(304);
    await service.post(`/api/runs/${id}/items`, input);
    expect((await service.get(`/api/runs/${id}`, { 'if-none-match': '"0"' })).status).toBe(200);
  });

  test('an unknown run is 404 with the old members', async () => {
    const { status, json } = await service.get('/api/runs/exec_none');
    expect(status).toBe(404);
    expect(json).toMatchObject({ error: 'Execution not found', execution_id: 'exec_none' });
  });

  test('the list has the exact shape, newest first, and names the filters', async () => {
    await begin({ session_id: 'shape', timestamp: '2025-11-03T20:52:39.000417Z' });
    await begin({ session_id: 'shape', timestamp: '2025-11-03T20:52:40Z' });
    const { json } = await service.get('/api/runs?session_id=shape&limit=1&safety_level=kids');
    expect(json).toMatchObject({
      total: 2,
      limit: 1,
      offset: 0,
      returned: 1,
      filters: { config: null, date: null, user_id: null, session_id: 'shape', safety_level: 'kids' },
    });
    expect(json['executions']).toEqual([expect.objectContaining({ timestamp: '2025-11-03T20:52:40Z' })]);
  });

  test('bad limit, offset and date are told in the words that clients know', async () => {
    for (const [query, error] of [
      ['limit=101', 'Invalid limit parameter'],
      ['limit=x', 'Invalid limit parameter'],
      ['offset=-1', 'Invalid offset parameter'],
      ['date=2026-02-30', 'Invalid date format'],
    ]) {
      const { status, json } = await service.get(`/api/runs?${query}`);
      expect([status, json['error']]).toEqual([400, error]);
    }
  });

  test('the statistics count what is stored', async () => {
    const before = await service.get('/api/runs/stats');
    await begin();
    const after = await service.get('/api/runs/stats');
    expect(Number(after.json['total_records'])).toBe(Number(before.json['total_records']) + 1);
    expect(Number(after.json['total_size_bytes'])).toBeGreaterThan(Number(before.json['total_size_bytes']));
    expect(after.json['storage_dir']).not.toMatch(/^\//);
  });

  test('an export in a format that nobody knows is 400, in the given shape', async () => {
    const id = await begin();
    const odd = await service.get(`/api/runs/${id}/export/odt`);
    expect(odd.status).toBe(400);
    expect(odd.json).toMatchObject({
      format: 'odt',
      supported_formats: ['json', 'xml', 'pdf', 'docx', 'zip', 'audit'],
      available_now: formatNames,
    });
  });
});

describe('old names', () => {
  test('answer the same as today’s, with or without a trailing slash', async () => {
    const id = await begin({ config_name: 'old name' });
    const today = await service.get(`/api/runs/${id}`);
    for (const path of [
      `/api/executions/${id}`,
      `/executions/${id}`,
      `/api/research/execution/${id}`,
      `/api/runs/${id}/`,
    ]) {
      expect((await service.get(path)).text).toBe(today.text);
    }
    const list = await service.get('/api/runs?config=old%20name');
    expect((await service.get('/api/research/config/old%20name/executions')).text).toBe(list.text);
    expect((await service.get('/api/executions/?config=old%20name')).text).toBe(list.text);
  });

  test('the run list without /api gives 50 by default', async () => {
    expect((await service.get('/executions')).json['limit']).toBe(50);
    expect((await service.get('/executions?limit=3')).json['limit']).toBe(3);
    expect((await service.get('/api/executions')).json['limit']).toBe(20);
  });

  test('POST on the old collection executes, so it never records', async () => {
    const begun = await service.post('/api/executions', { workflow_id: 'dada', input_text: 'a' });
    expect(begun.status).toBe(202);
    const { json } = await service.get(`/api/runs/${String(begun.json['execution_id'])}`);
    expect(json).toMatchObject({ workflow_id: 'dada', config_name: 'dada' });
  });
});

describe('the rest of the surface', () => {
  test('OpenAPI 3.1 lists every route and is shown on a page', async () => {
    const { json } = await service.get('/openapi.json');
    expect(json['openapi']).toBe('3.1.0');
    expect(Object.keys(json['paths'] as object)).toEqual(
      expect.arrayContaining([
        '/api/runs',
        '/api/runs/{id}',
        '/api/runs/{id}/items',
        '/api/schema/pipeline/execute',
      ]),
    );
    expect((await service.get('/docs/')).status).toBe(200);
  });

  test('health says whether the process lives and whether it can work', async () => {
    expect((await service.get('/health/live')).status).toBe(204);
    const ready = await service.get('/health/ready');
    expect(ready.json).toMatchObject({ status: 'ready', store: { reachable: true } });
  });

  test('a method that an address does not have is 405 with what it has', async () => {
    const answer = await fetch(`${service.url}/api/runs`, { method: 'DELETE' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  });
});

describe('paging by cursor', () => {
  test('gives every run once, newest first, though others begin meanwhile', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      // Two share each instant, so that the id has to tell them apart.
      const timestamp = `2026-02-01T00:00:0${Math.floor(index / 2)}Z`;
      ids.push(await begin({ session_id: 'cursor', timestamp }));
    }
    const seen: string[] = [];
    let cursor: unknown = '';
    while (typeof cursor === 'string') {
      const { json, headers } = await service.get(`/api/runs?session_id=cursor&limit=2&cursor=${cursor}`);
      const page = json['executions'] as { execution_id: string }[];
      seen.push(...page.map(({ execution_id }) => execution_id));
      cursor = json['next_cursor'];
      expect(headers.get('link') === null).toBe(cursor === null);
      await begin({ session_id: 'cursor', timestamp: '2026-03-01T00:00:00Z' });
    }
    const all = await service.get('/api/runs?session_id=cursor&to=2026-02-15T00:00:00Z');
    const expected = (all.json['executions'] as { execution_id: string }[]).map(
      ({ execution_id }) => execution_id,
    );
    expect(seen).toEqual(expected);
    expect(new Set(seen)).toEqual(new Set(ids));
  });

  test('a cursor of another list, or a forged one, is refused', async () => {
    for (let index = 0; index < 2; index += 1) await begin({ session_id: 'forged' });
    const { json } = await service.get('/api/runs?session_id=forged&limit=1&cursor=');
    const cursor = String(json['next_cursor']);
    expect((await service.get(`/api/runs?session_id=other&limit=1&cursor=${cursor}`)).status).toBe(400);
    expect((await service.get(`/api/runs?session_id=forged&limit=1&cursor=x${cursor}`)).status).toBe(400);
    expect((await service.get(`/api/runs?session_id=forged&limit=1&cursor=${cursor}`)).status).toBe(200);
  });

  test('full text search says that it does not exist yet', async () => {
    expect((await service.get('/api/runs?q=meadow')).status).toBe(501);
  });
});
