import type { ItemDraft } from '../../src/events/item.ts';
import {
  checked,
  checkItem,
  type Conditions,
  digestOf,
  hexOf,
  pick,
  type Random,
  skipItem,
} from './planted-checks.ts';

/** An item with what the log says beside it. `review` names the decision that it judges, by its place among the items. */
export type PlantedItem = ItemDraft & {
  readonly actorKind?: 'person';
  readonly actorId?: string;
  /** Seconds that the clock goes on before it; less than none is an anomaly. */
  readonly after?: number;
  readonly reviews?: number;
  readonly answers?: number;
};
export type PlantedRun = {
  readonly origin: 'service' | 'client' | 'importer';
  readonly subject: string;
  readonly items: readonly PlantedItem[];
};

const configs = ['dada', 'bauhaus', 'stillepost', 'overdrive'];
const outputConfigs = ['sd35_large', 'flux1_dev', 'gpt5_image'];

/** One run with one of everything that can go right or wrong. `change` is how far the log is: policies and models change. */
export function plantedRun(random: Random, change: number): PlantedRun {
  const roll = random();
  const origin = roll < 0.75 ? 'service' : roll < 0.88 ? 'client' : 'importer';
  const conditions: Conditions = {
    level: pick(random, ['kids', 'kids', 'youth', 'adult', 'research']),
    levelSetBy: pick(random, ['request', 'default', 'workflow']),
    policy: { id: 'workshop', version: change + 1, sha256: hexOf(`policy ${change + 1}`) },
    model:
      change < 2
        ? { name: 'llama-guard3:1b', digest: `sha256:${hexOf('a')}` }
        : { name: 'llama-guard3:8b', digest: `sha256:${hexOf('b')}` },
  };
  const items: PlantedItem[] = [...startOf(random, conditions), ...inputOf(random, origin, conditions)];
  const isRefused = items.some(({ item_type }) => item_type === 'stage1_blocked');
  if (!isRefused) items.push(...outputsOf(random, origin, conditions), ...endOf(random));
  return {
    origin,
    subject: digestOf(`user ${Math.floor(random() * 40)}`),
    items: withReviews(random, withClock(random, items)),
  };
}

function startOf(random: Random, { level, levelSetBy, policy }: Conditions): PlantedItem[] {
  const config_name = pick(random, configs);
  const sha = hexOf(config_name);
  const facts = { config_name, execution_mode: 'eco', safety_level: level, level_set_by: levelSetBy };
  return [
    {
      item_type: 'pipeline_start',
      stage: 0,
      metadata: { ...facts, workflow_sha256: sha, policy },
      user_id: 'ada',
    },
    {
      item_type: 'user_input_text',
      stage: 1,
      media_type: 'text',
      content: 'Eine Blume',
      metadata: { input_language: pick(random, ['de', 'de', 'tr', 'und']) },
    },
  ];
}

/** Few texts, so that some come again and are judged otherwise. */
const inputText = (random: Random): string => `text ${Math.floor(random() * 400)}`;

function inputOf(random: Random, origin: PlantedRun['origin'], conditions: Conditions): PlantedItem[] {
  const translation: PlantedItem = {
    item_type: 'translation_result',
    stage: 1,
    media_type: 'text',
    content: 'A flower',
    metadata: { from_lang: 'de', to_lang: 'en', detected_language: pick(random, ['de', 'de', 'de', 'ar']) },
  };
  if (origin !== 'service' && random() < 0.7) {
    const safe = random() < 0.8;
    const method = safe && random() < 0.2 ? 'llm_check_failed' : 'fast_filter';
    const old = {
      item_type: 'stage1_safety_check',
      stage: 1,
      metadata: { safe, method, codes: safe ? [] : ['S1'] },
    };
    const block = {
      item_type: 'stage1_blocked',
      stage: 1,
      content: 'Nein',
      metadata: { blocked_codes: ['S1'] },
    };
    // Some histories hold a block without any check.
    if (!safe) return random() < 0.5 ? [old, block] : [block];
    return [old, translation];
  }
  const judged = { role: 'user_input', checkPoint: 'pre_interception', text: inputText(random) } as const;
  const check = checked(random, { ...judged, language: random() < 0.7 ? 'de' : undefined }, conditions);
  const item = checkItem('stage1_safety_check', 1, check);
  if (check.action === 'block') {
    const metadata = { blocked_reason: 'age_inappropriate', blocked_codes: ['violence'] };
    return [item, { item_type: 'stage1_blocked', stage: 1, content: 'Nein', metadata }];
  }
  const upload =
    random() < 0.2
      ? [skipItem(1, 'upload', pick(random, ['checker_disabled', 'not_applicable']), conditions)]
      : [];
  return [item, ...upload, translation];
}

function outputsOf(random: Random, origin: PlantedRun['origin'], conditions: Conditions): PlantedItem[] {
  const final: PlantedItem = {
    item_type: 'interception_final',
    stage: 2,
    media_type: 'text',
    content: 'Tick',
  };
  const count = 4 + Math.floor(random() * 18);
  return [
    final,
    ...Array.from({ length: count }, (_, index) => outputOf(random, index + 1, origin, conditions)).flat(),
  ];
}

