import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
});
afterAll(() => service.close());

const idOf = (reply: Reply): string => String(reply.json['execution_id']);
const total = async (): Promise<unknown> => (await service.get('/api/runs?limit=1')).json['total'];

/** The record once the run has ended. */
async function ended(id: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { json } = await service.get(`/api/runs/${id}`);
    if (json['is_terminal'] === true) return json;
  }
}

describe('starting without waiting', () => {
  test('answers 202 at once, with the address and the status pending, and the run goes its way', async () => {
    const reply = await service.post('/api/workflows/dada/execute', {
      input_text: 'Eine Blume auf der Wiese',
      scope_type: 'course',
      scope_id: 'art-7b',
      session_id: 'tablet-3',
      seed: 7,
    });
    expect(reply.status).toBe(202);
    expect(Object.keys(reply.json).sort()).toEqual(['created_at', 'execution_id', 'status', 'workflow_id']);
    expect(reply.json).toMatchObject({ workflow_id: 'dada', status: 'pending' });
    expect(reply.headers.get('location')).toBe(`/api/runs/${idOf(reply)}`);
    const record = await ended(idOf(reply));
    expect(record).toMatchObject({
      status: 'completed',
      started_at: reply.json['created_at'],
      scope_type: 'course',
      scope_id: 'art-7b',
      session_id: 'tablet-3',
      used_seed: 7,
      findings: [],
    });
  });

  test.each([
    ['/api/executions', { workflow_id: 'dada', input: { text: 'Ein Haus' } }],
    ['/api/executions/', { workflow_id: 'dada', input_text: 'Ein Haus' }],
    ['/executions', { workflow_id: 'dada', input_text: 'Ein Haus' }],
    ['/api/schema/pipeline/execute', { schema: 'dada', input_text: 'Ein Haus', wait: false }],
  ])('POST %s does the same', async (path, body) => {
    const reply = await service.post(path, body);
    expect(reply.status).toBe(202);
    expect(await ended(idOf(reply))).toMatchObject({ status: 'completed', workflow_id: 'dada' });
  });

  test.each([
    ['an unknown workflow', 404, '/api/workflows/dado/execute', { input_text: 'a' }],
    ['no input', 400, '/api/workflows/dada/execute', {}],
    ['two inputs', 400, '/api/workflows/dada/execute', { input_text: 'a', input: { text: 'b' } }],
    ['half a scope', 400, '/api/workflows/dada/execute', { input_text: 'a', scope_type: 'course' }],
    [
      'a picture that nobody uploaded',
      400,
      '/api/workflows/dada/execute',
      { input: { text: 'a', images: ['0'.repeat(64)] } },
    ],
    ['a workflow twice', 400, '/api/workflows/dada/execute', { input_text: 'a', workflow_id: 'dada' }],
    ['no workflow', 400, '/api/executions', { input_text: 'a' }],
  ])('%s is refused with %i, and writes no event', async (_, status, path, body) => {
    const before = await service.signedHead();
    const reply = await service.post(path, body);
    expect(reply.status).toBe(status);
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
    expect(await service.ledger.head()).toEqual(before);
  });
});

