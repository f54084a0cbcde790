import type { LedgerEvent, PlacedItem } from '../events/envelope.ts';
import { type ExecutionItem, mergeItem, withSource } from '../events/item.ts';
import { canonicalText } from '../events/canonical.ts';
import { respeltLevel } from '../events/decision.ts';
import { secondsBetween } from '../events/time.ts';
import {
  entryOf,
  evolve,
  type Finding,
  initialRunState,
  isTerminal,
  type RunState,
  type RunStatus,
  statusOf,
} from './lifecycle.ts';

/** The prefix of every run's stream. */
const runPrefix = 'run-';
export const streamOf = (executionId: string): string => `${runPrefix}${executionId}`;
/** The run a stream belongs to; undefined for the streams of policies, workflows and the like. */
export const executionIdOf = (stream: string): string | undefined =>
  stream.startsWith(runPrefix) ? stream.slice(runPrefix.length) : undefined;

export type RunOutput = {
  readonly sequence_number: number;
  readonly loop_iteration: number | null;
  readonly config: string | null;
  readonly media_type: string | null;
  readonly content: string | null;
  readonly file_path: string | null;
};

export type RunError = {
  readonly type: string | null;
  readonly stage: number | null;
  readonly message: string | null;
};

/** The fold of a run as its client reads it, without the items themselves. Plain JSON. */
export type RecordState = {
  readonly life: RunState;
  readonly executionId: string;
  /** Members of the record as they were given: at the start, or by the imported record, which wins. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly tax: string | null;
  readonly finalText: string | null;
  readonly outputs: readonly RunOutput[];
  readonly error: RunError | null;
  readonly cancelledAt: string | null;
  readonly erased: boolean;
};

/** What every list and every answer about a run carries. */
export type RunSummary = {
  readonly execution_id: string;
  readonly config_name: string | null;
  readonly timestamp: string;
  readonly execution_mode: string | null;
  readonly safety_level: string | null;
  /** Seconds; null while the run is open. */
  readonly total_execution_time: number | null;
  readonly items_count: number;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly taxonomy_version: string | null;
  readonly workflow_id: string | null;
  readonly scope_type: string | null;
  readonly scope_id: string | null;
  readonly status: RunStatus;
  readonly is_terminal: boolean;
  readonly started_at: string;
  readonly completed_at: string | null;
  readonly outputs_generated: number;
  readonly outputs_blocked: number;
  readonly outputs_failed: number;
  /** Stream revision: ETag and If-Match speak of it. */
  readonly version: number;
};

/** A run's record without its items. */
export type RecordHeader = RunSummary & {
  readonly used_seed: number | string | null;
  readonly result: { readonly text: string | null; readonly media: readonly RunOutput[] } | null;
  readonly error: RunError | null;
  readonly cancelled_at: string | null;
  readonly findings: readonly Finding[];
};
export type ExecutionRecord = RecordHeader & { readonly items: readonly ExecutionItem[] };

/** What the fold reads of an event: a decoded one, or an item that is only placed yet. */
export type FoldedEvent = PlacedItem & { readonly erased: boolean };

/**
 * The record as it stood after these events of one run, the first of them first: all of them give the run of today, a
 * prefix what was known then. Throws for no events at all: there is nothing to show.
 */
export function replayRecord(executionId: string, events: Iterable<LedgerEvent>): ExecutionRecord {
  let state = initialRecordState(executionId);
  const items: ExecutionItem[] = [];
  for (const event of events) {
    state = evolveRecord(state, event);
    items.push(mergeItem(event.core, event.payload, event.erased));
  }
  return { ...headerOf(state), items };
}

export const initialRecordState = (executionId: string): RecordState => ({
  life: initialRunState,
  executionId,
  given: {},
  tax: null,
  finalText: null,
  outputs: [],
  error: null,
  cancelledAt: null,
  erased: false,
});

/** Folds one event into the record; total, and defined for an erased payload. */
export function evolveRecord(state: RecordState, event: FoldedEvent): RecordState {
  const { core, payload } = event;
  const wasOpen = state.life.terminalAt === null;
  const next: RecordState = {
    ...state,
    life: evolve(state.life, core),
    given: state.life.version === -1 ? givenMembers(event) : state.given,
    tax: state.tax ?? core.tax,
    erased: state.erased || event.erased,
  };
  if (!wasOpen) return next;
  switch (entryOf(core).effect) {
    case 'finish_text':
      return { ...next, finalText: payload?.content ?? null };
    case 'deliver_output':
      return { ...next, outputs: [...next.outputs, outputOf(event)] };
    case 'withhold_output':
      // A medium that a stage-4 check blocks is never served, so the result must not name it.
      return {
        ...next,
        outputs: next.outputs.filter((output) => !isRefused(output, core)),
      };
    case 'fail_run':
      return { ...next, error: errorOf(event) };
    case 'cancel_run':
      return { ...next, cancelledAt: core.time };
    default:
      return next;
  }
}

/** Start facts first, then what the payload holds; an imported record's own members win over both. */
function givenMembers({ core, payload }: FoldedEvent): Record<string, unknown> {
  const { metadata, record } = payload ?? {};
  const starts = entryOf(core).effect === 'start';
  const repeated = Object.fromEntries(
    Object.entries(starts ? { ...core.facts, ...metadata } : {}).filter(([, value]) => value !== null),
  );
  const { seed, ...start } = repeated;
  return {
    ...pick(start, ['config_name', 'execution_mode', 'safety_level', 'user_id', 'session_id']),
    ...(seed === undefined ? {} : { used_seed: seed }),
    ...(payload?.user_id === undefined ? {} : { user_id: payload.user_id }),
    ...(payload?.session_id === undefined ? {} : { session_id: payload.session_id }),
    ...record,
  };
}

function pick(from: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]));
}

