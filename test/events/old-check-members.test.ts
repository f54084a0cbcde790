import { expect, test } from 'vitest';
import type { Core } from '../../src/events/core.ts';
import { type ItemDraft, mergeItem, splitItem } from '../../src/events/item.ts';

const steps = [{ method: 'fast_filter', status: 'evaluated', duration: 0.001 }];
const merged = (draft: ItemDraft): Record<string, unknown> => {
  const { kept, payload } = splitItem(draft);
  const core = {
    v: 1,
    tax: '1.1',
    id: '',
    stream: 's',
    seq: 1,
    type: draft.item_type,
    prev: '',
    time: '',
    ...kept,
  };
  return mergeItem(core as Core, payload, false).metadata;
};

test('a check with a decision record reads with safe and method, which are not stored', () => {
  const draft = { item_type: 'stage1_safety_check', metadata: { verdict: 'unsafe', steps } };
  expect(splitItem(draft).kept.facts).toEqual({ verdict: 'unsafe', steps });
  expect(merged(draft)).toEqual({ verdict: 'unsafe', steps, safe: false, method: 'fast_filter' });
});

test('a check that failed reads as llm_check_failed, and not as safe', () => {
  const failed = [...steps, { method: 'llm_context_check', status: 'timeout', duration: 5 }];
  const draft = { item_type: 'stage3_safety_check', metadata: { verdict: 'indeterminate', steps: failed } };
  expect(merged(draft)).toMatchObject({ safe: false, method: 'llm_check_failed' });
});

test('what was recorded is never overwritten by what is derived', () => {
  const metadata = { verdict: 'unsafe', steps, safe: true, method: 'llm_check_failed' };
  expect(merged({ item_type: 'stage3_safety_check', metadata })).toEqual(metadata);
});

test('a check without a record, and an item that is no decision, get nothing added', () => {
  expect(merged({ item_type: 'stage3_safety_check', metadata: { safe: true } })).toEqual({ safe: true });
  const metadata = { verdict: 'safe', steps };
  expect(merged({ item_type: 'interception_final', metadata })).toEqual(metadata);
});