function outputOf(
  random: Random,
  loop: number,
  origin: PlantedRun['origin'],
  conditions: Conditions,
): PlantedItem[] {
  const place = { loop_iteration: loop, config_used: pick(random, outputConfigs) };
  const output: PlantedItem = {
    item_type: 'output_image',
    stage: 4,
    media_type: 'image',
    file_path: '/api/media/x',
    metadata: { sha256: hexOf(`${loop}`) },
    ...place,
  };
  const kind = random();
  if (kind < 0.02) return [output];
  // A look that was left out says nothing about the text.
  if (kind < 0.03) return [skipItem(4, 'post_output', 'checker_disabled', conditions, place), output];
  if (kind < 0.04)
    return [{ item_type: 'output_skipped', stage: 4, metadata: { reason: 'no_backend' }, ...place }];
  if (origin !== 'service' && kind < 0.5) {
    const safe = random() < 0.9;
    return [
      { item_type: 'stage3_safety_check', stage: 3, metadata: { safe, method: 'fast_filter' }, ...place },
      output,
    ];
  }
  if (kind < 0.1) return [skipItem(3, 'pre_output', 'level_research', conditions, place), output];
  const text = inputText(random);
  const generatedFrom = random() < 0.05 ? `${text} changed` : text;
  const judged = {
    role: 'interception',
    checkPoint: 'pre_output',
    text,
    language: 'en',
    generatedFrom,
  } as const;
  const check = checked(random, judged, conditions);
  const item = checkItem('stage3_safety_check', 3, check, place);
  const beside = random() < 0.1 ? [skipItem(3, 'pre_output', 'level_research', conditions, place)] : [];
  if (check.action === 'block') {
    const decided = random() < 0.3 ? { decided_by: '00000000-0000-4000-8000-000000000000' } : {};
    const block = {
      item_type: 'stage3_blocked',
      stage: 3,
      content: 'Nein',
      metadata: { blocked_reason: 'unsafe', ...decided },
    };
    const against = random() < 0.1 ? [output] : [];
    return random() < 0.9 ? [item, ...beside, { ...block, ...place }, ...against] : [item, ...against];
  }
  if (kind > 0.95)
    return [item, { item_type: 'output_failed', stage: 4, metadata: { error_type: 'timeout' }, ...place }];
  if (kind > 0.6) {
    const look = checked(
      random,
      { role: 'image', checkPoint: 'post_output', text: `${text} picture`, language: undefined },
      conditions,
    );
    const seen = checkItem('stage4_safety_check', 4, look, place);
    const withheld = {
      item_type: 'stage4_blocked',
      stage: 4,
      content: 'Nein',
      metadata: { blocked_reason: 'unsafe' },
    };
    if (look.action === 'allow') return [item, seen, output];
    // A foreign pipeline may deliver first and look afterwards.
    return random() < 0.3
      ? [item, output, seen, { ...withheld, ...place }]
      : [item, seen, { ...withheld, ...place }];
  }
  return [item, ...beside, output];
}

function endOf(random: Random): PlantedItem[] {
  const gap: PlantedItem[] = random() < 0.06 ? [{ item_type: 'recorder_gap', metadata: { dropped: 3 } }] : [];
  const kind = random();
  if (kind < 0.05) return gap;
  if (kind < 0.1)
    return [...gap, { item_type: 'pipeline_error', stage: 2, metadata: { error_type: 'timeout' } }];
  if (kind < 0.13) return [...gap, { item_type: 'cancel_requested' }, { item_type: 'run_cancelled' }];
  return [...gap, { item_type: 'pipeline_complete', stage: 5 }];
}

const withClock = (random: Random, items: readonly PlantedItem[]): PlantedItem[] =>
  items.map((item, index) => (index > 0 && random() < 0.004 ? { ...item, after: -random() * 5_000 } : item));

/** People look at some decisions, some of them once the run has ended. */
function withReviews(random: Random, items: readonly PlantedItem[]): PlantedItem[] {
  const reviewed = [...items];
  const decisions = items.flatMap(({ item_type }, index) =>
    item_type.endsWith('_safety_check') ? [index] : [],
  );
  for (const index of decisions) {
    if (random() > 0.02) continue;
    const judgement = pick(random, ['override', 'false_positive', 'confirmed', 'appeal']);
    const item_type = judgement === 'override' ? 'decision_overridden' : 'decision_annotated';
    const by = { actorKind: 'person', actorId: digestOf(pick(random, ['lead', 'officer'])) } as const;
    const question = reviewed.length;
    reviewed.push({
      item_type,
      content: 'A reason',
      metadata: { judgement, role: 'lead' },
      reviews: index,
      ...by,
    });
    if (judgement !== 'appeal' || random() < 0.5) continue;
    const metadata = { judgement: 'confirmed', role: 'officer' };
    reviewed.push({ item_type, content: 'Yes', metadata, reviews: index, answers: question, ...by });
  }
  return reviewed;
}
