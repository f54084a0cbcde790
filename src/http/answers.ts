import { z } from 'zod';
import { executionItem } from '../events/item.ts';
import { languages } from '../events/localized.ts';
import { judgement, overriddenTo } from '../events/review.ts';
import { views } from '../exporters/view.ts';
import { runStatuses } from '../run/lifecycle.ts';

/** What the answers look like, for /openapi.json. A test holds real answers against them; nothing is serialised by them. */
const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    error: z.string(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })),
  })
  .describe('RFC 9457 problem document');

/** The answers of a route: those given, and a problem document for every refusal. Untyped: they describe, they do not check. */
export const answering = (answers: Readonly<Record<number, z.ZodType>>): Record<string, z.ZodType> => ({
  ...answers,
  default: problem,
});

const nullableText = z.string().nullable();
const count = z.int().min(0);

export const runSummary = z.looseObject({
  execution_id: z.string(),
  config_name: nullableText,
  timestamp: z.string(),
  execution_mode: nullableText,
  safety_level: nullableText,
  total_execution_time: z.number().nullable(),
  items_count: count,
  user_id: nullableText,
  session_id: nullableText,
  taxonomy_version: nullableText,
  workflow_id: nullableText,
  scope_type: nullableText,
  scope_id: nullableText,
  status: z.enum(runStatuses),
  is_terminal: z.boolean(),
  started_at: z.string(),
  completed_at: nullableText,
  outputs_generated: count,
  outputs_blocked: count,
  outputs_failed: count,
  version: count,
});

export const runHeader = runSummary.extend({
  used_seed: z.union([z.int(), z.string()]).nullable(),
  result: z.looseObject({ text: nullableText, media: z.array(z.looseObject({})) }).nullable(),
  error: z.looseObject({ type: nullableText, stage: z.int().nullable(), message: nullableText }).nullable(),
  cancelled_at: nullableText,
  findings: z.array(z.object({ rule: z.string(), sequence_number: z.int().nullable(), detail: z.string() })),
});

export const runRecord = runHeader.extend({ items: z.array(executionItem) });

export const runList = z.object({
  executions: z.array(runSummary),
  total: count,
  limit: z.int().min(1),
  offset: count.optional(),
  next_cursor: nullableText.optional(),
  returned: count,
  filters: z.record(z.string(), nullableText),
});

export const runStats = z.object({
  total_records: count,
  total_size_bytes: count,
  total_size_mb: z.number().min(0),
  storage_dir: z.string(),
  by_status: z.record(z.enum(runStatuses), count),
});

export const recorded = z.object({
  execution_id: z.string(),
  version: count,
  sequence_numbers: z.array(z.int().min(1)),
});

/** A review that stands beside its decision. */
export const reviewed = z.object({
  execution_id: z.string(),
  id: z.string(),
  sequence_number: z.int().min(1),
  version: count,
  decision: z.object({ id: z.string(), sequence_number: z.int().min(1) }),
  judgement,
  stands: overriddenTo.nullable().describe('what stands now; null where the record does not say'),
});

/** Why something was refused; `sections` say all of it in words. */
export const reasons = z.looseObject({
  execution_id: z.string(),
  sequence_number: z.int().min(1),
  decision_id: z.string(),
  language: z.enum(languages),
  refused: z.enum(['input_text', 'input_image', 'output', 'medium']),
  decided_at: z.string(),
  automated: z.boolean().nullable(),
  stands: overriddenTo,
  sections: z.array(z.object({ heading: z.string(), text: z.string() })).min(1),
});

export const importReport = z.object({
  imported: count,
  unchanged: count,
  refused: z.array(z.object({ index: count, execution_id: nullableText, reason: z.string() })),
  findings: z.array(z.looseObject({ execution_id: z.string(), rule: z.string(), detail: z.string() })),
});

export const workflowList = z.object({
  workflows: z.array(
    z.object({ id: z.string(), name: z.string(), description: z.string(), step_count: count }),
  ),
});

const versionEntry = z.object({
  version: z.int().min(1),
  sha256: z.string(),
  source: z.enum(['bundled', 'folder', 'http']),
  published_at: z.string(),
});

export const workflowVersion = versionEntry.extend({
  id: z.string(),
  retired: z.boolean(),
  document: z.looseObject({}).nullable().describe('null once its content was erased'),
});

