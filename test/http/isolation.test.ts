import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogued } from '../../src/events/catalogue.ts';
import type { ExecutionItem } from '../../src/events/item.ts';
import { type House, openHouse } from '../house.ts';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

let house: House;
let service: LedgerService;
beforeAll(async () => {
  house = await openHouse();
  service = await startLedgerService(house.settings);
});
afterAll(async () => {
  await service.close();
  await house.close();
});

const runs = 50;
const sessions = 12;
const workflows = ['dada', 'stillepost', 'image_comparison'];

const seedOf = (nth: number): number => 910_000 + nth;
const inputOf = (nth: number): string => `A flower for marker-${nth}-end on the meadow`;
const markersIn = (text: string): number[] => [
  ...new Set([...text.matchAll(/marker-(\d+)-end/g)].map(([, nth]) => Number(nth))),
];
const seedsIn = (text: string): number[] => [
  ...new Set([...text.matchAll(/\b910\d{3}\b/g)].map(([seed]) => Number(seed))),
];

type Ended = Record<string, unknown> & { readonly items: readonly ExecutionItem[] };

async function ended(id: string): Promise<Ended> {
  for (;;) {
    const { json } = await service.get(`/api/runs/${id}`);
    if (json['is_terminal'] === true) return json as Ended;
  }
}

test('50 runs at once over 12 sessions: no text, seed or picture of one run is in another, and each is in order', async () => {
  const started = await Promise.all(
    Array.from({ length: runs }, (_, nth) =>
      service.post(`/api/workflows/${workflows[nth % workflows.length] ?? ''}/execute`, {
        input_text: inputOf(nth),
        session_id: `tablet-${nth % sessions}`,
        user_id: `pupil-${nth}`,
        seed: seedOf(nth),
      }),
    ),
  );
  for (const [nth, { json }] of started.entries()) {
    const record = await ended(String(json['execution_id']));
    const workflow = workflows[nth % workflows.length];
    expect(record).toMatchObject({
      status: 'completed',
      workflow_id: workflow,
      session_id: `tablet-${nth % sessions}`,
      user_id: `pupil-${nth}`,
      used_seed: seedOf(nth),
      findings: [],
    });
    const text = JSON.stringify(record);
    expect(markersIn(text)).toEqual([nth]);
    expect(seedsIn(text)).toEqual([seedOf(nth)]);
    expect(record.items.map((item) => item.sequence_number)).toEqual(record.items.map((_, at) => at + 1));
    expect(journeyOf(record.items)).toEqual(journeys[workflow ?? '']);
    const pictures = record.items.filter((item) => item.backend_used === 'comfyui' && item.file_path);
    expect(pictures).toHaveLength(1);
    for (const { file_path } of pictures) {
      const answer = await fetch(`${service.url}${file_path}`);
      const bytes = Buffer.from(await answer.arrayBuffer()).toString('latin1');
      expect(markersIn(bytes)).toEqual([nth]);
      expect(seedsIn(bytes)).toEqual([seedOf(nth)]);
    }
  }
});

const journeyOf = (items: readonly ExecutionItem[]): string[] =>
  items
    .map(({ item_type }) => item_type)
    .filter((type) => ['journey', 'decision'].includes(catalogued(type)?.kind ?? ''));

const opening = ['pipeline_start', 'user_input_text', 'stage1_safety_check', 'translation_result'];
const output = ['stage3_safety_check', 'output_image'];
const journeys: Readonly<Record<string, readonly string[]>> = {
  dada: [...opening, 'interception_final', ...output, 'pipeline_complete'],
  image_comparison: [...opening, 'interception_final', ...output, ...output, 'pipeline_complete'],
  stillepost: [
    ...opening,
    ...Array.from({ length: 8 }, () => 'interception_iteration'),
    'interception_final',
    ...output,
    'pipeline_complete',
  ],
};
