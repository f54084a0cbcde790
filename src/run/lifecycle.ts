import type { CatalogueEntry } from '../events/catalogue-entry.ts';
import { catalogued, unknownEntry } from '../events/catalogue.ts';
import type { CoreDraft } from '../events/core.ts';
import { decisionOutcome } from '../events/decision.ts';
import { upcastType } from '../events/upcast.ts';

export const runStatuses = [
  'pending',
  'running',
  'paused',
  'waiting_clarification',
  'cancelling',
  'completed',
  'failed',
  'blocked',
  'cancelled',
  'incomplete',
] as const;
export type RunStatus = (typeof runStatuses)[number];

/** Something the record does not prove, or a rule it breaks. Kept history is never refused: it is listed here. */
export type Finding = {
  readonly rule: string;
  readonly sequence_number: number | null;
  readonly detail: string;
};

/** Who records the run: our orchestrator, a foreign pipeline over HTTP, or an importer of old records. */
export type Origin = 'own' | 'foreign' | 'import';

/** What stage 3 said last about one output. */
export type LoopState = 'allowed' | 'refused' | 'blocked';

/** The fold of a run's cores: all that the decider needs, and what stays known after an erasure. Plain JSON. */
export type RunState = {
  /** Stream revision of the last item; −1 before the first. */
  readonly version: number;
  readonly origin: Origin | null;
  readonly phase: Exclude<RunStatus, 'incomplete'> | null;
  /** Who executes the run: the worker that claimed it last. */
  readonly worker: string | null;
  /** The sequence number of the item that ended the run. */
  readonly terminalAt: number | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly stageIteration: number;
  readonly finalText: boolean;
  /** Every stage-1 decision so far lets the input pass, and there is at least one (or its recorded skip). */
  readonly inputAllowed: boolean;
  /** Sequence numbers of the stage-1 decisions that refuse and that no later decision supersedes. */
  readonly inputRefusals: readonly number[];
  readonly loops: Readonly<Record<string, LoopState>>;
  /** Generated outputs by loop, so that withholding one loop's medium never takes away another's. */
  readonly delivered: Readonly<Record<string, number>>;
  readonly outputsGenerated: number;
  readonly outputsBlocked: number;
  readonly outputsFailed: number;
  readonly findings: readonly Finding[];
};

export const initialRunState: RunState = {
  version: -1,
  origin: null,
  phase: null,
  worker: null,
  terminalAt: null,
  startedAt: null,
  completedAt: null,
  stageIteration: 0,
  finalText: false,
  inputAllowed: false,
  inputRefusals: [],
  loops: {},
  delivered: {},
  outputsGenerated: 0,
  outputsBlocked: 0,
  outputsFailed: 0,
  findings: [],
};

/** The status a client sees. An import that nothing ended is `incomplete`. */
export function statusOf(state: RunState): RunStatus {
  if (state.origin === 'import' && state.terminalAt === null) return 'incomplete';
  return state.phase ?? 'pending';
}

export const isTerminal = (state: RunState): boolean =>
  state.terminalAt !== null || state.origin === 'import';

/** The catalogue's entry for a stored core, under today's name of its type. */
export const entryOf = (core: CoreDraft): CatalogueEntry => catalogued(upcastType(core.type)) ?? unknownEntry;

/**
 * Folds one event into the run. Total: whatever was recorded is taken, and what breaks a rule of domain.md §4 is added
 * to the findings. Effects after the terminal item change nothing but the version.
 */
export function evolve(state: RunState, core: CoreDraft): RunState {
  const entry = entryOf(core);
  const origin = state.origin ?? originOf(core);
  const broken = brokenRules(state, core, entry, origin);
  const next = {
    ...state,
    origin,
    version: core.seq - 1,
    startedAt: state.startedAt ?? core.time,
    phase: state.phase ?? (origin === 'own' ? 'pending' : 'running'),
    findings: broken.length === 0 ? state.findings : [...state.findings, ...broken],
  } satisfies RunState;
  return state.terminalAt === null ? applyEffect(next, core, entry) : next;
}

