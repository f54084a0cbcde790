import { z } from 'zod';
import { jsonTable, type Table, textTable } from '../projector/projection.ts';
import { type OrderRow, orderRow, place } from './decision-rows.ts';
import { runContext } from './run-context.ts';

const count = z.int().min(0);
const text = z.string().nullable();
const facts = z.record(z.string(), z.unknown());

/** What stage 3 and 4 said last about one output. */
const loop = z.strictObject({
  state: z.enum(['allowed', 'refused', 'blocked']),
  /** Sequence number of the item that said it. */
  by: z.int().min(1),
  same_text: z.boolean().nullable(),
  /** Media that were recorded as delivered. */
  delivered: count,
});

const runRow = z.strictObject({
  ordinal: count,
  /** Its first event's. */
  number: z.int().min(1),
  context: runContext,
  started: z.string(),
  pinned: z.strictObject({ policy: z.unknown(), workflow_sha256: text }),
  ended: z
    .strictObject({ number: z.int(), sequence_number: z.int(), type: z.string(), time: z.string() })
    .nullable(),
  loops: z.record(z.string(), loop),
  /** Of the last event: its time, and when we recorded it. */
  last: z.strictObject({ time: z.string(), known: z.string() }),
  /** Events with a payload, and how many of those are erased, as last told up to `told`. */
  payloads: count,
  erased: count,
  told: count,
});
export type RunRow = z.infer<typeof runRow>;

export const outputStates = ['delivered', 'blocked', 'withheld', 'failed', 'skipped'] as const;
/**
 * `undecided`: nothing was decided about it before. `against_decision`: what was decided refused it. `other_text`: it was
 * made of another text than was checked; `text_unproven`: no record says of which. `served_before_block`: it was
 * delivered, and refused afterwards.
 */
export const outputMarks = [
  'undecided',
  'against_decision',
  'other_text',
  'text_unproven',
  'served_before_block',
] as const;

const outputRow = z.strictObject({
  ...place,
  state: z.enum(outputStates),
  marks: z.array(z.enum(outputMarks)),
  loop_iteration: z.int().nullable(),
  output_config: text,
  media_type: text,
  /** Sequence number of what was decided about it last. */
  decided_by: z.int().nullable(),
  facts,
});
export type OutputRow = z.infer<typeof outputRow>;

const gapRow = z.strictObject({ ...place, facts });
export type GapRow = z.infer<typeof gapRow>;

export const clockAnomalies = ['recorded_backwards', 'time_backwards', 'time_after_recorded'] as const;
const clockRow = z.strictObject({
  ...place,
  anomaly: z.enum(clockAnomalies),
  /** What the time should not be before. */
  other: z.string(),
  /** By how much. */
  seconds: z.number(),
});
export type ClockRow = z.infer<typeof clockRow>;

const policyRow = z.strictObject({
  number: z.int().min(1),
  policy_id: z.string(),
  version: z.int(),
  sha256: z.string(),
  time: z.string(),
  /** What its document asks; null once that was erased. */
  models: z.record(z.string(), z.string()).nullable(),
  on_checker_failure: text,
});
export type PolicyRow = z.infer<typeof policyRow>;

const exportEvent = z.strictObject({ number: z.int(), type: z.string(), time: z.string(), facts });
const exportRow = z.strictObject({
  export_id: z.string(),
  /** Its request's. */
  number: z.int().min(1),
  actor: z.strictObject({ kind: z.string(), id: z.string() }).nullable(),
  events: z.array(exportEvent),
});
export type ExportRow = z.infer<typeof exportRow>;

const spanRow = z.strictObject({
  execution_id: z.string(),
  number: z.int(),
  started: z.string(),
  origin: runContext.shape.origin,
});
export type SpanRow = z.infer<typeof spanRow>;

/** By execution id. */
export const auditedRunsTable: Table<RunRow> = jsonTable('runs', runRow);
/** By ordinal: the place of a run's first event among all runs' first events, from 0. */
export const spansTable: Table<SpanRow> = jsonTable('spans', spanRow);
/** In place of a number: nothing has ended the run. */
export const stillOpen = Number.MAX_SAFE_INTEGER;
/** By [number of the item that ended it or {@link stillOpen}, ordinal of the run], of all that were not imported. */
export const openUntilTable: Table<number> = jsonTable('open-until', z.literal(1));
/** By [subject, ordinal of the run]: its execution id. */
export const runsOfSubjectTable = textTable('runs-of-subject', z.string());
/** By ordinal, each. */
export const outputsTable: Table<OutputRow> = jsonTable('outputs', outputRow);
export const gapsTable: Table<GapRow> = jsonTable('gaps', gapRow);
export const clockTable: Table<ClockRow> = jsonTable('clock', clockRow);
export const policiesTable: Table<PolicyRow> = jsonTable('policies', policyRow);
export const exportsTable: Table<ExportRow> = jsonTable('exports', exportRow);
/** By export id: ordinal; and by policy id and version, so that none is told twice. */
export const exportOrdinalsTable: Table<number> = jsonTable('export-ordinals', count);
export const policyOrdinalsTable: Table<number> = jsonTable('policy-ordinals', count);
/** By [state or mark, ordinal of the output]. */
export const outputIndexTable: Table<number> = jsonTable('output-index', z.literal(1));
/** By number: where it stands in the log. */
export const runOrderTable: Table<OrderRow> = jsonTable('order', orderRow);

const totals = z.strictObject({
  numbers: count,
  runs: count,
  outputs: count,
  gaps: count,
  clock: count,
  policies: count,
  exports: count,
});
export type AuditTotals = z.infer<typeof totals>;
/** One row, under {@link auditTotalsKey}. */
export const auditTotalsTable: Table<AuditTotals> = jsonTable('counts', totals);
export const auditTotalsKey = 'all';
export const noAuditTotals: AuditTotals = {
  numbers: 0,
  runs: 0,
  outputs: 0,
  gaps: 0,
  clock: 0,
  policies: 0,
  exports: 0,
};

export const auditedRunTables: readonly Table[] = [
  auditedRunsTable,
  spansTable,
  openUntilTable,
  runsOfSubjectTable,
  outputsTable,
  gapsTable,
  clockTable,
  policiesTable,
  exportsTable,
  exportOrdinalsTable,
  policyOrdinalsTable,
  outputIndexTable,
  runOrderTable,
  auditTotalsTable,
];
