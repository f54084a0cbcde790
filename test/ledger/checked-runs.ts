import { canonicalBytes } from '../../src/events/canonical.ts';
import { catalogued } from '../../src/events/catalogue.ts';
import type { Actor } from '../../src/events/core.ts';
import { chainStart, sha256Hex } from '../../src/events/digest.ts';
import { decodeEvent, placeItem, sealItem } from '../../src/events/envelope.ts';
import { keyedId } from '../../src/events/ids.ts';
import type { ItemDraft } from '../../src/events/item.ts';
import { upcastType } from '../../src/events/upcast.ts';
import type { CheckedEvent, PolicyOf } from '../../src/ledger/invariant-state.ts';
import { createInvariantCheck, type InvariantResult } from '../../src/ledger/invariants.ts';
import { keyOf } from '../recorded-runs.ts';

export const lawList = 'law-86a';
export const policyDocument = { id: 'house', version: 3, lists: [{ id: lawList, scope: 'law' }] };
export const policy = { id: 'house', version: 3, sha256: sha256Hex(canonicalBytes(policyDocument)) };

/** The only policy that there is, published before every run. */
export const published: PolicyOf = ({ id, version, sha256 }) =>
  id === policy.id && version === policy.version && sha256 === policy.sha256
    ? { isPublished: true, lawLists: [lawList] }
    : { isPublished: false };

export const stream = 'run-exec_20260301_100000_00000001';
const commitment = (text: string): string =>
  Buffer.from(text.padEnd(32, '.')).toString('base64url').slice(0, 43);
const person: Actor = { kind: 'person', id: commitment('reviewer') };

/** An item of a test's run; `by` other than our own orchestrator, `time` other than one second after the item before. */
export type RunItem = ItemDraft & { readonly by?: Actor; readonly time?: string };

type Decided = {
  readonly verdict?: 'safe' | 'unsafe' | 'indeterminate';
  readonly enforcement?: { readonly action: string; readonly basis: string };
};

/** A full decision record with every member that the invariants read; safe and allowed unless it says otherwise. */
export const decisionOf = ({
  verdict = 'safe',
  enforcement,
  ...more
}: Decided & Record<string, unknown> = {}) => ({
  check_point: 'pre_output',
  attempt: 1,
  checked: { commitment: commitment('text'), chars: 4, role: 'interception' },
  generated_from: commitment('text'),
  same_as_checked: true,
  policy,
  filter_lists: [],
  taxonomy: { id: 'house', version: '1' },
  steps: [{ method: 'fast_filter', status: 'evaluated', matched: 0, categories: [], duration: 0.001 }],
  findings: [] as readonly unknown[],
  ignored_findings: [],
  verdict,
  enforcement:
    enforcement ??
    (verdict === 'safe'
      ? { action: 'allow', basis: 'evaluated' }
      : { action: 'block', basis: verdict === 'unsafe' ? 'evaluated' : 'fail_closed' }),
  safety_level: 'kids',
  level_set_by: 'request',
  ...more,
});
export const lawFinding = { category: 'law_86a', list: lawList, rule: 'block', count: 1 };
export const otherText = { generated_from: commitment('another'), same_as_checked: false };