export const workflowVersions = z.object({
  id: z.string(),
  retired: z.boolean(),
  versions: z.array(versionEntry),
});

export const workflowPut = z.object({ id: z.string(), version: z.int().min(1), sha256: z.string() });

export const storedMedium = z.object({ sha256: z.string(), media_type: z.string(), bytes: count });

const output = z.looseObject({
  config: nullableText,
  status: z.enum(['success', 'blocked', 'error', 'not_available', 'skipped']),
  output: nullableText,
  media_type: nullableText,
});

export const executed = z.looseObject({
  status: z.literal('success'),
  schema: z.string(),
  config_name: nullableText,
  input_text: z.string(),
  final_output: nullableText,
  steps_completed: count,
  execution_time: z.number().nullable(),
  metadata: z.looseObject({}),
  execution_id: z.string(),
  media_output: output.optional(),
  media_outputs: z.array(output).optional(),
  media_output_count: count.optional(),
});

/** A run that was queued. */
export const begun = z.object({
  execution_id: z.string(),
  workflow_id: z.string(),
  status: z.literal('pending'),
  created_at: z.string(),
});

/** A bulk export that was queued. */
export const bulkExportBegun = z.object({
  export_id: z.string(),
  status: z.literal('queued'),
  created_at: z.string(),
});

export const bulkExport = z.object({
  export_id: z.string(),
  status: z.enum(['queued', 'running', 'finished', 'failed', 'cancelled', 'expired']),
  format: z.string(),
  view: z.enum(views).nullable(),
  language: z.enum(languages),
  include: z.array(z.literal('logs')),
  filter: z.record(z.string(), z.unknown()).nullable().describe('null once its content was erased'),
  created_at: z.string(),
  finished_at: nullableText.describe('when it came to its end, whichever that was'),
  expires_at: nullableText.describe('when its files go, or have gone'),
  progress: z.object({ done: count, total: count, errors: count }),
  file: z.object({ href: z.string(), size_bytes: count, sha256: z.string() }).nullable(),
  error: z.object({ type: z.string(), message: z.string() }).nullable(),
});

export const bulkExports = z.object({
  exports: z.array(bulkExport),
  total: count,
  limit: z.int().min(1),
  offset: count,
  returned: count,
});

/** A replay of decisions that was queued. */
export const replayBegun = z.object({
  replay_id: z.string(),
  status: z.literal('queued'),
  created_at: z.string(),
});

export const replayStatuses = ['recomputed', 'needs_model', 'content_erased'] as const;

const replayHead = z.object({
  replay_id: z.string(),
  status: z.enum(['queued', 'running', 'finished', 'failed']),
  policy: z.object({ id: z.string(), version: z.int().min(1), sha256: z.string() }),
  filter: z.record(z.string(), z.unknown()).nullable().describe('null once its content was erased'),
  created_at: z.string(),
  finished_at: nullableText,
  progress: z.object({ done: count, total: count, errors: count }).describe('runs'),
  result: z
    .object({
      decisions: count,
      recomputed: count,
      needs_model: count,
      content_erased: count,
      no_evidence: count.describe('old records that prove nothing; they have no row'),
      to_allow: count,
      to_block: count,
    })
    .nullable(),
  error: z.object({ type: z.string(), message: nullableText }).nullable(),
});

const outcome = z.object({ verdict: z.string(), action: z.string(), basis: z.string() });

/** One replay, with a page of its decisions once it is finished. */
export const replay = replayHead.extend({
  decisions: z.array(
    z.object({
      execution_id: z.string(),
      sequence_number: z.int().min(1),
      item_type: z.string(),
      safety_level: nullableText,
      status: z.enum(replayStatuses),
      why: z.string(),
      old: outcome,
      new: outcome.nullable(),
    }),
  ),
  total: count,
  limit: z.int().min(1),
  offset: count,
  returned: count,
});

export const replayList = z.object({
  replays: z.array(replayHead),
  total: count,
  limit: z.int().min(1),
  offset: count,
  returned: count,
});

/** What became of a cancel, a pause or a resume. */
export const steered = z.object({
  execution_id: z.string(),
  status: z.enum(runStatuses),
  cancelled_at: nullableText,
});

export const notExecuted = z.looseObject({
  status: z.literal('error'),
  error: z.string(),
  execution_id: z.string(),
});
