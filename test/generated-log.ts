import { createHash } from 'node:crypto';
import type { StoredEvent } from '../src/events/stored-event.ts';
import { streamOf } from '../src/run/record.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.ts';
import { randomFrom, readyEvents, type Recorded } from './recorded-runs.ts';

const pick = <T>(random: () => number, values: readonly T[]): T => {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new TypeError('nothing to pick from');
  return value;
};

const start = Date.parse('2025-11-03T20:00:00Z');
const timeAt = (ms: number): string => new Date(start + ms).toISOString();

/** One run of any kind: every status, level, mode and output type comes up among some hundred. */
function itemsOf(random: () => number, startMs: number): Recorded[] {
  const config = pick(random, ['dada', 'bauhaus', 'stillepost']);
  const media = pick(random, ['output_image', 'output_music', 'output_3d'] as const);
  const actor = pick(random, ['service', 'service', 'client', 'importer'] as const);
  let ms = startMs;
  const item = (draft: Omit<Recorded, 'time'>): Recorded => ({ ...draft, actor, time: timeAt((ms += 700)) });
  const scoped = random() < 0.5;
  const keyed =
    startMs % 3 === 0 ? createHash('sha256').update(String(startMs)).digest('base64url') : undefined;
  const items: Recorded[] = [
    {
      item_type: 'pipeline_start',
      stage: 0,
      time: timeAt(startMs),
      actor,
      metadata: {
        config_name: config,
        execution_mode: pick(random, ['eco', 'fast']),
        safety_level: pick(random, ['kids', 'youth', 'adult', 'research']),
        ...(keyed === undefined ? {} : { request_body: keyed }),
      },
      request: keyed,
      user_id: pick(random, ['anonymous', 'ada', 'grace hopper', '#1', 'ü'.repeat(200)]),
      session_id: pick(random, ['default', 'morning', 'afternoon']),
      ...(scoped
        ? { record: { scope_type: pick(random, ['course', 'room']), scope_id: pick(random, ['1', '2']) } }
        : {}),
    },
    item({ item_type: 'user_input_text', stage: 1, media_type: 'text', content: 'Eine Blume auf der Wiese' }),
  ];
  const end = pick(random, [
    'complete',
    'complete',
    'error',
    'block',
    'cancel',
    'open',
    'pause',
    'ask',
    'claim',
  ]);
  if (end === 'block') return [...items, item({ item_type: 'stage1_blocked', stage: 1, content: 'Nein.' })];
  if (end === 'claim') return [...items, item({ item_type: 'run_claimed' })];
  if (end === 'pause') return [...items, item({ item_type: 'run_paused' })];
  if (end === 'ask') return [...items, item({ item_type: 'clarification_requested' })];
  if (end === 'open') return items;
  items.push(
    item({ item_type: 'interception_final', stage: 2, media_type: 'text', content: 'A clock ticks.' }),
  );
  for (let loop = 1; loop <= Math.floor(random() * 3); loop++) {
    items.push(
      item({
        item_type: 'stage3_safety_check',
        stage: 3,
        loop_iteration: loop,
        metadata: { safe: true, method: 'fast_filter' },
      }),
      item({
        item_type: media,
        stage: 4,
        loop_iteration: loop,
        media_type: media === 'output_image' ? 'image' : media === 'output_music' ? 'music' : '3d',
        file_path: '/api/media/abc',
      }),
    );
  }
  if (end === 'error')
    items.push(item({ item_type: 'pipeline_error', stage: 2, metadata: { error_type: 'timeout' } }));
  if (end === 'cancel')
    items.push(item({ item_type: 'cancel_requested' }), item({ item_type: 'run_cancelled' }));
  if (end === 'complete') items.push(item({ item_type: 'pipeline_complete', stage: 5 }));
  return items;
}

export type GeneratedLog = { readonly store: MemoryStore; readonly ids: readonly string[] };

/**
 * A log of `runs` runs, up to 16 open at a time. Most begin in the order of time; some at the same instant as the one
 * before, some a little earlier, and a stretch of old ones arrives late, as an import does.
 */
export function generateLog(runs: number, seed = 1): GeneratedLog {
  const random = randomFrom(seed);
  const store = createMemoryStore();
  const ids: string[] = [];
  const open: { readonly stream: string; readonly events: StoredEvent[] }[] = [];
  let ms = 0;
  const emitFrom = (index: number): void => {
    const run = open[index];
    const next = run?.events.splice(0, 1 + Math.floor(random() * 3)) ?? [];
    if (run !== undefined && next.length > 0) store.add(run.stream, next);
    if (run?.events.length === 0) open.splice(index, 1);
  };
  for (let run = 0; run < runs; run++) {
    const kind = random();
    const isImport = run > runs * 0.6 && run < runs * 0.65;
    if (!isImport && kind > 0.1) ms += Math.floor(random() * 3_600_000);
    const startMs = isImport
      ? Math.floor(random() * ms)
      : kind < 0.03
        ? ms - Math.floor(random() * 60_000)
        : ms;
    // Ids that do not rise with time, so that ties are decided by them alone.
    const id = `exec_${Math.floor(random() * 1e9).toString(16)}_${run}`;
    ids.push(id);
    open.push({
      stream: streamOf(id),
      events: readyEvents(id, itemsOf(random, startMs)) as StoredEvent[],
    });
    // The first events arrive in the order of `run`, or ties would not be what they say.
    emitFrom(open.length - 1);
    while (open.length > 16 || (open.length > 0 && random() < 0.8))
      emitFrom(Math.floor(random() * open.length));
  }
  while (open.length > 0) emitFrom(0);
  return { store, ids };
}
