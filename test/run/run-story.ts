import { expect } from 'vitest';
import { isLedgerError } from '../../src/errors.ts';
import type { CoreDraft } from '../../src/events/core.ts';
import { placeItem } from '../../src/events/envelope.ts';
import type { ItemDraft } from '../../src/events/item.ts';
import { decide } from '../../src/run/decide.ts';
import { evolve, initialRunState, type Origin, type RunState } from '../../src/run/lifecycle.ts';
import { recordActors } from '../../src/run/recorder.ts';

export type StoryItem = string | ItemDraft;

export const draftOf = (item: StoryItem): ItemDraft =>
  typeof item === 'string' ? { item_type: item } : item;

/** A full decision: all that the decider reads of one. */
export const decision = (
  verdict: 'safe' | 'unsafe' | 'indeterminate',
  action: 'allow' | 'block' | 'modify' | 'skip',
  basis = 'evaluated',
): Record<string, unknown> => ({ verdict, enforcement: { action, basis } });

export const allow = decision('safe', 'allow');
export const block = decision('unsafe', 'block');

export const inputCheck = (metadata = allow): ItemDraft => ({
  item_type: 'stage1_safety_check',
  stage: 1,
  metadata,
});
export const iteration = (number: number): ItemDraft => ({
  item_type: 'interception_iteration',
  stage_iteration: number,
});
export const inLoop = (loop: number, type: string, metadata?: Record<string, unknown>): ItemDraft => ({
  item_type: type,
  loop_iteration: loop,
  metadata,
});
export const outputCheck = (loop: number, metadata = allow): ItemDraft =>
  inLoop(loop, 'stage3_safety_check', metadata);
export const skip = (stage: number, loop?: number): ItemDraft => ({
  item_type: 'safety_check_skipped',
  stage,
  loop_iteration: loop,
  metadata: { reason: 'checker_disabled' },
});

export function coreOf(draft: ItemDraft, by: Origin, seq: number): CoreDraft {
  const { core } = placeItem(draft, {
    id: '0190163d-8694-739b-aea5-966c26f8ad91',
    stream: 'run-story',
    seq,
    tax: '1.1',
    time: `2026-01-01T00:00:${String(seq % 60).padStart(2, '0')}.000Z`,
    actor: recordActors[by],
  });
  return core;
}

export function folded(by: Origin, items: readonly StoryItem[]): RunState {
  return items.reduce(
    (state: RunState, item, index) => evolve(state, coreOf(draftOf(item), by, index + 1)),
    initialRunState,
  );
}

/** Given these items, may this one follow? `allowed`, or the rule that refuses it. */
export function verdictOn(by: Origin, given: readonly StoryItem[], when: StoryItem): string {
  return ruleFor(folded(by, given), by, draftOf(when));
}

export function ruleFor(state: RunState, by: Origin, item: ItemDraft, worker?: string): string {
  try {
    decide({ by, item, worker }, state);
    return 'allowed';
  } catch (error) {
    if (!isLedgerError(error, 'RULE_BROKEN')) throw error;
    expect(error.message).toContain(error.params.cure);
    return error.params.rule;
  }
}
