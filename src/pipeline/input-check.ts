import type { ItemDraft } from '../events/item.ts';
import type { CheckedText, Refusal, TextCheck } from '../safety/check-text.ts';
import type { Stage } from './plan.ts';

/** What is asked about the input. */
export const inputCheck = (text: string, language: string, { plan }: Pick<Stage, 'plan'>): TextCheck => ({
  text,
  language: language === 'und' ? undefined : language,
  role: 'user_input',
  checkPoint: 'pre_interception',
  level: plan.safetyLevel,
  levelSetBy: plan.levelSetBy,
});

/** A decision about the input. */
export const inputCheckItem = (checked: CheckedText): ItemDraft => ({
  item_type: 'stage1_safety_check',
  stage: 1,
  media_type: 'metadata',
  model_used: checked.model,
  backend_used: checked.backend,
  execution_time: checked.executionSeconds,
  metadata: checked.metadata,
});

/** The end of a run whose input is refused, with what the person reads. */
export const inputBlockItem = (refusal: Refusal, { plan }: Pick<Stage, 'plan'>): ItemDraft => ({
  item_type: 'stage1_blocked',
  stage: 1,
  media_type: 'metadata',
  content: refusal.message,
  metadata: {
    blocked_reason: refusal.reason,
    blocked_codes: refusal.codes,
    safety_level: plan.safetyLevel,
    blocked_term: refusal.terms[0] ?? null,
    blocked_terms: refusal.terms,
  },
});
