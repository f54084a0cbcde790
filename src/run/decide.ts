import type { CatalogueEntry } from '../events/catalogue-entry.ts';
import { catalogued, unknownEntry } from '../events/catalogue.ts';
import { decisionOutcome } from '../events/decision.ts';
import type { ItemDraft } from '../events/item.ts';
import { upcastType } from '../events/upcast.ts';
import { LedgerError } from '../errors.ts';
import { isTerminal, loopOf, type Origin, type RunState } from './lifecycle.ts';

/** Who asks to record. Our own items keep every rule; a foreign pipeline the few that shape depends on; imports none. */
export type RecordCommand = {
  readonly by: Origin;
  readonly item: ItemDraft;
  /** The worker that executes the run, where it is a worker that records. */
  readonly worker?: string | undefined;
};

type Refusal = { readonly rule: string; readonly what: string; readonly cure: string };

/**
 * May this item follow in this run (domain.md §4)? Returns nothing where it may, throws RULE_BROKEN with the rule where
 * it may not. No clock, no ids, no I/O; the same state and item always give the same answer.
 */
export function decide(command: RecordCommand, state: RunState): void {
  const refusal = refusalOf(command, state);
  if (refusal) throw new LedgerError('RULE_BROKEN', refusal);
}

function refusalOf({ by, item, worker }: RecordCommand, state: RunState): Refusal | undefined {
  if (by === 'import') return undefined;
  const entry = catalogued(upcastType(item.item_type)) ?? unknownEntry;
  if (isTerminal(state) && !entry.afterTerminal) {
    return {
      rule: 'item_after_terminal',
      what: `${item.item_type} cannot follow: the run ended with item ${state.terminalAt ?? state.version + 1}`,
      cure: 'start a new run',
    };
  }
  if (by === 'foreign' && state.origin === 'own' && !entry.afterTerminal) {
    return {
      rule: 'other_recorder',
      what: `${item.item_type} cannot be added: this run is recorded by the pipeline that executes it`,
      cure: 'record a run of your own',
    };
  }
  // What people say of our decisions has rules of its own, which this way around would pass by.
  if (by === 'foreign' && state.origin === 'own' && entry.kind === 'review') {
    return {
      rule: 'other_recorder',
      what: `${item.item_type} cannot be added as an item of this run`,
      cure: 'send it to the decision: POST /api/runs/{id}/decisions/{seq}/override or /annotations',
    };
  }
  if (entry.effect === 'start' && state.version >= 0) {
    return {
      rule: 'one_start',
      what: `${item.item_type} cannot follow: the run has started`,
      cure: 'leave it out, or start a new run',
    };
  }
  if (entry.effect === 'iterate' && item.stage_iteration !== state.stageIteration + 1) {
    return {
      rule: 'iteration_gap',
      what: `stage_iteration is ${item.stage_iteration ?? 'missing'}, ${state.stageIteration + 1} is due`,
      cure: 'number the iterations 1, 2, 3 … without gaps, in order',
    };
  }
  if (by !== 'own') return undefined;
  return (
    workerRefusal(worker, item, entry, state) ??
    steeringRefusal(item, entry, state) ??
    ownRefusal(item, entry, state)
  );
}

/** Whatever two workers believe: only the one that claimed the run last adds to it. */
function workerRefusal(
  worker: string | undefined,
  item: ItemDraft,
  entry: CatalogueEntry,
  state: RunState,
): Refusal | undefined {
  if (state.version >= 0 && state.origin !== 'own' && !entry.afterTerminal) {
    return {
      rule: 'other_recorder',
      what: `${item.item_type} cannot be added: this run is executed elsewhere`,
      cure: 'steer it where it is executed',
    };
  }
  if (worker === undefined || worker === state.worker || entry.effect === 'claim' || entry.afterTerminal)
    return undefined;
  return {
    rule: 'other_worker',
    what: `${item.item_type} comes from ${worker}, and ${state.worker ?? 'nobody'} executes this run`,
    cure: 'claim the run first, or leave it to the other',
  };
}

