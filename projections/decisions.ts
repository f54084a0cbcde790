import { createHash } from 'node:crypto';
import { type DecisionProfile, decisionKind, factsOf, profileOf } from '../src/audit/decision-profile.ts';
import * as rows from '../src/audit/decision-rows.ts';
import { microsOf } from '../src/audit/instants.ts';
import {
  entryOf,
  isOtherLanguage,
  newRunContext,
  readOn,
  type RunContext,
} from '../src/audit/run-context.ts';
import { checkedTermsOf } from '../src/audit/term-hits.ts';
import { canonicalText } from '../src/events/canonical.ts';
import type { Core } from '../src/events/core.ts';
import type { LedgerEvent } from '../src/events/envelope.ts';
import { sortable } from '../src/events/time.ts';
import type { ProjectedEvent, Projection, View } from '../src/projector/projection.ts';
import { executionIdOf } from '../src/run/record.ts';

type Context = RunContext & rows.DecisionContext;

/** What one batch works with: the totals count on while it is folded. */
type Fold = {
  readonly view: View;
  totals: rows.DecisionTotals;
  readonly contexts: Map<string, Context>;
};

/** One event of a run, not told before. */
type Told = { readonly executionId: string; readonly event: LedgerEvent; readonly position: string };

/** Every safety decision with what followed from it and what people said of it, in the order of the log. */
export default function decisions(): Projection {
  return {
    name: 'decisions',
    version: '1',
    tables: rows.decisionTables,
    handle(events, view) {
      const before = view.get(rows.totalsTable, rows.totalsKey) ?? rows.noTotals;
      const fold: Fold = { view, totals: before, contexts: new Map() };
      for (const projected of events) take(fold, projected);
      for (const [id, context] of fold.contexts) view.put(rows.contextsTable, id, context);
      if (fold.totals !== before) view.put(rows.totalsTable, rows.totalsKey, fold.totals);
    },
  };
}

function take(fold: Fold, { stream, event, position }: ProjectedEvent): void {
  const executionId = executionIdOf(stream);
  if (executionId === undefined) return;
  const { core } = event;
  const context = fold.contexts.get(executionId) ??
    fold.view.get(rows.contextsTable, executionId) ?? {
      ...newRunContext(core),
      refused: {},
      inputCheck: null,
    };
  if (core.seq <= context.seq) {
    tellAgain(fold, executionId, event);
    return;
  }
  const told = { executionId, event, position };
  const after = decide(fold, told, context);
  fold.contexts.set(executionId, { ...after, ...readOn(after, core) });
}

/** An event that is told again has no payload any more, or the same: nothing else of it can be another one. */
function tellAgain({ view }: Fold, executionId: string, { core, payload }: LedgerEvent): void {
  const ordinal = view.get(rows.placesTable, [executionId, core.seq]);
  if (ordinal === undefined) return;
  const terms = checkedTermsOf(payload);
  if (terms.length > 0) view.put(rows.termsTable, ordinal, terms);
  else if (view.get(rows.termsTable, ordinal) !== undefined) view.remove(rows.termsTable, ordinal);
}

function decide(fold: Fold, told: Told, context: Context): Context {
  const { core } = told.event;
  const entry = entryOf(core);
  if (entry.kind === 'review') {
    addReview(fold, told);
    return context;
  }
  if (entry.effect === 'translate') return noteLanguage(fold, told, context);
  const kind = decisionKind(entry);
  if (kind === undefined) return context;
  if (kind === 'block') {
    const rested = decisionOfBlock(fold, told, context);
    if (rested !== undefined) {
      fold.view.put(rows.blocksTable, [rested, core.seq], {
        ...placeOf(fold, told),
        facts: core.facts ?? {},
      });
      return context;
    }
  }
  return addDecision(fold, told, context, kind);
}

/** Gives an event its number, and notes where that stands in the log. */
function numbered(fold: Fold, { event: { core }, position }: Told): number {
  const number = fold.totals.numbers + 1;
  const clock = sortable(core.recorded ?? core.time);
  const before = fold.view.get(rows.orderTable, number - 1)?.clock ?? '';
  fold.view.put(rows.orderTable, number, { position, clock: before > clock ? before : clock });
  fold.totals = { ...fold.totals, numbers: number };
  return number;
}

