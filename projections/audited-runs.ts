import { z } from 'zod';
import { decisionKind, factsOf, sameText } from '../src/audit/decision-profile.ts';
import { entryOf, newRunContext, readOn } from '../src/audit/run-context.ts';
import * as rows from '../src/audit/run-rows.ts';
import type { Core, Payload } from '../src/events/core.ts';
import { decisionOutcome } from '../src/events/decision.ts';
import type { LedgerEvent } from '../src/events/envelope.ts';
import { compareTimes, secondsBetween, sortable } from '../src/events/time.ts';
import { exportIdOf, exportTypes } from '../src/exporters/export-job.ts';
import type { ProjectedEvent, Projection, View } from '../src/projector/projection.ts';
import { executionIdOf } from '../src/run/record.ts';

type Fold = {
  readonly view: View;
  totals: rows.AuditTotals;
  readonly runs: Map<string, rows.RunRow>;
};
type Told = { readonly event: LedgerEvent; readonly position: string; readonly executionId: string };

/** How runs began, what they put out and how they ended, and what else an auditor asks of the log. */
export default function auditedRuns(): Projection {
  return {
    name: 'audited-runs',
    version: '2',
    tables: rows.auditedRunTables,
    handle(events, view) {
      const before = view.get(rows.auditTotalsTable, rows.auditTotalsKey) ?? rows.noAuditTotals;
      const fold: Fold = { view, totals: before, runs: new Map() };
      for (const projected of events) take(fold, projected);
      for (const [id, run] of fold.runs) view.put(rows.auditedRunsTable, id, run);
      if (fold.totals !== before) view.put(rows.auditTotalsTable, rows.auditTotalsKey, fold.totals);
    },
  };
}

function take(fold: Fold, { stream, event, position }: ProjectedEvent): void {
  const executionId = executionIdOf(stream);
  if (executionId !== undefined) takeOfRun(fold, { event, position, executionId });
  else if (event.type === 'policy_published') addPolicy(fold, stream, event, position);
  else if (exportTypes.some((type) => type === event.type)) addExport(fold, stream, event, position);
}

function numbered(fold: Fold, core: Core, position: string): number {
  const number = fold.totals.numbers + 1;
  const clock = sortable(core.recorded ?? core.time);
  const before = fold.view.get(rows.runOrderTable, number - 1)?.clock ?? '';
  fold.view.put(rows.runOrderTable, number, { position, clock: before > clock ? before : clock });
  fold.totals = { ...fold.totals, numbers: number };
  return number;
}

const placeOf = (fold: Fold, { event: { type, core }, position, executionId }: Told) => ({
  number: numbered(fold, core, position),
  execution_id: executionId,
  sequence_number: core.seq,
  id: core.id,
  type,
  time: core.time,
});

function takeOfRun(fold: Fold, told: Told): void {
  const { executionId, event } = told;
  const { core } = event;
  const known = fold.runs.get(executionId) ?? fold.view.get(rows.auditedRunsTable, executionId);
  const run = payloadTold(known ?? beginRun(fold, told), event);
  if (core.seq <= run.context.seq) {
    fold.runs.set(executionId, run);
    return;
  }
  if (known !== undefined) noteClock(fold, told, known);
  const read: rows.RunRow = {
    ...run,
    context: readOn(run.context, core),
    last: { time: core.time, known: core.recorded ?? core.time },
  };
  fold.runs.set(executionId, applyItem(fold, told, read));
}

function beginRun(fold: Fold, told: Told): rows.RunRow {
  const { executionId, event, position } = told;
  const { core } = event;
  const ordinal = fold.totals.runs;
  const context = newRunContext(core);
  const number = numbered(fold, core, position);
  fold.totals = { ...fold.totals, runs: ordinal + 1 };
  const span = { execution_id: executionId, number, started: core.time, origin: context.origin };
  fold.view.put(rows.spansTable, ordinal, span);
  if (span.origin !== 'import') fold.view.put(rows.openUntilTable, [rows.stillOpen, ordinal], 1);
  if (context.subject !== null)
    fold.view.put(rows.runsOfSubjectTable, [context.subject, ordinal], executionId);
  const sha256 = core.facts?.['workflow_sha256'];
  const run: rows.RunRow = {
    ordinal,
    number,
    context,
    started: core.time,
    pinned: {
      policy: core.facts?.['policy'] ?? null,
      workflow_sha256: typeof sha256 === 'string' ? sha256 : null,
    },
    ended: null,
    loops: {},
    last: { time: core.time, known: core.recorded ?? core.time },
    payloads: 0,
    erased: 0,
    told: 0,
  };
  if (core.recorded !== undefined && compareTimes(core.time, core.recorded) > 0)
    addAnomaly(fold, told, 'time_after_recorded', core.recorded, core.time);
  return run;
}

