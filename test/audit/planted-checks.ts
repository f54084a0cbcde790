import { createHash } from 'node:crypto';
import type { ItemDraft } from '../../src/events/item.ts';

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');
export const hexOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export type Random = () => number;
export const pick = <T>(random: Random, values: readonly T[]): T => {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new TypeError('nothing to pick from');
  return value;
};

/** What a run is made under, as its start says it. */
export type Conditions = {
  readonly level: string;
  readonly levelSetBy: string;
  readonly policy: { readonly id: string; readonly version: number; readonly sha256: string };
  readonly model: { readonly name: string; readonly digest: string };
};

const terms = [
  ['violence', 'blood'],
  ['violence', 'murder'],
  ['fear-kids', 'zombie'],
  ['law-86a', 'swastika'],
] as const;

type Judged = {
  readonly role: 'user_input' | 'interception' | 'image';
  readonly checkPoint: 'pre_interception' | 'pre_output' | 'post_output' | 'upload';
  readonly text: string;
  readonly language: string | undefined;
  readonly generatedFrom?: string | undefined;
};

export type Checked = {
  readonly metadata: Record<string, unknown>;
  readonly action: 'allow' | 'block';
  readonly basis: string;
  readonly seconds: number;
};

/** One check with one of the ways in which a check ends; how often each comes up is no matter, that each does is. */
export function checked(
  random: Random,
  judged: Judged,
  { level, levelSetBy, policy, model }: Conditions,
): Checked {
  const kind = pick(random, [
    ...Array.from({ length: 10 }, () => 'clean' as const),
    'dismissed',
    'confirmed',
    'confirmed',
    'at_once',
    'timeout_closed',
    'fail_open',
    'unparseable_closed',
    'unparseable_open',
    'codes',
  ]);
  const hits =
    kind === 'clean' ? [] : [pick(random, terms), ...(random() < 0.3 ? [pick(random, terms)] : [])];
  const distinct = [...new Map(hits.map((hit) => [hit.join(' '), hit])).values()];
  const seconds = kind === 'clean' || kind === 'at_once' ? random() * 0.01 : random() * 4;
  const filter = { method: 'fast_filter', status: 'evaluated', matched: distinct.length, duration: 0.001 };
  const status = kind.startsWith('timeout')
    ? 'timeout'
    : kind === 'fail_open'
      ? 'error'
      : kind.startsWith('unparseable')
        ? 'unparseable'
        : 'evaluated';
  const context = { method: 'llm_context_check', status, model: model.name, duration: seconds };
  const isAsked = kind !== 'clean' && kind !== 'at_once';
  const verdict =
    kind === 'clean' || kind === 'dismissed'
      ? 'safe'
      : kind === 'confirmed' || kind === 'at_once' || kind === 'codes'
        ? 'unsafe'
        : 'indeterminate';
  const opens = kind === 'fail_open' || kind === 'unparseable_open';
  const enforcement =
    verdict === 'safe'
      ? { action: 'allow' as const, basis: 'evaluated' }
      : verdict === 'unsafe'
        ? { action: 'block' as const, basis: 'evaluated' }
        : opens
          ? { action: 'allow' as const, basis: 'fail_open' }
          : { action: 'block' as const, basis: 'fail_closed' };
  const found = distinct.map(([list]) => ({ category: list, list, rule: 'review', count: 1 }));
  const codes =
    kind === 'codes'
      ? [
          {
            category: 'S1',
            list: 'llama_guard',
            taxonomy: { id: 'llama_guard', version: '3' },
            rule: 'block',
            count: 1,
          },
        ]
      : [];
  const generated = judged.generatedFrom === undefined ? undefined : digestOf(judged.generatedFrom);
  const metadata = {
    check_point: judged.checkPoint,
    attempt: 1,
    checked: {
      commitment: digestOf(judged.text),
      chars: judged.text.length,
      ...(judged.language === undefined ? {} : { lang: judged.language }),
      role: judged.role,
    },
    ...(generated === undefined
      ? {}
      : { generated_from: generated, same_as_checked: generated === digestOf(judged.text) }),
    policy,
    filter_lists: [{ id: 'violence', sha256: hexOf('violence') }],
    taxonomy: { id: 'workshop', version: '1.0' },
    ...(isAsked ? { model_requested: model.name } : {}),
    ...(isAsked && status === 'evaluated'
      ? {
          model_reported: model.name,
          model_digest: model.digest,
          parse_status: pick(random, ['canonical', 'lenient']),
        }
      : {}),
    ...(status === 'unparseable'
      ? { parse_status: pick(random, ['empty', 'unexpected', 'contradictory']) }
      : {}),
    steps: isAsked ? [filter, context] : [filter],
    findings: verdict === 'safe' ? [] : [...found, ...codes],
    ignored_findings: verdict === 'safe' ? found : [],
    verdict,
    enforcement,
    safety_level: level,
    level_set_by: levelSetBy,
    found_terms: distinct.map(([, term]) => term),
    found_at: distinct.map(([list, term]) => ({ list, term, spans: [] })),
  };
  return { metadata, ...enforcement, seconds };
}

/** A check as an item. */
export const checkItem = (
  item_type: string,
  stage: number,
  { metadata, seconds }: Checked,
  more: Partial<ItemDraft> = {},
): ItemDraft => ({ item_type, stage, media_type: 'metadata', execution_time: seconds, metadata, ...more });

export const skipItem = (
  stage: number,
  point: string,
  reason: string,
  { level, levelSetBy, policy }: Conditions,
  more: Partial<ItemDraft> = {},
): ItemDraft => ({
  item_type: 'safety_check_skipped',
  stage,
  media_type: 'metadata',
  metadata: {
    reason,
    allowed_by: levelSetBy,
    check_point: point,
    policy,
    safety_level: level,
    level_set_by: levelSetBy,
  },
  ...more,
});
