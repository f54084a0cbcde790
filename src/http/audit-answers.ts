import { z } from 'zod';
import type { AuditedDecision } from '../queries/decisions.ts';
import type { BlockRow, ReviewRow } from '../audit/decision-rows.ts';
import type { Cut } from '../queries/as-of.ts';

const text = z.string().nullable();
const count = z.int().min(0);
const facts = z.record(z.string(), z.unknown());

/** What every answer of the audit begins with. */
const answered = {
  as_of: text.describe('send it as as_of for the same answer later'),
  complete: z.boolean(),
  incomplete: z.array(z.object({ reason: z.string(), count, detail: z.string() })),
};

export const shownCut = ({ asOf, gaps }: Cut) => ({
  as_of: asOf,
  complete: gaps.length === 0,
  incomplete: gaps,
});

const place = {
  sequence_number: z.int().min(1),
  id: z.string(),
  type: z.string(),
  time: z.string(),
};

const review = z.object({
  ...place,
  execution_id: z.string(),
  decision: z.object({ id: text, sequence_number: z.int().nullable() }),
  actor: z.object({ kind: z.string(), id: z.string() }).nullable(),
  judgement: text,
  role: text,
  answers: text,
  answered: z.boolean(),
  facts,
});

export const shownReview = (row: ReviewRow, decisionSeq: number | null): z.infer<typeof review> => {
  const { number: _number, decision: _decision, answered: at, ...shown } = row;
  const id = row.facts['decision'];
  return {
    ...shown,
    decision: { id: typeof id === 'string' ? id : null, sequence_number: decisionSeq },
    answered: at !== null,
  };
};

const block = z.object({ ...place, facts });

const shownBlock = ({ sequence_number, id, type, time, facts: said }: BlockRow): z.infer<typeof block> => ({
  sequence_number,
  id,
  type,
  time,
  facts: said,
});

export const decisionAnswer = z.object({
  execution_id: z.string(),
  ...place,
  position: z.string(),
  recorded: text,
  kind: z.enum(['check', 'skip', 'block']),
  origin: z.string(),
  stage: z.int().nullable(),
  loop_iteration: z.int().nullable(),
  verdict: text,
  action: z.string(),
  basis: z.string(),
  safety_level: text,
  config: text,
  output_config: text,
  model_used: text,
  backend_used: text,
  duration: z.number().nullable().describe('seconds'),
  subject: text.describe('HMAC of the person'),
  same_text: z.boolean().nullable(),
  language_of_text: text.describe('where another one was checked'),
  facts,
  blocks: z.array(block),
  reviews: z.array(review),
});

export function shownDecision(decision: AuditedDecision): z.infer<typeof decisionAnswer> {
  const { row, profile, blocks, reviews, actualLanguage } = decision;
  const { verdict, action, basis, kind, origin, safety_level, config, output_config, same_text } = profile;
  return {
    execution_id: row.execution_id,
    sequence_number: row.sequence_number,
    id: row.id,
    type: row.type,
    time: row.time,
    position: row.position,
    recorded: row.recorded,
    kind,
    origin,
    stage: row.stage,
    loop_iteration: row.loop_iteration,
    verdict,
    action,
    basis,
    safety_level,
    config,
    output_config,
    model_used: row.model_used,
    backend_used: row.backend_used,
    duration: row.duration,
    subject: row.subject,
    same_text,
    language_of_text: actualLanguage,
    facts: row.facts,
    blocks: blocks.map(shownBlock),
    reviews: reviews.map((one) => shownReview(one, row.sequence_number)),
  };
}

const page = { limit: z.int().min(1), offset: count, returned: count };

export const decisionList = z.object({
  ...answered,
  total: count,
  ...page,
  filters: z.record(z.string(), z.string()),
  decisions: z.array(decisionAnswer),
});

export const decisionGroups = z.object({
  ...answered,
  total: count,
  group_by: z.array(z.string()),
  groups_total: count,
  ...page,
  filters: z.record(z.string(), z.string()),
  groups: z.array(
    z.object({
      values: z.record(z.string(), text),
      count,
      allowed: count,
      blocked: count,
      skipped: count,
      block_rate: z.number().nullable().describe('of those that were judged'),
    }),
  ),
});

/** An answer with rows of its own under one name. */
export const auditRows = (name: string, row: z.ZodType, more: Readonly<Record<string, z.ZodType>> = {}) =>
  z.object({ ...answered, total: count, ...page, ...more, [name]: z.array(row) });

export const reviewAnswer = review;

const evidence = z.object({
  ...place,
  facts,
  content: text,
  metadata: facts.nullable(),
  erased: z.boolean(),
  actor: z.object({ kind: z.string(), id: z.string() }).nullable(),
});

export const runLadder = z.object({
  ...answered,
  as_of: z.object({ sequence_number: z.int().min(1) }),
  execution_id: z.string(),
  policy: z.object({ id: z.string(), version: z.int(), sha256: z.string() }).nullable(),
  safety_level: text,
  decisions: z.array(
    z.object({
      check: z.enum(['input_text', 'input_image', 'output_text', 'output_medium', 'other']),
      stage: z.int().nullable(),
      loop_iteration: z.int().nullable(),
      output_config: text,
      status: z.enum(['decided', 'skipped', 'blocked', 'missing', 'not_reached', 'not_applicable']),
      reason: text,
      verdict: text,
      action: text,
      basis: text,
      decisions: z.array(evidence),
      seen: z.array(evidence),
      blocks: z.array(evidence),
      reviews: z.array(evidence),
      outputs: z.array(evidence),
    }),
  ),
});