export const start = (safety_level = 'kids'): RunItem => ({
  item_type: 'pipeline_start',
  stage: 0,
  metadata: { config_name: 'dada', execution_mode: 'eco', safety_level, policy },
  user_id: 'anonymous',
});
export const input: RunItem = { item_type: 'user_input_text', stage: 1, content: 'Eine Blume' };
export const inputCheck = (more: Record<string, unknown> = {}): RunItem => ({
  item_type: 'stage1_safety_check',
  stage: 1,
  metadata: decisionOf({ check_point: 'pre_interception', ...more }),
});
export const translation: RunItem = { item_type: 'translation_result', stage: 1, content: 'A flower' };
export const iteration = (stage_iteration: number): RunItem => ({
  item_type: 'interception_iteration',
  stage: 2,
  stage_iteration,
  content: 'Une fleur',
});
export const final: RunItem = { item_type: 'interception_final', stage: 2, content: 'A clock' };
export const outputCheck = (loop: number, more: Record<string, unknown> = {}): RunItem => ({
  item_type: 'stage3_safety_check',
  stage: 3,
  loop_iteration: loop,
  metadata: decisionOf(more),
});
export const inLoop = (loop: number, item_type: string, metadata: Record<string, unknown> = {}): RunItem => ({
  item_type,
  stage: catalogued(item_type)?.stage === 3 ? 3 : 4,
  loop_iteration: loop,
  metadata,
});
export const skip = (loop: number): RunItem => ({
  ...inLoop(loop, 'safety_check_skipped', { reason: 'level_research', allowed_by: 'request', policy }),
  stage: 3,
});
export const image = (loop: number): RunItem => ({
  ...inLoop(loop, 'output_image'),
  file_path: '/api/media/ab',
});
export const note = (item_type: string, metadata: Record<string, unknown> = {}): RunItem => ({
  item_type,
  metadata,
});
export const complete = (items: number, outputs: number): RunItem => ({
  item_type: 'pipeline_complete',
  stage: 5,
  metadata: { total_items_logged: items, outputs_generated: outputs },
});
/** `of`: the sequence number of the decision. */
export const override = (of: number, more: Record<string, unknown> = {}): RunItem => ({
  item_type: 'decision_overridden',
  by: person,
  content: 'It is a quotation from a school book.',
  metadata: {
    decision: idOf(of),
    judgement: 'override',
    to: 'allow',
    role: 'workshop_leader',
    reason_chars: 36,
    ...more,
  },
});

export const idOf = (seq: number): string => keyedId(keyOf(stream), stream, String(seq));

/** The members of a review that the catalogue may not know as facts yet stand there all the same. */
const reviewMembers = ['decision', 'judgement', 'to', 'role', 'reason_chars'];

/** The items as a chained, sealed and read-back run. */
export function eventsOf(items: readonly RunItem[]): readonly CheckedEvent[] {
  let prev = chainStart(stream);
  return items.map(({ by = { kind: 'service', id: 'orchestrator' }, time, ...draft }, index) => {
    const seq = index + 1;
    const placed = placeItem(draft, {
      id: idOf(seq),
      stream,
      seq,
      tax: '1.1',
      time: time ?? new Date(Date.UTC(2026, 2, 1, 10) + seq * 1_000).toISOString(),
      actor: by,
    });
    const facts = Object.fromEntries(
      Object.entries(draft.metadata ?? {}).filter(([key]) => reviewMembers.includes(key)),
    );
    const core =
      Object.keys(facts).length === 0
        ? placed.core
        : { ...placed.core, facts: { ...placed.core.facts, ...facts } };
    const salt = Buffer.alloc(32, seq);
    const ready = sealItem({ ...placed, core }, prev, {
      key: keyOf(stream),
      salt,
      nonce: salt.subarray(0, 12),
    });
    const event = decodeEvent({ ...ready, stream, revision: index, position: String(seq) }, keyOf(stream));
    prev = Buffer.from(ready.hash).toString('base64');
    return {
      core: event.core,
      hash: prev,
      payload: event.payload === null ? 'none' : 'opens',
      follows: true,
    };
  });
}

/** All results over these events, `I1` first. */
export function reportOf(
  events: readonly CheckedEvent[],
  policyOf: PolicyOf = published,
): readonly InvariantResult[] {
  const check = createInvariantCheck({ attributesOf: (type) => catalogued(upcastType(type)), policyOf });
  for (const event of events) check.see(event);
  return check.report();
}

/** What is not proven, in short: `{I4: [3], I8: 'unproven'}`. */
export const faultsIn = (results: readonly InvariantResult[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    results
      .filter(({ status }) => status !== 'pass')
      .map(({ id, status, offending, unproven }) => [id, status === 'fail' ? offending : { unproven }]),
  );
