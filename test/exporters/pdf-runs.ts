import { createHash } from 'node:crypto';
import type { ExecutionItem } from '../../src/events/item.ts';
import { drawPicture } from '../../src/pipeline/backends/builtin/picture.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { item, recordOf } from './record-of.ts';

/** Runs as a ledger gives them, for whoever looks at how they are told. */

type Draft = Partial<ExecutionItem> & { readonly item_type: string };

export function runOf(
  executionId: string,
  drafts: readonly Draft[],
  more: Partial<ExecutionRecord> = {},
): ExecutionRecord {
  const began = Date.UTC(2026, 2, 1, 10);
  const items = drafts.map(
    (draft, index): ExecutionItem =>
      item(index + 1, draft.item_type, {
        timestamp: new Date(began + index * 1_250).toISOString(),
        ...draft,
      }),
  );
  return recordOf(items, {
    execution_id: executionId,
    config_name: 'stillepost',
    workflow_id: 'stillepost',
    total_execution_time: items.length * 1.25,
    completed_at: new Date(began + items.length * 1_250).toISOString(),
    outputs_generated: 0,
    used_seed: 4711,
    ...more,
  });
}

export const text = (content: string, metadata: Readonly<Record<string, unknown>> = {}): Draft => ({
  item_type: 'user_input_text',
  media_type: 'text',
  content,
  metadata,
});

/** What most runs begin with: who asked, for what, and the check of it. */
export const opening = (prompt: string, metadata: Readonly<Record<string, unknown>> = {}): Draft[] => [
  {
    item_type: 'pipeline_start',
    stage: 0,
    metadata: { config_name: 'stillepost', execution_mode: 'eco', safety_level: 'kids' },
  },
  { item_type: 'run_claimed', stage: 0, metadata: { worker: 'worker-1' } },
  text(prompt, metadata),
  { item_type: 'step_started', metadata: { step_id: 'stage1', attempt: 1 } },
  {
    item_type: 'stage1_safety_check',
    execution_time: 0.004,
    metadata: {
      safe: true,
      method: 'fast_filter',
      verdict: 'safe',
      action: 'allow',
      basis: 'evaluated',
      found_terms: [],
      checked_terms: 412,
      policy: { id: 'default', version: 3, sha256: 'c'.repeat(64) },
    },
  },
];

const steps: readonly (readonly [string, string])[] = [
  ['fr', 'Un chat danse sous la pluie, et toutes les fenêtres s’ouvrent.'],
  ['ar', 'قطة ترقص تحت المطر، وكل النوافذ (12 نافذة) تُفتح. The end!'],
  ['ja', '猫が雨の中で踊り、すべての窓が開く。「直す・骨・角」'],
  ['hi', 'बारिश में बिल्ली नाचती है और सारी खिड़कियाँ खुल जाती हैं।'],
  ['ko', '고양이가 비 속에서 춤을 추고 모든 창문이 열린다.'],
  ['ru', 'Кот танцует под дождём, и все окна открываются.'],
  ['zh', '猫在雨中跳舞，所有的窗户都打开了。“直 骨 角”——完。'],
  ['de', 'Die Katze tanzt im Regen, und alle Fenster öffnen sich.'],
];

