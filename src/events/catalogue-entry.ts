import { z } from 'zod';
import type { MediaType } from './core.ts';

/** What an item is to a reader: the journey itself, a safety decision, steering, a log line, or a later review. */
export type Kind = 'journey' | 'decision' | 'control' | 'log' | 'review';

/**
 * What an item does to the life of its run. The fold and the decider know these words only; they never ask for an item
 * type by name.
 */
export type Effect =
  | 'start'
  | 'claim'
  | 'input'
  | 'translate'
  | 'decide_input'
  | 'block_run'
  | 'iterate'
  | 'finish_text'
  | 'decide_output'
  | 'skip_check'
  | 'block_output'
  | 'withhold_output'
  | 'discard_result'
  | 'deliver_output'
  | 'fail_output'
  | 'skip_output'
  | 'complete'
  | 'fail_run'
  | 'cancel_run'
  | 'request_cancel'
  | 'begin_step'
  | 'pause'
  | 'resume'
  | 'ask'
  | 'answer'
  | 'none';

/** A closed fact set: a metadata member becomes a fact only where this takes its value, else it goes to the payload. */
export type FactsSchema = z.ZodObject<Record<string, z.ZodType>>;

export type CatalogueEntry = {
  /** The stage such an item stands in; `any` where the item says. */
  readonly stage: 0 | 1 | 2 | 3 | 4 | 5 | 'any';
  readonly kind: Kind;
  readonly media: MediaType;
  readonly effect: Effect;
  readonly label: { readonly en: string; readonly de: string };
  /** The iteration that this item must name. */
  readonly needs: 'stage_iteration' | 'loop_iteration' | null;
  /** May it follow the item that ended the run? */
  readonly afterTerminal: boolean;
  readonly facts: FactsSchema;
  /** Free-form half; lists what it is known to hold, and takes anything beside. */
  readonly payload: z.ZodObject;
  /** Taxonomy that brought it. */
  readonly since: '1.0' | '1.1';
};

export type Draft = Partial<Omit<CatalogueEntry, 'facts' | 'label'>> & {
  readonly label: readonly [en: string, de: string];
  readonly facts?: Record<string, z.ZodType>;
};

/** An entry with what most have; `draft` says what is its own. */
export const entry = (
  kind: Kind,
  stage: CatalogueEntry['stage'],
  effect: Effect,
  draft: Draft,
): CatalogueEntry => ({
  kind,
  stage,
  effect,
  media: draft.media ?? 'metadata',
  label: { en: draft.label[0], de: draft.label[1] },
  needs: draft.needs ?? null,
  afterTerminal: draft.afterTerminal ?? false,
  facts: z.strictObject(draft.facts ?? {}),
  payload: draft.payload ?? z.looseObject({}),
  since: draft.since ?? '1.0',
});