function originOf(core: CoreDraft): Origin {
  if (core.actor?.kind === 'importer') return 'import';
  return core.actor?.kind === 'service' ? 'own' : 'foreign';
}

function applyEffect(state: RunState, core: CoreDraft, entry: CatalogueEntry): RunState {
  const ended = (phase: RunState['phase']): RunState => ({
    ...state,
    phase,
    terminalAt: core.seq,
    completedAt: core.time,
  });
  switch (entry.effect) {
    case 'claim':
      return { ...moved(state, 'pending', 'running'), worker: workerOf(core) };
    case 'resume':
      // What was paused in the queue waits there again.
      return moved(state, 'paused', state.worker === null ? 'pending' : 'running');
    case 'answer':
      return moved(state, 'waiting_clarification', 'running');
    case 'pause':
      return state.phase === 'cancelling' ? state : { ...state, phase: 'paused' };
    case 'ask':
      return state.phase === 'cancelling' ? state : { ...state, phase: 'waiting_clarification' };
    case 'request_cancel':
      return { ...state, phase: 'cancelling' };
    case 'decide_input':
      return decideInput(state, core);
    case 'iterate':
      return { ...state, stageIteration: core.stage_iteration ?? state.stageIteration + 1 };
    case 'finish_text':
      return { ...state, finalText: true };
    case 'decide_output':
      return setLoop(state, core, passes(core) ? 'allowed' : 'refused');
    case 'skip_check':
      return skipCheck(state, core);
    case 'block_output':
      return { ...setLoop(state, core, 'blocked'), outputsBlocked: state.outputsBlocked + 1 };
    case 'withhold_output':
      return withhold(state, core);
    case 'deliver_output':
      return {
        ...state,
        outputsGenerated: state.outputsGenerated + 1,
        delivered: { ...state.delivered, [loopKey(core)]: deliveredIn(state, core) + 1 },
      };
    case 'fail_output':
      return { ...state, outputsFailed: state.outputsFailed + 1 };
    case 'complete':
      return ended('completed');
    case 'fail_run':
      return ended('failed');
    case 'block_run':
      return ended('blocked');
    case 'cancel_run':
      return ended('cancelled');
    case 'start':
    case 'input':
    case 'translate':
    case 'skip_output':
    case 'discard_result':
    case 'begin_step':
    case 'none':
      return state;
  }
}

/** A claim that names nobody is one all the same. */
function workerOf(core: CoreDraft): string {
  const worker = core.facts?.['worker'];
  return typeof worker === 'string' ? worker : 'unnamed';
}

/** A worker's claim, a resume or an answer lifts only what it answers: nothing of them undoes a cancel. */
function moved(state: RunState, from: RunStatus, to: 'pending' | 'running'): RunState {
  return state.phase === from ? { ...state, phase: to } : state;
}

/** A refusal stands, whatever other checks say after it, until a later decision supersedes that very one. */
function decideInput(state: RunState, core: CoreDraft): RunState {
  const supersedes = core.facts?.['supersedes'];
  const standing = state.inputRefusals.filter((seq) => seq !== supersedes);
  const inputRefusals = passes(core) ? standing : [...standing, core.seq];
  return { ...state, inputRefusals, inputAllowed: inputRefusals.length === 0 };
}

/**
 * A recorded skip stands for the check of its stage. A skip of the level's list leaves a decision on the law list
 * standing; it never turns a refusal into a pass, and a skipped look at the medium says nothing about the text.
 */
function skipCheck(state: RunState, core: CoreDraft): RunState {
  if (core.stage === 1) return { ...state, inputAllowed: state.inputRefusals.length === 0 };
  if (core.stage === 4 || core.loop_iteration === undefined || loopOf(state, core) !== undefined)
    return state;
  return setLoop(state, core, 'allowed');
}

/** A look at the medium refused it: what this output had delivered no longer counts as generated. */
function withhold(state: RunState, core: CoreDraft): RunState {
  return {
    ...setLoop(state, core, 'blocked'),
    outputsBlocked: state.outputsBlocked + 1,
    outputsGenerated: state.outputsGenerated - deliveredIn(state, core),
    delivered: { ...state.delivered, [loopKey(core)]: 0 },
  };
}