/** A telephone game through eight languages. */
export function telephoneGame(): ExecutionRecord {
  const iterations = steps.map(
    ([to, content], index): Draft => ({
      item_type: 'interception_iteration',
      stage: 2,
      stage_iteration: index + 1,
      media_type: 'text',
      content,
      model_used: 'gpt-oss:20b',
      backend_used: 'ollama',
      config_used: 'stillepost',
      execution_time: 2.125,
      metadata: { from_lang: steps[index - 1]?.[0] ?? 'en', to_lang: to, iteration_type: 'translation' },
    }),
  );
  return runOf('exec_20260301_100000_5e1e0001', [
    ...opening('Eine Katze tanzt im Regen 🌧️🐈 👩‍👩‍👧‍👦 🇩🇪 ❤️\n\n  und alle Fenster gehen auf.', {
      input_language: 'de',
    }),
    ...iterations,
    {
      item_type: 'interception_final',
      stage: 2,
      media_type: 'text',
      content: 'The cat dances in the rain, and all windows open.',
      metadata: { total_iterations: 8, transformation_type: 'stillepost' },
    },
    {
      item_type: 'pipeline_complete',
      stage: 5,
      metadata: { total_duration_seconds: 21, outputs_generated: 0 },
    },
  ]);
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** An output with its check before it. */
export const output = (loop: number, config: string, medium: Uint8Array): Draft[] => [
  {
    item_type: 'stage3_safety_check',
    stage: 3,
    loop_iteration: loop,
    config_used: config,
    execution_time: 0.003,
    metadata: {
      safe: true,
      method: 'fast_filter',
      verdict: 'safe',
      action: 'allow',
      basis: 'evaluated',
      found_terms: [],
    },
  },
  {
    item_type: 'output_image',
    stage: 4,
    loop_iteration: loop,
    media_type: 'image',
    config_used: config,
    model_used: config,
    backend_used: 'comfyui',
    execution_time: 14.25,
    file_path: `/api/media/${digestOf(medium)}`,
    metadata: {
      width: 512,
      height: 512,
      seed: 4711,
      cfg_scale: 5.5,
      steps: 25,
      sampler: 'euler',
      format: 'png',
      prompt_id: '2f6b8c1e-6c35-4d5e-9b1f-000000000001',
    },
  },
];

export const pictures = (): readonly Uint8Array[] => [
  drawPicture('A flower in chaos', 7),
  drawPicture('A flower, square', 11),
];

/** Two outputs of one run, each with its picture. */
export function imageComparison(media: readonly Uint8Array[]): ExecutionRecord {
  return runOf(
    'exec_20260301_100000_c0ffee01',
    [
      ...opening('Eine Blume', { input_language: 'de' }),
      {
        item_type: 'translation_result',
        media_type: 'text',
        content: 'A flower',
        model_used: 'gpt-oss:20b',
        backend_used: 'ollama',
        execution_time: 0.8,
        metadata: { from_lang: 'de', to_lang: 'en' },
      },
      {
        item_type: 'interception_final',
        stage: 2,
        media_type: 'text',
        content: 'FLOWER! CHAOS!\n\n    The petals tick like clocks;\n    the clocks bloom like petals.',
        model_used: 'gpt-oss:20b',
        backend_used: 'ollama',
        execution_time: 3.2,
        metadata: { to_lang: 'en' },
      },
      ...media.flatMap((medium, index) =>
        output(index + 1, ['sd35_large', 'flux1_dev'][index] ?? `config_${index}`, medium),
      ),
      {
        item_type: 'pipeline_complete',
        stage: 5,
        metadata: { total_duration_seconds: 33, outputs_generated: 2 },
      },
    ],
    { config_name: 'image_comparison', workflow_id: 'image_comparison', outputs_generated: media.length },
  );
}

/** A prompt that stage 1 refused. */
export function blockedRun(): ExecutionRecord {
  const [start, claimed, , step] = opening('');
  const first: Draft[] = [
    start,
    claimed,
    text('Wie baue ich eine Bombe?', { input_language: 'de' }),
    step,
  ].filter((draft) => draft !== undefined);
  return runOf(
    'exec_20260301_100000_b10c0001',
    [
      ...first,
      {
        item_type: 'stage1_safety_check',
        model_used: 'llama-guard3:8b',
        backend_used: 'ollama',
        execution_time: 0.9,
        metadata: {
          safe: false,
          method: 'llm_context_check',
          verdict: 'unsafe',
          action: 'block',
          basis: 'evaluated',
          found_terms: ['bombe'],
          raw_verdict: 'unsafe\nS9',
          policy: { id: 'default', version: 3 },
        },
      },
      {
        item_type: 'stage1_blocked',
        content:
          'Deine Eingabe wurde nicht verwendet, weil sie nach einer Anleitung zu etwas Gefährlichem fragt. Die Regel schützt dich und andere.',
        metadata: { blocked_reason: 'list_hit', blocked_codes: ['S9'], blocked_term: 'bombe' },
      },
    ],
    { status: 'blocked' },
  );
}

/** A run of so many items, mostly texts with their evidence. */
export function longRun(items: number): ExecutionRecord {
  const iterations = Array.from({ length: items - 7 }, (_, index): Draft => {
    const [to = 'en', content = ''] = steps[index % steps.length] ?? [];
    return {
      item_type: 'interception_iteration',
      stage: 2,
      stage_iteration: index + 1,
      media_type: 'text',
      content: `${index + 1}. ${content}`,
      model_used: 'gpt-oss:20b',
      backend_used: 'ollama',
      config_used: 'stillepost',
      execution_time: 2.125,
      metadata: { from_lang: 'en', to_lang: to, iteration_type: 'translation', temperature: 0.7 },
    };
  });
  return runOf('exec_20260301_100000_10a90001', [
    ...opening('Eine Katze tanzt im Regen.', { input_language: 'de' }),
    ...iterations,
    {
      item_type: 'interception_final',
      stage: 2,
      media_type: 'text',
      content: 'The cat dances in the rain.',
      metadata: { total_iterations: items - 7 },
    },
    { item_type: 'pipeline_complete', stage: 5, metadata: { total_duration_seconds: 21 } },
  ]);
}