/** A refusal is of the output that it names, of the medium that it names, and of all where it names none. */
function isRefused({ loop_iteration, file_path }: RunOutput, core: FoldedEvent['core']): boolean {
  const loop = loopNumber(core);
  const digest = core.facts?.['sha256'];
  const isMedium = typeof digest === 'string' && file_path?.endsWith(digest) === true;
  return loop === null || loop_iteration === null || loop_iteration === loop || isMedium;
}

const loopNumber = (core: FoldedEvent['core']): number | null => core.loop_iteration ?? null;

const outputOf = ({ core, payload }: FoldedEvent): RunOutput => ({
  sequence_number: core.seq,
  loop_iteration: loopNumber(core),
  // A name that is no token stands in the payload.
  config: core.config_used ?? text(payload?.extra?.['config_used']),
  media_type: core.media_type ?? null,
  content: payload?.content ?? null,
  file_path: payload?.file_path ?? null,
});

function errorOf({ core, payload }: FoldedEvent): RunError {
  const type = core.facts?.['error_type'] ?? payload?.metadata?.['error_type'];
  const stage = core.facts?.['error_stage'] ?? core.stage;
  const message = payload?.metadata?.['error_message'] ?? payload?.content;
  return {
    type: typeof type === 'string' ? type : null,
    stage: typeof stage === 'number' ? stage : null,
    message: typeof message === 'string' ? message : null,
  };
}

/** The summary of a folded run. Throws for a run without events: there is nothing to summarise. */
export function summaryOf(state: RecordState): RunSummary {
  const { life, given } = state;
  if (life.startedAt === null) throw new TypeError(`run ${state.executionId} has no events`);
  const level = text(given['safety_level']);
  const started = text(given['timestamp']) ?? life.startedAt;
  return {
    execution_id: state.executionId,
    config_name: text(given['config_name']),
    timestamp: started,
    execution_mode: text(given['execution_mode']),
    safety_level: respeltLevel(level) ?? level,
    total_execution_time: totalTime(state, started),
    items_count: life.version + 1,
    user_id: text(given['user_id']),
    session_id: text(given['session_id']),
    taxonomy_version: text(given['taxonomy_version']) ?? state.tax,
    workflow_id: text(given['workflow_id']) ?? text(given['config_name']),
    scope_type: text(given['scope_type']),
    scope_id: text(given['scope_id']),
    status: statusOf(life),
    is_terminal: isTerminal(life),
    started_at: started,
    completed_at: life.completedAt,
    outputs_generated: life.outputsGenerated,
    outputs_blocked: life.outputsBlocked,
    outputs_failed: life.outputsFailed,
    version: life.version,
  };
}

/**
 * The record's members beside the items. Unknown members of an imported record come back at their place; what it says of
 * a member that is derived or spelled otherwise today stands under `source`.
 */
export function headerOf(state: RecordState): RecordHeader {
  // A view is ours to name; an imported member of that name stands under `source` with the other renamed ones.
  const { source, view, ...given } = recordMembers(state);
  const summary = summaryOf(state);
  const shown: RecordHeader = {
    ...summary,
    used_seed: seedOf(given['used_seed']),
    result: summary.is_terminal ? { text: state.finalText, media: state.outputs } : null,
    error: state.error,
    cancelled_at: state.cancelledAt,
    findings: [...state.life.findings, ...recordFindings(state)],
  };
  const sources = {
    ...Object.fromEntries(Object.entries(given).filter(([key, value]) => differs(shown, key, value))),
    ...(view === undefined ? {} : { view }),
  };
  return { ...given, ...shown, ...withSource(sources, source), ...(state.erased ? { erased: true } : {}) };
}

/** The importer's own notes stand among the given members but are findings. */
function recordMembers({ given }: RecordState): Record<string, unknown> {
  const { import_findings: _, ...members } = given;
  return members;
}

function differs(shown: RecordHeader, key: string, given: unknown): boolean {
  if (!Object.hasOwn(shown, key)) return false;
  return canonicalText(shown[key as keyof RecordHeader]) !== canonicalText(given ?? null);
}

function totalTime(state: RecordState, started: string): number | null {
  const recorded = state.given['total_execution_time'];
  if (typeof recorded === 'number') return recorded;
  return derivedTotal(state, started);
}

const derivedTotal = (state: RecordState, started: string): number | null =>
  state.life.completedAt === null ? null : secondsBetween(started, state.life.completedAt);

function recordFindings(state: RecordState): Finding[] {
  const found: Finding[] = [];
  const { given, life } = state;
  if (statusOf(life) === 'incomplete') {
    const detail = 'The imported record has no item that ends the run: its outcome is not recorded.';
    found.push({ rule: 'incomplete', sequence_number: null, detail });
  }
  const recorded = given['total_execution_time'];
  const derived = derivedTotal(state, text(given['timestamp']) ?? life.startedAt ?? '');
  if (typeof recorded === 'number' && derived !== null && Math.abs(recorded - derived) > 0.001) {
    const detail = `The record says it took ${recorded} s, its items' times say ${derived} s; the recorded value is shown.`;
    found.push({ rule: 'total_time_differs', sequence_number: null, detail });
  }
  const notes = life.origin === 'import' ? given['import_findings'] : undefined;
  return found.concat(Array.isArray(notes) ? (notes as Finding[]) : []);
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const seedOf = (value: unknown): number | string | null =>
  typeof value === 'number' || typeof value === 'string' ? value : null;