describe('an Idempotency-Key', () => {
  const body = { input_text: 'Ein Berg' };
  const start = (key: string, sent: unknown = body, path = '/api/workflows/dada/execute') =>
    service.post(path, sent, { 'idempotency-key': key });

  test('with the same body starts one run, and gets the very same answer each time', async () => {
    const before = Number(await total());
    const burst = await Promise.all(Array.from({ length: 12 }, () => start('burst-1')));
    const answered = burst.filter(({ status }) => status === 202);
    expect(new Set(answered.map(({ text }) => text)).size).toBe(1);
    // Whoever came while the first was being started was told so.
    expect(burst.filter(({ status }) => status === 409).length + answered.length).toBe(12);
    for (const { json } of burst.filter(({ status }) => status === 409))
      expect(json['type']).toBe('urn:runledger:error:request-in-flight');
    const again = await start('burst-1');
    expect(again.text).toBe(answered[0]?.text);
    await ended(idOf(again));
    expect((await start('burst-1')).text).toBe(answered[0]?.text);
    expect(await total()).toBe(before + 1);
  });

  test('with another body, or for another workflow, is 422 REQUEST_KEY_REUSED', async () => {
    await start('reused-1');
    for (const reply of [
      await start('reused-1', { input_text: 'Ein Tal' }),
      await start('reused-1', body, '/api/workflows/bauhaus/execute'),
    ]) {
      expect(reply.status).toBe(422);
      expect(reply.json['type']).toBe('urn:runledger:error:request-key-reused');
    }
  });

  test('of a request that waits gets its answer again, and 409 while it has not ended (REQUEST_IN_FLIGHT)', async () => {
    const waiting = { schema: 'stillepost', input_text: 'Ein Fluss', seed: 3 };
    const first = start('waiting-1', waiting, '/api/schema/pipeline/execute');
    const second = await start('waiting-1', waiting, '/api/schema/pipeline/execute');
    const answer = await first;
    const early = [answer, second].filter(({ status }) => status === 409);
    expect(early).toHaveLength(1);
    expect(early[0]?.headers.get('retry-after')).toBe('1');
    const done = answer.status === 200 ? answer : second;
    const again = await start('waiting-1', waiting, '/api/schema/pipeline/execute');
    expect(again.text).toBe(done.text);
  });

  test('stands in the log as an HMAC only, and survives a restart', async () => {
    const reply = await start('secret-key-7');
    const id = idOf(reply);
    await ended(id);
    const { text } = await service.get(`/api/runs/${id}`);
    expect(text).not.toContain('secret-key-7');
    await service.restart();
    expect((await start('secret-key-7')).text).toBe(reply.text);
    expect((await start('secret-key-7', { input_text: 'Ein Tal' })).status).toBe(422);
  });

  test.each(['', 'two words', 'x'.repeat(256)])('that is no key is refused: "%s"', async (key) => {
    const refused = await start(key);
    expect(refused.status).toBe(400);
    expect(refused.json['errors']).toMatchObject([{ pointer: 'headers/idempotency-key' }]);
  });
});

describe('steering over HTTP', () => {
  test('a paused run says so, goes on when resumed, and a cancelled one stays cancelled', async () => {
    const { json } = await service.post('/api/workflows/stillepost/execute', { input_text: 'Ein Weg' });
    const id = String(json['execution_id']);
    const paused = await service.post(`/api/runs/${id}/pause`, { reason: 'lunch' });
    expect([paused.status, paused.json]).toEqual([
      200,
      { execution_id: id, status: 'paused', cancelled_at: null },
    ]);
    expect((await service.get(`/api/runs/${id}`)).json['status']).toBe('paused');
    const cancelled = await service.post(`/api/executions/${id}/cancel`, { reason: 'enough' });
    expect([200, 202]).toContain(cancelled.status);
    const record = await ended(id);
    expect(record).toMatchObject({ status: 'cancelled', findings: [] });
    const again = await service.post(`/api/runs/${id}/cancel`, {});
    expect(again.status).toBe(200);
    expect(again.json['cancelled_at']).toBe(record['cancelled_at']);
    for (const action of ['pause', 'resume']) {
      const refused = await service.post(`/api/runs/${id}/${action}`, {});
      expect(refused.status).toBe(409);
      expect(refused.json).toMatchObject({ current_status: 'cancelled' });
    }
  });

  test('a body without a reason, and no body at all, will do; rubbish is 400', async () => {
    const { json } = await service.post('/api/workflows/dada/execute', { input_text: 'Ein Weg' });
    const path = `/api/runs/${String(json['execution_id'])}/cancel`;
    expect((await service.post(path, { reason: 7 })).status).toBe(400);
    expect((await service.post(path, { why: 'x' })).status).toBe(400);
    const bare = await fetch(`${service.url}${path}`, { method: 'POST' });
    expect([200, 202, 409]).toContain(bare.status);
  });
});