/** What is told again counts anew: what was erased meanwhile is. */
function payloadTold(run: rows.RunRow, { core, erased }: LedgerEvent): rows.RunRow {
  const before = core.seq === 1 ? { payloads: 0, erased: 0, told: 0 } : run;
  if (core.seq <= before.told) return run;
  return {
    ...run,
    payloads: before.payloads + (core.payload === undefined ? 0 : 1),
    erased: before.erased + (erased ? 1 : 0),
    told: core.seq,
  };
}

function noteClock(fold: Fold, told: Told, { last }: rows.RunRow): void {
  const { core } = told.event;
  const known = core.recorded ?? core.time;
  if (compareTimes(known, last.known) < 0) addAnomaly(fold, told, 'recorded_backwards', known, last.known);
  if (core.recorded === undefined) return;
  if (compareTimes(core.time, last.time) < 0) addAnomaly(fold, told, 'time_backwards', core.time, last.time);
  if (compareTimes(core.time, core.recorded) > 0)
    addAnomaly(fold, told, 'time_after_recorded', core.recorded, core.time);
}

function addAnomaly(
  fold: Fold,
  told: Told,
  anomaly: rows.ClockRow['anomaly'],
  earlier: string,
  later: string,
): void {
  const { clock } = fold.totals;
  const row = { ...placeOf(fold, told), anomaly, other: later, seconds: secondsBetween(earlier, later) };
  fold.view.put(rows.clockTable, clock, row);
  fold.totals = { ...fold.totals, clock: clock + 1 };
}

function applyItem(fold: Fold, told: Told, run: rows.RunRow): rows.RunRow {
  const { core } = told.event;
  const entry = entryOf(core);
  if (told.event.type === 'recorder_gap') {
    const ordinal = fold.totals.gaps;
    fold.view.put(rows.gapsTable, ordinal, { ...placeOf(fold, told), facts: core.facts ?? {} });
    fold.totals = { ...fold.totals, gaps: ordinal + 1 };
    return run;
  }
  switch (entry.effect) {
    case 'decide_output':
      return decided(run, core, passes(core) ? 'allowed' : 'refused');
    case 'skip_check':
      return core.stage === 1 || core.stage === 4 || core.loop_iteration === undefined || loopOf(run, core)
        ? run
        : decided(run, core, 'allowed');
    case 'block_output':
    case 'withhold_output': {
      const state = entry.effect === 'block_output' ? 'blocked' : 'withheld';
      const served = (loopOf(run, core)?.delivered ?? 0) > 0;
      addOutput(fold, told, run, state, served ? ['served_before_block'] : []);
      return decided(run, core, 'blocked');
    }
    case 'deliver_output':
      addOutput(fold, told, run, 'delivered', marksOf(run, core));
      return delivered(run, core);
    case 'fail_output':
      addOutput(fold, told, run, 'failed', []);
      return run;
    case 'skip_output':
      addOutput(fold, told, run, 'skipped', []);
      return run;
    case 'complete':
    case 'fail_run':
    case 'block_run':
    case 'cancel_run':
      return ended(fold, told, run);
    default:
      return decisionKind(entry) === 'check' && !passes(core) && core.stage === 4
        ? decided(run, core, 'refused')
        : run;
  }
}

function ended(fold: Fold, told: Told, run: rows.RunRow): rows.RunRow {
  if (run.ended !== null) return run;
  const { number, sequence_number, type, time } = placeOf(fold, told);
  if (run.context.origin !== 'import') {
    fold.view.remove(rows.openUntilTable, [rows.stillOpen, run.ordinal]);
    fold.view.put(rows.openUntilTable, [number, run.ordinal], 1);
  }
  return { ...run, ended: { number, sequence_number, type, time } };
}

const loopKey = (core: Core): string => String(core.loop_iteration ?? 0);
const loopOf = (run: rows.RunRow, core: Core): rows.RunRow['loops'][string] | undefined =>
  run.loops[loopKey(core)];

const passes = (core: Core): boolean =>
  ['allow', 'skip', 'modify'].includes(decisionOutcome(core.facts).action);

function decided(run: rows.RunRow, core: Core, state: rows.RunRow['loops'][string]['state']): rows.RunRow {
  const before = loopOf(run, core);
  const said = sameText(factsOf(core));
  const same_text = said ?? (state === 'allowed' ? null : (before?.same_text ?? null));
  const loop = { state, by: core.seq, same_text, delivered: before?.delivered ?? 0 };
  return { ...run, loops: { ...run.loops, [loopKey(core)]: loop } };
}

