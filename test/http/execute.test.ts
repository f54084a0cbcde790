import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../src/events/catalogue.ts';
import type { ExecutionItem } from '../../src/events/item.ts';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
});
afterAll(() => service.close());

const execute = (schema: string, input: string, more: object = {}): Promise<Reply> =>
  service.post('/api/schema/pipeline/execute', { schema, input_text: input, ...more });

const idOf = (reply: Reply): string => String(reply.json['execution_id']);

/** What domain.md's lists name: journey and decision items, without control and log items between them. */
async function journey(reply: Reply): Promise<string[]> {
  const { json } = await service.get(`/api/runs/${idOf(reply)}`);
  const kinds: Readonly<Record<string, { readonly kind: string }>> = catalogue;
  return (json['items'] as ExecutionItem[])
    .map(({ item_type }) => item_type)
    .filter((type) => ['journey', 'decision'].includes(kinds[type]?.kind ?? ''));
}

const opening = ['pipeline_start', 'user_input_text', 'stage1_safety_check', 'translation_result'];
const output = ['stage3_safety_check', 'output_image'];

test('the demo run has the journey of one image, and its export equals the record', async () => {
  const reply = await execute('dada', 'Eine Blume auf der Wiese');
  expect(reply.status).toBe(200);
  expect(reply.json).toMatchObject({
    status: 'success',
    schema: 'dada',
    config_name: 'dada',
    input_text: 'Eine Blume auf der Wiese',
    media_output: { status: 'success', media_type: 'image' },
  });
  expect(await journey(reply)).toEqual([...opening, 'interception_final', ...output, 'pipeline_complete']);
  const id = String(reply.json['execution_id']);
  const record = await service.get(`/api/runs/${id}`);
  const exported = await service.get(`/api/runs/${id}/export/json`);
  expect(exported.headers.get('content-disposition')).toBe(`attachment; filename="${id}.json"`);
  expect(exported.json).toEqual(record.json);
  expect(record.json['status']).toBe('completed');
  expect(record.json['findings']).toEqual([]);
});

test('the picture of a run is served by its digest, as what it is', async () => {
  const reply = await execute('dada', 'a red square and a blue line');
  const { output: path } = reply.json['media_output'] as { output: string };
  const answer = await fetch(`${service.url}${path}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect(answer.headers.get('content-type')).toBe('image/png');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(bytes.subarray(1, 4).toString()).toBe('PNG');
});

test('two outputs have a decision each', async () => {
  const reply = await execute('image_comparison', 'Eine Blume');
  expect(reply.json['media_output_count']).toBe(2);
  expect(await journey(reply)).toEqual([
    ...opening,
    'interception_final',
    ...output,
    ...output,
    'pipeline_complete',
  ]);
});

test('the telephone game records its eight steps', async () => {
  const reply = await execute('stillepost', 'Eine Blume auf der Wiese', { seed: 7 });
  const steps = Array.from({ length: 8 }, () => 'interception_iteration');
  expect(await journey(reply)).toEqual([
    ...opening,
    ...steps,
    'interception_final',
    ...output,
    'pipeline_complete',
  ]);
  expect(reply.json['steps_completed']).toBe(8);
});

test('an input that the law list refuses is 403, and a run of its own', async () => {
  const reply = await execute('dada', 'Malt ein Hakenkreuz an die Wand');
  expect(reply.status).toBe(403);
  expect(reply.json).toMatchObject({
    status: 'error',
    schema: 'dada',
    metadata: { stage: 'pre_interception' },
  });
  expect(await journey(reply)).toEqual([
    'pipeline_start',
    'user_input_text',
    'stage1_safety_check',
    'stage1_blocked',
  ]);
  const { json } = await service.get(`/api/runs/${idOf(reply)}`);
  expect(json).toMatchObject({ status: 'blocked', is_terminal: true, outputs_generated: 0 });
});

test('the same prompt with the same seed gives the same picture, another prompt another one', async () => {
  const picture = async (text: string): Promise<unknown> =>
    ((await execute('passthrough', text, { seed: 11 })).json['media_output'] as { output: string }).output;
  const first = await picture('a house by the sea');
  expect(await picture('a house by the sea')).toBe(first);
  expect(await picture('a house in the wood')).not.toBe(first);
});

test('an unknown workflow is refused before any event is written', async () => {
  const before = await service.signedHead();
  const reply = await execute('nowhere', 'a');
  expect(reply.status).toBe(404);
  expect(reply.headers.get('content-type')).toContain('application/problem+json');
  expect(await service.ledger.head()).toBe(before);
});

test('twelve runs at once are each recorded whole', async () => {
  const replies = await Promise.all(
    Array.from({ length: 12 }, (_, index) => execute('dada', `tablet ${index}`)),
  );
  for (const reply of replies) {
    expect(await journey(reply)).toEqual([...opening, 'interception_final', ...output, 'pipeline_complete']);
  }
  expect(new Set(replies.map(({ json }) => json['execution_id'])).size).toBe(12);
});
