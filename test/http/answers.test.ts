import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import {
  executed,
  importReport,
  notExecuted,
  recorded,
  runHeader,
  runList,
  runRecord,
  runStats,
  workflowList,
  workflowPut,
  workflowVersion,
  workflowVersions,
} from '../../src/http/answers.ts';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
});
afterAll(() => service.close());

const fits = (schema: z.ZodType, reply: Reply, status: number): void => {
  expect(reply.status).toBe(status);
  expect(schema.safeParse(reply.json).error?.issues ?? []).toEqual([]);
};

test('every answer has the shape that /openapi.json tells of it', async () => {
  const folder = new URL('../fixtures/records/', import.meta.url);
  const records = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
  fits(importReport, await service.post('/api/runs/import', `[${records.join(',')}]`), 200);

  const execute = '/api/schema/pipeline/execute';
  fits(executed, await service.post(execute, { schema: 'image_comparison', input_text: 'Eine Blume' }), 200);
  fits(notExecuted, await service.post(execute, { schema: 'dada', input_text: 'Malt ein Hakenkreuz' }), 403);

  const begun = await service.post('/api/runs', { config_name: 'dada' });
  fits(runHeader, begun, 201);
  const id = String(begun.json['execution_id']);
  fits(recorded, await service.post(`/api/runs/${id}/items`, { item_type: 'my_step' }), 201);

  const workflows = '/api/workflows';
  fits(workflowList, await service.get(workflows), 200);
  const dada = await service.get(`${workflows}/dada`);
  fits(workflowVersion, dada, 200);
  const changed = { ...(dada.json['document'] as object), visibility: 'private' };
  fits(workflowPut, await service.put(`${workflows}/dada`, changed, { 'if-match': '"1"' }), 200);
  fits(workflowVersions, await service.get(`${workflows}/dada/versions`), 200);
  fits(workflowVersion, await service.get(`${workflows}/dada/versions/1`), 200);

  const list = await service.get('/api/runs?limit=100');
  fits(runList, list, 200);
  fits(runList, await service.get('/api/runs?limit=3&cursor='), 200);
  fits(runStats, await service.get('/api/runs/stats'), 200);
  for (const { execution_id } of list.json['executions'] as { execution_id: string }[]) {
    fits(runRecord, await service.get(`/api/runs/${execution_id}`), 200);
  }
});

test('an imported fixture comes back over HTTP with its export equal to its record', async () => {
  const { json } = await service.get('/api/runs?limit=100&status=completed,failed,blocked,incomplete');
  const ids = (json['executions'] as { execution_id: string }[]).map(({ execution_id }) => execution_id);
  expect(ids).toContain('exec_20251103_205239_896e054c');
  for (const id of ids) {
    const record = await service.get(`/api/runs/${id}`);
    expect((await service.get(`/api/runs/${id}/export/json`)).json).toEqual(record.json);
    expect((await service.get(`/api/runs/${id}?at=2099-01-01T00:00:00Z`)).json).toEqual(record.json);
  }
});