function placeOf(fold: Fold, told: Told) {
  const { type, core } = told.event;
  return {
    number: numbered(fold, told),
    execution_id: told.executionId,
    sequence_number: core.seq,
    id: core.id,
    type,
    time: core.time,
  };
}

function addDecision(fold: Fold, told: Told, context: Context, kind: DecisionProfile['kind']): Context {
  const { view } = fold;
  const { type, core, payload } = told.event;
  const ordinal = fold.totals.decisions;
  const profile = profileOf(kind, type, core, context);
  const row: rows.DecisionRow = {
    ...placeOf(fold, told),
    position: told.position,
    recorded: core.recorded ?? null,
    stage: core.stage ?? null,
    loop_iteration: core.loop_iteration ?? null,
    model_used: core.model_used ?? null,
    backend_used: core.backend_used ?? null,
    duration: durationOf(core),
    profile: profileNumber(fold, profile),
    subject: context.subject,
    subject_number: subjectNumber(fold, context.subject),
    facts: core.facts ?? {},
  };
  view.put(rows.decisionsTable, ordinal, row);
  view.put(rows.placesTable, [told.executionId, core.seq], ordinal);
  const terms = checkedTermsOf(payload);
  if (terms.length > 0) view.put(rows.termsTable, ordinal, terms);
  fold.totals = { ...fold.totals, decisions: ordinal + 1 };
  if ((ordinal + 1) % rows.columnRows === 0) sumUp(view, ordinal);
  compareVerdicts(view, row, ordinal, profile);
  return afterDecision(fold, row, ordinal, profile, context);
}

/** A commitment that was judged before, and otherwise, is noted once. */
function compareVerdicts(view: View, row: rows.DecisionRow, ordinal: number, profile: DecisionProfile): void {
  const { checked } = factsOf(row);
  const { verdict } = profile;
  if (checked === undefined || verdict === null) return;
  const key = [checked.role, checked.commitment] as const;
  view.put(rows.checkedTable, [...key, ordinal], verdict);
  const before = view.get(rows.verdictsTable, key);
  if (before === undefined) {
    view.put(rows.verdictsTable, key, { first: verdict, differs: null });
    return;
  }
  if (before.first === verdict || before.differs !== null) return;
  view.put(rows.verdictsTable, key, { ...before, differs: row.number });
  view.put(rows.differingTable, row.number, key);
}

function afterDecision(
  fold: Fold,
  row: rows.DecisionRow,
  ordinal: number,
  { action, role, language, kind }: DecisionProfile,
  context: Context,
): Context {
  const isInput = role === 'user_input';
  const actual = isInput ? context.inputLanguage : role === 'image' ? null : context.textLanguage;
  if (isOtherLanguage(language, actual)) putLanguage(fold, ordinal, row.number, language, actual);
  const loop = String(row.loop_iteration ?? 0);
  return {
    ...context,
    ...(kind === 'check' && action === 'block' ? { refused: { ...context.refused, [loop]: ordinal } } : {}),
    ...(isInput ? { inputCheck: { ordinal, language } } : {}),
  };
}

/** A translation that found another language than the check of the input went by. */
function noteLanguage(fold: Fold, told: Told, context: Context): Context {
  const { inputCheck } = context;
  const found = told.event.core.facts?.['detected_language'];
  if (inputCheck === null || typeof found !== 'string' || !isOtherLanguage(inputCheck.language, found))
    return context;
  if (fold.view.get(rows.languagesTable, inputCheck.ordinal) !== undefined) return context;
  putLanguage(fold, inputCheck.ordinal, numbered(fold, told), inputCheck.language, found);
  return context;
}

function putLanguage(
  { view }: Fold,
  ordinal: number,
  number: number,
  checked: string | null,
  actual: string | null,
): void {
  view.put(rows.languagesTable, ordinal, { number, checked: checked ?? '', actual: actual ?? '' });
}

