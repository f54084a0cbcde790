import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bulkExport, bulkExportBegun, bulkExports } from '../../src/http/answers.ts';
import { recordRuns } from '../service/export-bench.ts';
import { readZip } from '../read-zip.ts';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
  await recordRuns(service.ledger.service.recorder, 20);
  const head = await service.ledger.head();
  await service.ledger.projector.waitFor(head ?? '', 10_000);
});
afterAll(() => service.close());

async function finished(id: string) {
  for (;;) {
    const { json } = await service.get(`/api/exports/${id}`);
    if (json['status'] !== 'queued' && json['status'] !== 'running') return json;
  }
}

const begin = async (body: unknown, headers?: Record<string, string>) =>
  service.post('/api/exports', body, headers);

describe('POST /api/exports', () => {
  test('answers 202 at once, then the progress, then one ZIP with every run that matches', async () => {
    const filter = { status: 'failed,blocked,cancelled' };
    const begun = await begin({ filter, format: 'json', view: 'teacher', include: ['logs'] });
    expect(begun.status).toBe(202);
    expect(bulkExportBegun.strict().safeParse(begun.json).error).toBeUndefined();
    const id = String(begun.json['export_id']);
    expect(id).toMatch(/^export_\d{8}_\d{6}_[0-9a-f]{8}$/);
    expect(begun.headers.get('location')).toBe(`/api/exports/${id}`);

    const job = await finished(id);
    expect(bulkExport.strict().safeParse(job).error).toBeUndefined();
    expect(job).toMatchObject({
      export_id: id,
      status: 'finished',
      format: 'json',
      view: 'teacher',
      language: 'en',
      include: ['logs'],
      filter,
      progress: { done: 6, total: 6, errors: 0 },
      error: null,
    });
    const { href, size_bytes, sha256 } = job['file'] as { href: string; size_bytes: number; sha256: string };
    const answer = await fetch(`${service.url}${href}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-length': String(size_bytes),
      'content-disposition': `attachment; filename="${id}.zip"`,
      'content-digest': `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`,
      'cache-control': 'private, no-cache',
      'x-content-type-options': 'nosniff',
    });
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    const files = await readZip(bytes);
    expect(JSON.parse(String(files.get('manifest.json')))).toMatchObject({
      by_status: { failed: 2, blocked: 2, cancelled: 2 },
    });
  });

  test('with an Idempotency-Key starts one export and answers the same, whatever has become of it', async () => {
    const body = { filter: { config: 'dada' }, format: 'json' };
    const key = { 'idempotency-key': 'export-1' };
    const first = await begin(body, key);
    await finished(String(first.json['export_id']));
    const again = await begin(body, key);
    expect(again).toMatchObject({ status: 202, json: first.json });
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(await begin({ ...body, view: 'student' }, key)).toMatchObject({ status: 422 });
    // A key that started a run starts no export.
    expect(
      (
        await service.post(
          '/api/workflows/dada/execute',
          { input_text: 'Eine Blume' },
          { 'idempotency-key': 'run-1' },
        )
      ).status,
    ).toBe(202);
    expect(await begin(body, { 'idempotency-key': 'run-1' })).toMatchObject({ status: 422 });
    await service.restart();
    expect(await begin(body, key)).toMatchObject({ status: 202, json: first.json });
  });

  const format = 'json';
  test.each([
    ['no filter', { format }, 400, '/filter'],
    ['no format', { filter: {} }, 400, '/format'],
    ['an unknown member', { filter: {}, format, colour: 'red' }, 400, '/'],
    ['an unknown filter', { filter: { colour: 'red' }, format }, 400, '/filter'],
    ['a page', { filter: { limit: '5' }, format }, 400, '/filter'],
    ['a status that there is not', { filter: { status: 'failed,odd' }, format }, 400, undefined],
    ['a day that there is not', { filter: { date: '2026-02-31' }, format }, 400, undefined],
    ['two workflows', { filter: { config: 'a', workflow_id: 'b' }, format }, 400, undefined],
    ['a time without a zone', { filter: { from: '2026-01-01T00:00:00' }, format }, 400, undefined],
    ['a full text', { filter: { q: 'Blume' }, format }, 501, undefined],
    ['an unknown view', { filter: {}, format, view: 'parent' }, 400, '/view'],
    ['an unknown addition', { filter: {}, format, include: ['media'] }, 400, '/include/0'],
    ['an unknown language', { filter: {}, format, lang: 'fr' }, 400, '/lang'],
    ['a choice that the format does not take', { filter: {}, format, lang: 'de' }, 400, undefined],
    ['text instead of an object', '"json"', 400, undefined],
  ])('refuses %s, and starts nothing', async (_, body, status, pointer) => {
    const total = (await service.get('/api/exports')).json['total'];
    const refused = await begin(body);
    expect(refused.status).toBe(status);
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    if (pointer !== undefined)
      expect(refused.json['errors']).toContainEqual(expect.objectContaining({ pointer }));
    expect((await service.get('/api/exports')).json['total']).toBe(total);
  });

  test('refuses a format like the export of one run does', async () => {
    const [run] = (await service.get('/api/runs?limit=1')).json['executions'] as { execution_id: string }[];
    const many = await begin({ filter: {}, format: 'odt' });
    const one = await service.get(`/api/runs/${run?.execution_id}/export/odt`);
    expect(many.status).toBe(400);
    expect({ ...many.json, instance: '' }).toEqual({ ...one.json, instance: '' });
  });
});

describe('exports', () => {
  test('are listed newest first, in pages', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const { json } = await begin({ filter: { config: 'none-such' }, format: 'json' });
      ids.unshift(String(json['export_id']));
      await finished(ids[0] ?? '');
    }
    const list = await service.get('/api/exports?limit=2&offset=1');
    expect(bulkExports.strict().safeParse(list.json).error).toBeUndefined();
    expect(list.json).toMatchObject({ limit: 2, offset: 1, returned: 2 });
    expect((list.json['exports'] as { export_id: string }[]).map(({ export_id }) => export_id)).toEqual(
      ids.slice(1),
    );
    for (const query of ['limit=0', 'limit=101', 'offset=-1', 'page=2'])
      expect((await service.get(`/api/exports?${query}`)).status).toBe(400);
  });

  test('that nobody asked for are 404 at every address', async () => {
    for (const id of ['export_20260101_000000_00000000', 'nothing', '..%2Flog']) {
      for (const path of ['', '/file'])
        expect(await service.get(`/api/exports/${id}${path}`)).toMatchObject({
          status: 404,
          json: { type: 'urn:runledger:error:export-not-found' },
        });
      for (const action of ['cancel', 'resume'])
        expect((await service.post(`/api/exports/${id}/${action}`, {})).status).toBe(404);
    }
  });

  test('that are finished are neither cancelled nor resumed: 409 with their status', async () => {
    const { json } = await begin({ filter: { config: 'none-such' }, format: 'json' });
    const id = String(json['export_id']);
    await finished(id);
    for (const action of ['cancel', 'resume'])
      expect(await service.post(`/api/exports/${id}/${action}`, {})).toMatchObject({
        status: 409,
        json: { export_id: id, current_status: 'finished' },
      });
  });

  test('that wait or run have no file yet (409), and are cancelled for good', async () => {
    // Enough of them that the last has not begun when it is cancelled.
    const begun = await Promise.all(Array.from({ length: 5 }, () => begin({ filter: {}, format: 'json' })));
    const id = String(begun.at(-1)?.json['export_id']);
    expect(await service.get(`/api/exports/${id}/file`)).toMatchObject({
      status: 409,
      json: { type: 'urn:runledger:error:export-status' },
    });
    const cancelled = await service.post(`/api/exports/${id}/cancel`, {});
    expect(cancelled).toMatchObject({
      status: 200,
      json: { export_id: id, status: 'cancelled', file: null },
    });
    expect((await service.post(`/api/exports/${id}/cancel`, {})).status).toBe(200);
    expect((await service.post(`/api/exports/${id}/resume`, {})).status).toBe(409);
    expect((await service.get(`/api/exports/${id}/file`)).status).toBe(409);
  });

  test('are steered by POST only, and read by GET only', async () => {
    for (const [method, path] of [
      ['DELETE', '/api/exports'],
      ['PUT', '/api/exports/x'],
    ] as const) {
      const answer = await fetch(`${service.url}${path}`, { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toContain('GET');
    }
  });
});
