import { createHash } from 'node:crypto';
import type { Delivery, EventStore } from '../../src/event-store/port.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { chainStart } from '../../src/events/digest.ts';
import { placeItem, sealItem } from '../../src/events/envelope.ts';
import { keyedId } from '../../src/events/ids.ts';
import type { ItemDraft } from '../../src/events/item.ts';
import { streamOf } from '../../src/run/record.ts';

/** A run of a telephone game: 18 items, 600 bytes of core and 350 of payload on average. */
const itemsPerRun = 18;
const openRuns = 64;

const text = 'A meadow of forgotten clocks; one petal ticks backwards while the others listen. '.repeat(3);
const iteration = (n: number): ItemDraft => ({
  item_type: 'interception_iteration',
  stage: 2,
  stage_iteration: n,
  media_type: 'text',
  content: text,
  config_used: 'stillepost',
  model_used: 'local/gpt-oss:20b',
  backend_used: 'ollama',
  execution_time: 1.25,
  metadata: { from_lang: 'en', to_lang: 'de', iteration_type: 'translation', temperature: 0.7, top_p: 0.9 },
});
const draftsOf = (run: number): ItemDraft[] => [
  {
    item_type: 'pipeline_start',
    stage: 0,
    user_id: `pupil-${run % 500}`,
    session_id: `session-${run % 2000}`,
    metadata: { config_name: 'stillepost', execution_mode: 'eco', safety_level: 'kids', request: text },
  },
  {
    item_type: 'user_input_text',
    stage: 1,
    media_type: 'text',
    content: text,
    metadata: { input_language: 'de' },
  },
  {
    item_type: 'stage1_safety_check',
    stage: 1,
    metadata: { safe: true, method: 'fast_filter', raw_verdict: text, checked_terms: 812 },
  },
  { item_type: 'translation_result', stage: 1, media_type: 'text', content: text, model_used: 'gpt-oss' },
  ...Array.from({ length: 8 }, (_, index) => iteration(index + 1)),
  { item_type: 'interception_final', stage: 2, media_type: 'text', content: text, config_used: 'stillepost' },
  {
    item_type: 'stage3_safety_check',
    stage: 3,
    loop_iteration: 1,
    metadata: { safe: true, method: 'fast_filter', safety_level: 'kids', raw_verdict: text },
  },
  {
    item_type: 'stage_transition',
    stage: 3,
    metadata: { from_stage: 3, to_stage: 4, transition_time_ms: 1 },
  },
  {
    item_type: 'output_image',
    stage: 4,
    loop_iteration: 1,
    media_type: 'image',
    file_path: '/api/media/0f1e2d',
    config_used: 'sd35_large',
    backend_used: 'comfyui',
    execution_time: 9.5,
    metadata: { width: 1024, height: 1024, format: 'png', seed: 42, prompt: text },
  },
  {
    item_type: 'usage_recorded',
    stage: 4,
    metadata: { prompt_tokens: 812, completion_tokens: 99, note: text },
  },
  {
    item_type: 'pipeline_complete',
    stage: 5,
    metadata: { total_duration_seconds: 22.5, outputs_generated: 1 },
  },
];

const key = createHash('sha256').update('bench').digest();
export const keyOf = (): Uint8Array => key;

/** A log in one piece of memory, 64 runs open at a time. The bytes are those that a store would give back. */
export function recordLog(events: number): { readonly store: EventStore; readonly bytes: number } {
  const stored: StoredEvent[] = [];
  let bytes = 0;
  const start = Date.parse('2025-11-03T08:00:00Z');
  const runs = Math.ceil(events / itemsPerRun);
  const ids = Array.from(
    { length: runs },
    (_, run) => `exec_${timeOf(start + run * 9000).replaceAll(/[-:T.Z]/g, '')}_${run}`,
  );
  const drafts = Array.from({ length: 500 }, (_, run) => draftsOf(run));
  for (let first = 0; first < runs; first += openRuns) {
    for (let seq = 1; seq <= itemsPerRun; seq++) {
      for (let run = first; run < Math.min(first + openRuns, runs) && stored.length < events; run++) {
        const stream = streamOf(ids[run] ?? '');
        const draft = drafts[run % 500]?.[seq - 1];
        if (draft === undefined) continue;
        const ready = sealItem(
          placeItem(draft, {
            id: keyedId(key, stream, String(seq)),
            stream,
            seq,

            tax: '1.1',
            time: timeOf(start + run * 9000 + seq * 800),
            actor: { kind: 'service', id: 'orchestrator' },
          }),
          chainStart(stream),
          { key, salt: key, nonce: key.subarray(0, 12) },
        );
        bytes += ready.core.byteLength + (ready.sealed?.byteLength ?? 0);
        const position = String(stored.length + 1).padStart(10, '0');
        stored.push({ ...ready, stream, revision: seq - 1, position });
      }
    }
  }
  return { store: readOnlyStore(stored), bytes };
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

const refuse = (): never => {
  throw new Error('the log of a benchmark is only read');
};

/** What the projector needs of the port; positions are decimal numbers from 1. */
export function readOnlyStore(stored: readonly StoredEvent[]): EventStore {
  return {
    storeId: 'bench',
    isShared: false,
    append: refuse,
    readStream: refuse,
    async *readAll({ from, limit = Number.POSITIVE_INFINITY } = {}) {
      const first = from === undefined ? 0 : Number(from) - 1;
      for (let index = first; index < stored.length && index < first + limit; index++) {
        const event = stored[index];
        if (event !== undefined) yield event;
      }
    },
    async *subscribeAll({ from = 'start', signal } = {}): AsyncGenerator<Delivery> {
      const first = from === 'start' ? 0 : Number(from);
      for (let index = first; index < stored.length; index++) {
        const event = stored[index];
        if (event !== undefined) yield { kind: 'event', event };
      }
      yield { kind: 'caughtUp' };
      await new Promise<void>((resolve) => {
        if (signal?.aborted === true) resolve();
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    },
    head: async () => stored.at(-1)?.position ?? null,
    compare: (a, b) => Number(a) - Number(b),
    close: async () => {},
  };
}