/** A cancel stays: nothing but the end follows it. Only what runs is paused, only what is paused is resumed. */
function steeringRefusal(item: ItemDraft, entry: CatalogueEntry, state: RunState): Refusal | undefined {
  const { effect, kind } = entry;
  const { phase } = state;
  const isNote = effect === 'none' && (kind === 'control' || kind === 'log');
  if (phase === 'cancelling' && !entry.afterTerminal && !isNote) {
    if (effect === 'cancel_run' || effect === 'claim') return undefined;
    return {
      rule: 'run_cancelling',
      what: `${item.item_type} cannot follow: the run is being cancelled`,
      cure: 'record run_cancelled',
    };
  }
  if (effect === 'pause' && phase !== 'running' && phase !== 'pending') return unsteerable(item, state);
  if (effect === 'resume' && phase !== 'paused') return unsteerable(item, state);
  if (effect === 'cancel_run' && phase !== 'cancelling') return unsteerable(item, state);
  return undefined;
}

const unsteerable = ({ item_type }: ItemDraft, { phase }: RunState): Refusal => ({
  rule: 'wrong_status',
  what: `${item_type} cannot follow: the run is ${phase ?? 'not there'}`,
  cure: 'read the run, and ask for what its status allows',
});

function ownRefusal(item: ItemDraft, entry: CatalogueEntry, state: RunState): Refusal | undefined {
  const { effect } = entry;
  if (state.version === -1 && effect !== 'start') {
    return { rule: 'start_first', what: `${item.item_type} is the first item`, cure: 'start the run first' };
  }
  if (effect === 'finish_text' || effect === 'iterate') {
    if (!state.inputAllowed) {
      return {
        rule: 'input_decided',
        what: `${item.item_type} stands without a stage-1 decision that lets the input pass`,
        cure: 'record the check of the input first',
      };
    }
  }
  if (entry.needs === 'loop_iteration' && !isIteration(item.loop_iteration)) {
    return {
      rule: 'loop_missing',
      what: `${item.item_type} does not say which output it belongs to`,
      cure: 'send its loop_iteration, 1 for the first output',
    };
  }
  const loop = loopOf(state, { loop_iteration: item.loop_iteration ?? undefined });
  if ((effect === 'deliver_output' || effect === 'fail_output') && loop !== 'allowed') {
    return {
      rule: loop === undefined ? 'output_without_decision' : 'output_against_decision',
      what: `output ${item.loop_iteration ?? '?'} has ${loop === undefined ? 'no' : 'a refusing'} safety decision`,
      cure: 'record a stage-3 decision, or a skip, for the same loop_iteration first',
    };
  }
  if (effect === 'block_output' && loop !== 'refused') {
    return {
      rule: 'block_needs_refusal',
      what: `output ${item.loop_iteration ?? '?'} is blocked without a decision that refuses it`,
      cure: 'record the refusing stage-3 decision first',
    };
  }
  if (effect === 'block_run' && state.inputRefusals.length === 0) {
    return {
      rule: 'block_needs_refusal',
      what: 'the input is blocked without a standing decision that refuses it',
      cure: 'record the refusing stage-1 decision first',
    };
  }
  return decisionRefusal(item, effect);
}

/** Never an allow without a safe verdict, unless it says on what grounds (safety-audit.md §1). */
function decisionRefusal(item: ItemDraft, effect: string): Refusal | undefined {
  if (effect !== 'decide_input' && effect !== 'decide_output') return undefined;
  const { verdict, action, basis } = decisionOutcome(item.metadata ?? undefined);
  const lets = action === 'allow' || action === 'skip';
  const groundless = lets && verdict !== 'safe' && !['fail_open', 'policy_skip', 'override'].includes(basis);
  const unrecorded = basis === 'unknown';
  return groundless || unrecorded
    ? {
        rule: 'allow_needs_grounds',
        what: `${item.item_type} lets pass on the verdict ${verdict} and the basis ${basis}`,
        cure: 'record the full decision, and an allow only for a safe verdict or with its exception named',
      }
    : undefined;
}

const isIteration = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 1;
