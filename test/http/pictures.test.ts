import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecutionItem } from '../../src/events/item.ts';
import { bundledVision } from '../../src/safety/bundled-models.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { type Asked, guardModel, type House, openHouse, visionModel } from '../house.ts';
import { pictureOf } from '../pipeline/backends/openrouter-image-server.ts';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

/** What the seeing model and the guard say. */
let seen = 'A flower on a meadow.';
let verdict = 'safe';
const answer = ({ model }: Asked): string | undefined =>
  model === visionModel.name ? seen : model === guardModel.name ? verdict : undefined;

let house: House;
let service: LedgerService;
let folder: string;
beforeAll(async () => {
  house = await openHouse(answer);
  folder = await mkdtemp(join(tmpdir(), 'runledger-policy-'));
  const file = join(folder, 'policy.json');
  await writeFile(file, JSON.stringify({ ...bundledPolicy, id: 'house', version: 1, vision: bundledVision }));
  service = await startLedgerService({ ...house.settings, RUNLEDGER_POLICY: file });
});
afterAll(async () => {
  await service.close();
  await house.close();
  await rm(folder, { recursive: true });
});

let seed = 0;

async function run(more: object = {}): Promise<Record<string, unknown> & { items: ExecutionItem[] }> {
  const reply = await service.post('/api/schema/pipeline/execute', {
    schema: 'dada',
    input_text: 'Eine Blume auf der Wiese',
    seed: (seed += 1),
    ...more,
  });
  const { json } = await service.get(`/api/runs/${String(reply.json['execution_id'])}`);
  return json as Record<string, unknown> & { items: ExecutionItem[] };
}

const typesFrom = (items: readonly ExecutionItem[], first: string): string[] => {
  const types = items.map(({ item_type }) => item_type).filter((type) => type !== 'usage_recorded');
  return types.slice(types.indexOf(first));
};
const itemOf = (items: readonly ExecutionItem[], type: string): ExecutionItem | undefined =>
  items.find(({ item_type }) => item_type === type);

async function upload(bytes: Uint8Array): Promise<string> {
  const form = new FormData();
  form.set('file', new Blob([Uint8Array.from(bytes)], { type: 'image/png' }), 'mine.png');
  const reply = await fetch(`${service.url}/api/media`, { method: 'POST', body: form });
  expect(reply.status).toBe(201);
  return String(((await reply.json()) as { sha256: unknown }).sha256);
}

test('a picture that was made is described, then judged: two records, and then it is delivered', async () => {
  [seen, verdict] = ['A flower on a meadow.', 'safe'];
  const { items, ...record } = await run();
  expect(typesFrom(items, 'step_started').slice(-5)).toEqual([
    'step_started',
    'medium_described',
    'stage4_safety_check',
    'output_image',
    'pipeline_complete',
  ]);
  const picture = itemOf(items, 'output_image');
  const sha256 = picture?.metadata['sha256'];
  expect(itemOf(items, 'medium_described')).toMatchObject({
    stage: 4,
    loop_iteration: 1,
    content: seen,
    model_used: visionModel.name,
    backend_used: 'ollama',
    metadata: { sha256, model_digest: visionModel.digest, policy: { id: 'house', version: 1 } },
  });
  expect(itemOf(items, 'stage4_safety_check')).toMatchObject({
    loop_iteration: 1,
    model_used: guardModel.name,
    metadata: {
      sha256,
      verdict: 'safe',
      check_point: 'post_output',
      checked: { role: 'image' },
      enforcement: { action: 'allow', basis: 'evaluated' },
    },
  });
  expect(record).toMatchObject({ status: 'completed', outputs_generated: 1, findings: [] });
});

test.each([
  ['that shows what may not be shown', 'A wounded man.', 'unsafe\nS1', 'unsafe', 'evaluated'],
  ['of which nobody can say what it shows', '', 'safe', 'indeterminate', 'fail_closed'],
])('a picture %s is withheld: never stored, never served', async (_, told, judged, expected, basis) => {
  [seen, verdict] = [told, judged];
  const { items, ...record } = await run();
  expect(typesFrom(items, 'stage4_safety_check')).toEqual([
    'stage4_safety_check',
    'stage4_blocked',
    'pipeline_complete',
  ]);
  const check = itemOf(items, 'stage4_safety_check');
  expect(check?.metadata).toMatchObject({ verdict: expected, enforcement: { action: 'block', basis } });
  expect(record).toMatchObject({
    status: 'completed',
    outputs_generated: 0,
    outputs_blocked: 1,
    result: { media: [] },
    findings: [],
  });
  const { status } = await service.get(`/api/media/${String(check?.metadata['sha256'])}`);
  expect(status).toBe(404);
});

test('a picture that a person hands in is looked at before anything is made of it, and named by the input', async () => {
  [seen, verdict] = ['A cat.', 'safe'];
  const sha256 = await upload(pictureOf('mine', 1));
  const { items, ...record } = await run({ input_images: [sha256] });
  expect(itemOf(items, 'user_input_image')).toMatchObject({
    file_path: `/api/media/${sha256}`,
    metadata: { sha256, format: 'png', image_size: '48x32' },
  });
  expect(itemOf(items, 'stage1_safety_check_image')).toMatchObject({
    content: 'A cat.',
    metadata: { verdict: 'safe', check_point: 'upload', sha256 },
  });
  expect(record).toMatchObject({ status: 'completed', findings: [] });
});

test('a picture that may not be shown ends the run as blocked', async () => {
  [seen, verdict] = ['A wounded man.', 'unsafe\nS1'];
  const { items, ...record } = await run({ input_images: [await upload(pictureOf('bad', 2))] });
  expect(typesFrom(items, 'stage1_safety_check_image')).toEqual([
    'stage1_safety_check_image',
    'stage1_blocked',
  ]);
  expect(record).toMatchObject({ status: 'blocked', findings: [] });
});

test('where the policy looks at no pictures, that is recorded for each, and the pictures go to the cloud model with the text', async () => {
  [seen, verdict] = ['', 'safe'];
  const bytes = pictureOf('grown-up', 3);
  const sha256 = await upload(bytes);
  const { items, ...record } = await run({
    input_images: [`/api/media/${sha256}`],
    safety_level: 'adult',
    execution_mode: 'fast',
  });
  expect(itemOf(items, 'safety_check_skipped')?.metadata).toMatchObject({
    reason: 'checker_disabled',
    allowed_by: 'policy:house',
    check_point: 'upload',
    sha256,
  });
  expect(record).toMatchObject({ status: 'completed', outputs_generated: 1, findings: [] });
  expect(house.openrouter.requests.at(-1)?.text).toContain(bytes.toString('base64'));
  expect(itemOf(items, 'output_image')?.metadata['request']).toMatchObject({ input_images: 1 });
});