/** The one that the block names; else the last of its loop that let nothing pass. */
function decisionOfBlock({ view }: Fold, { executionId, event }: Told, context: Context): number | undefined {
  const { core } = event;
  const named = core.facts?.['decided_by'];
  if (typeof named === 'string') {
    const found = ordinalOf(view, executionId, named);
    if (found !== undefined) return found;
  }
  return context.refused[String(core.loop_iteration ?? 0)];
}

/** The decision of a run with this event id. Few runs have more than a dozen decisions, and few events name one. */
function ordinalOf(view: View, executionId: string, id: string): number | undefined {
  const range = { start: [executionId, 0], end: [executionId, Number.MAX_SAFE_INTEGER] };
  for (const { row: ordinal } of view.range(rows.placesTable, range)) {
    if (view.get(rows.decisionsTable, ordinal)?.id === id) return ordinal;
  }
  return undefined;
}

function addReview(fold: Fold, told: Told): void {
  const { view } = fold;
  const { core } = told.event;
  const facts = core.facts ?? {};
  const word = (name: string): string | null => {
    const value = facts[name];
    return typeof value === 'string' ? value : null;
  };
  const ordinal = fold.totals.reviews;
  const judged = word('decision');
  const decision = judged === null ? undefined : ordinalOf(view, told.executionId, judged);
  const row: rows.ReviewRow = {
    ...placeOf(fold, told),
    decision: decision ?? null,
    actor: core.actor ?? null,
    judgement: word('judgement'),
    role: word('role'),
    answers: word('answers'),
    answered: null,
    facts,
  };
  view.put(rows.reviewsTable, ordinal, row);
  view.put(rows.reviewIdsTable, row.id, ordinal);
  if (decision !== undefined) view.put(rows.judgedTable, [decision, ordinal], 1);
  fold.totals = { ...fold.totals, reviews: ordinal + 1 };
  const answered = row.answers === null ? undefined : view.get(rows.reviewIdsTable, row.answers);
  const question = answered === undefined ? undefined : view.get(rows.reviewsTable, answered);
  if (answered === undefined || question === undefined || question.answered !== null) return;
  view.put(rows.reviewsTable, answered, { ...question, answered: row.number });
}

/** What the item says; else what its steps say together. */
function durationOf(core: Core): number | null {
  if (core.execution_time !== undefined) return core.execution_time;
  const { steps = [] } = factsOf(core);
  return steps.length === 0 ? null : steps.reduce((sum, { duration }) => sum + duration, 0);
}

function profileNumber(fold: Fold, profile: DecisionProfile): number {
  const { view, totals } = fold;
  const digest = createHash('sha256').update(canonicalText(profile)).digest('base64url');
  const known = view.get(rows.profileNumbersTable, digest);
  if (known !== undefined) return known;
  view.put(rows.profileNumbersTable, digest, totals.profiles);
  view.put(rows.profilesTable, totals.profiles, profile);
  fold.totals = { ...totals, profiles: totals.profiles + 1 };
  return totals.profiles;
}

function subjectNumber(fold: Fold, subject: string | null): number {
  if (subject === null) return 0;
  const known = fold.view.get(rows.subjectNumbersTable, subject);
  if (known !== undefined) return known;
  const number = fold.totals.subjects + 1;
  fold.view.put(rows.subjectNumbersTable, subject, number);
  fold.view.put(rows.subjectsTable, number, subject);
  fold.totals = { ...fold.totals, subjects: number };
  return number;
}

/** A full row of columns, the last decision of which is this one. */
function sumUp(view: View, last: number): void {
  const first = last + 1 - rows.columnRows;
  const columns: rows.Columns = { time: [], number: [], profile: [], duration: [], subject: [] };
  for (const { row } of view.range(rows.decisionsTable, { start: first, end: last + 1 })) {
    columns.time.push(microsOf(row.time));
    columns.number.push(row.number);
    columns.profile.push(row.profile);
    columns.duration.push(row.duration ?? -1);
    columns.subject.push(row.subject_number);
  }
  view.put(rows.columnsTable, first / rows.columnRows, columns);
}