function delivered(run: rows.RunRow, core: Core): rows.RunRow {
  const before = loopOf(run, core);
  if (before === undefined) return run;
  const loop = { ...before, delivered: before.delivered + 1 };
  return { ...run, loops: { ...run.loops, [loopKey(core)]: loop } };
}

function marksOf(run: rows.RunRow, core: Core): rows.OutputRow['marks'] {
  const loop = loopOf(run, core);
  if (loop === undefined) return ['undecided', 'text_unproven'];
  const text =
    loop.same_text === null ? ['text_unproven' as const] : loop.same_text ? [] : ['other_text' as const];
  return [...(loop.state === 'allowed' ? [] : ['against_decision' as const]), ...text];
}

function addOutput(
  fold: Fold,
  told: Told,
  run: rows.RunRow,
  state: rows.OutputRow['state'],
  marks: rows.OutputRow['marks'],
): void {
  const { core } = told.event;
  const ordinal = fold.totals.outputs;
  fold.view.put(rows.outputsTable, ordinal, {
    ...placeOf(fold, told),
    state,
    marks,
    loop_iteration: core.loop_iteration ?? null,
    output_config: core.config_used ?? null,
    media_type: core.media_type ?? null,
    decided_by: loopOf(run, core)?.by ?? null,
    facts: core.facts ?? {},
  });
  for (const name of [state, ...marks]) fold.view.put(rows.outputIndexTable, [name, ordinal], 1);
  fold.totals = { ...fold.totals, outputs: ordinal + 1 };
}

const publicationFacts = z.object({ policy_id: z.string(), version: z.int(), sha256: z.string() });
const model = z.object({ model: z.string() });
const policyShape = z.object({
  checker: model.optional(),
  law_checker: model.optional(),
  vision: model.optional(),
  on_checker_failure: z.string().optional(),
});

function addPolicy(fold: Fold, stream: string, { core, payload }: LedgerEvent, position: string): void {
  const { data } = publicationFacts.safeParse(core.facts);
  if (data === undefined || stream !== `policy-${data.policy_id}`) return;
  const key = [data.policy_id, data.version];
  const known = fold.view.get(rows.policyOrdinalsTable, key);
  const asked = askedBy(payload);
  if (known !== undefined) {
    const row = fold.view.get(rows.policiesTable, known);
    if (row !== undefined && row.sha256 === data.sha256)
      fold.view.put(rows.policiesTable, known, { ...row, ...asked });
    return;
  }
  const ordinal = fold.totals.policies;
  const number = numbered(fold, core, position);
  fold.view.put(rows.policyOrdinalsTable, key, ordinal);
  fold.view.put(rows.policiesTable, ordinal, { number, ...data, time: core.time, ...asked });
  fold.totals = { ...fold.totals, policies: ordinal + 1 };
}

function askedBy(payload: Payload | null): Pick<rows.PolicyRow, 'models' | 'on_checker_failure'> {
  const { data } = policyShape.safeParse(payload?.metadata?.['document']);
  if (data === undefined) return { models: null, on_checker_failure: null };
  const { on_checker_failure = null, ...asked } = data;
  const models = Object.entries(asked).flatMap(([role, one]) =>
    one === undefined ? [] : [[role, one.model]],
  );
  return { models: Object.fromEntries(models) as Record<string, string>, on_checker_failure };
}

function addExport(fold: Fold, stream: string, { type, core }: LedgerEvent, position: string): void {
  const id = exportIdOf(stream);
  if (id === undefined) return;
  const { view } = fold;
  const known = view.get(rows.exportOrdinalsTable, id);
  const row = known === undefined ? undefined : view.get(rows.exportsTable, known);
  // Its events are in order: what is told again stands there already.
  if (row !== undefined && row.events.length >= core.seq) return;
  const number = numbered(fold, core, position);
  const event = { number, type, time: core.time, facts: core.facts ?? {} };
  const ordinal = known ?? fold.totals.exports;
  view.put(rows.exportsTable, ordinal, {
    export_id: id,
    number: row?.number ?? number,
    actor: row === undefined ? (core.actor ?? null) : row.actor,
    events: [...(row?.events ?? []), event],
  });
  if (known !== undefined) return;
  view.put(rows.exportOrdinalsTable, id, ordinal);
  fold.totals = { ...fold.totals, exports: ordinal + 1 };
}