function passes(core: CoreDraft): boolean {
  const { action } = decisionOutcome(core.facts);
  return action === 'allow' || action === 'skip' || action === 'modify';
}

type InLoop = Pick<CoreDraft, 'loop_iteration'>;
const loopKey = (core: InLoop): string => String(core.loop_iteration ?? 0);
const deliveredIn = (state: RunState, core: InLoop): number => state.delivered[loopKey(core)] ?? 0;

export const loopOf = (state: RunState, core: InLoop): LoopState | undefined => state.loops[loopKey(core)];

function setLoop(state: RunState, core: InLoop, loop: LoopState): RunState {
  return { ...state, loops: { ...state.loops, [loopKey(core)]: loop } };
}

function brokenRules(state: RunState, core: CoreDraft, entry: CatalogueEntry, origin: Origin): Finding[] {
  const found: Finding[] = [];
  const note = (rule: string, detail: string): void =>
    void found.push({ rule, sequence_number: core.seq, detail });
  if (state.version === -1 && entry.effect !== 'start') {
    note(
      'no_start',
      `The first item is ${core.type}: who asked for what, and under which level, is not recorded.`,
    );
  }
  if (state.terminalAt !== null && !entry.afterTerminal) {
    note('item_after_terminal', `${core.type} stands after item ${state.terminalAt}, which ended the run.`);
  }
  if (entry.effect === 'iterate' && core.stage_iteration !== state.stageIteration + 1) {
    note(
      'iteration_gap',
      `stage_iteration is ${core.stage_iteration ?? 'missing'} where ${state.stageIteration + 1} was due.`,
    );
  }
  if (entry.needs === 'loop_iteration' && core.loop_iteration === undefined) {
    note('loop_missing', `${core.type} does not say which output it belongs to.`);
  }
  if (entry.effect === 'deliver_output') found.push(...outputFindings(state, core));
  if (entry.effect === 'decide_input' || entry.effect === 'decide_output')
    found.push(...checkFindings(core, origin));
  if (entry.effect === 'complete') found.push(...countFindings(state, core));
  return found;
}

function outputFindings(state: RunState, core: CoreDraft): Finding[] {
  const loop = loopOf(state, core);
  if (loop === 'allowed') return [];
  const why =
    loop === undefined
      ? 'has no recorded safety decision and no recorded skip'
      : 'was delivered although its safety decision refused it';
  return [
    {
      rule: loop === undefined ? 'output_without_decision' : 'output_against_decision',
      sequence_number: core.seq,
      detail: `Output ${core.loop_iteration ?? '?'} (${core.type}) ${why}.`,
    },
  ];
}

function checkFindings(core: CoreDraft, origin: Origin): Finding[] {
  const { basis, verdict } = decisionOutcome(core.facts);
  if (basis === 'fail_open') {
    const policy = core.facts?.['policy'] === undefined ? ', and no published policy allowed that' : '';
    return [
      {
        rule: 'check_failed_open',
        sequence_number: core.seq,
        detail: `The checker failed and the content was let pass${policy}.`,
      },
    ];
  }
  if (verdict === 'indeterminate' && origin !== 'own' && basis === 'unknown') {
    return [
      {
        rule: 'check_without_evidence',
        sequence_number: core.seq,
        detail: 'The check names no policy, no checked text and no steps: its result is told, not proven.',
      },
    ];
  }
  return [];
}

function countFindings(state: RunState, core: CoreDraft): Finding[] {
  const found: Finding[] = [];
  const items = core.facts?.['total_items_logged'];
  if (typeof items === 'number' && items !== core.seq) {
    const detail = `The run says it logged ${items} items, ${core.seq} are recorded.`;
    found.push({ rule: 'items_count_differs', sequence_number: core.seq, detail });
  }
  const outputs = core.facts?.['outputs_generated'];
  if (typeof outputs === 'number' && outputs !== state.outputsGenerated) {
    const detail = `The run says it generated ${outputs} outputs, ${state.outputsGenerated} are recorded as generated and ${state.outputsBlocked} as blocked.`;
    found.push({ rule: 'outputs_count_differs', sequence_number: core.seq, detail });
  }
  return found;
}
