import { isLedgerError, LedgerError } from '../errors.ts';
import type { EventStore, Position } from '../event-store/port.ts';
import { type Actor, taxonomyVersion } from '../events/core.ts';
import { keyedDigestOf, keyedId } from '../events/ids.ts';
import type { ItemDraft } from '../events/item.ts';
import { findUnrecordable } from '../events/recordable.ts';
import { decide, type RecordCommand } from './decide.ts';
import { evolve, initialRunState, type Origin, type RunState } from './lifecycle.ts';
import { streamOf } from './record.ts';
import { createStreamWriter, type NewItem, type StreamKeys } from './stream-writer.ts';

export type RunItem = {
  readonly draft: ItemDraft;
  /** Makes a retry harmless: the same name in the same run is the same item. */
  readonly clientId?: string | undefined;
  /** A ready id instead of a client's name, made of the item's content (imports): the same id is the same item. */
  readonly id?: string | undefined;
  /** RFC 3339, UTC, where the time came from outside. */
  readonly time?: string | undefined;
};

export type RecordRequest = {
  readonly executionId: string;
  readonly by: Origin;
  /** The worker that executes the run; it is refused once another has claimed it. */
  readonly worker?: string | undefined;
  /** Who stands in the core, where it is not who records: a client that steers a run of ours. */
  readonly actor?: Actor | undefined;
  readonly items: readonly RunItem[];
  /** `new`: no such run may exist yet; `existing`: it must. */
  readonly run: 'new' | 'existing';
  /** Refuse unless the run stands at this revision (`If-Match`). */
  readonly expectedVersion?: number | undefined;
  /** Taxonomy that the items were written under; ours by default. */
  readonly tax?: string | undefined;
  readonly userId?: string | undefined;
  /** HMAC of the Idempotency-Key that started the run. */
  readonly requestKey?: string | undefined;
  readonly trace?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type Recorded = {
  readonly state: RunState;
  readonly sequenceNumbers: readonly number[];
  /** Of the last event; null when nothing was new. */
  readonly position: Position | null;
  readonly stored: boolean;
};

export type Recorder = { readonly record: (request: RecordRequest) => Promise<Recorded> };

export type RecorderParts = {
  readonly store: EventStore;
  readonly keys: StreamKeys & { readonly naming: Uint8Array };
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** A fresh UUIDv7. */
  readonly newId: () => string;
};

/** Who stands in the core as the one that recorded it. */
export const recordActors: Readonly<Record<Origin, Actor>> = {
  own: { kind: 'service', id: 'orchestrator' },
  foreign: { kind: 'client', id: 'http' },
  import: { kind: 'importer', id: 'record' },
};

/**
 * Records items of runs: checks them, asks the decider, and resolves once they are durable; all of a request or nothing.
 * Throws UNRECORDABLE, RULE_BROKEN, RUN_EXISTS, EXECUTION_NOT_FOUND, VERSION_MISMATCH, OTHER_CONTENT, TOO_LARGE and the
 * store's errors.
 */
export function createRecorder(parts: RecorderParts): Recorder {
  const { naming } = parts.keys;
  const writer = createStreamWriter({ ...parts, fold: evolve, initial: initialRunState });
  return {
    record: async (request) => {
      const { executionId, by, worker } = request;
      const stream = streamOf(executionId);
      const pointed = findUnrecordable(request.items.map(({ draft }) => draft));
      if (pointed) throw new LedgerError('UNRECORDABLE', pointed, { errors: [pointed] });
      return writer.write({
        stream,
        items: request.items.map((item) => named(naming, stream, item)),
        actor: request.actor ?? recordActors[by],
        tax: request.tax ?? taxonomyVersion,
        subject: request.userId === undefined ? undefined : keyedDigestOf(naming, 'subject', request.userId),
        requestKey: request.requestKey,
        trace: request.trace,
        signal: request.signal,
        guard: (state, alreadyThere) => guardRun(request, state, alreadyThere),
        decide: (state, item, index) => decideAt(index, { by, item, worker }, state),
      });
    },
  };
}

function named(naming: Uint8Array, stream: string, { draft, clientId, id, time }: RunItem): NewItem {
  return clientId === undefined
    ? { draft, id, idIsContent: id !== undefined, time }
    : { draft, id: keyedId(naming, stream, clientId), time };
}

/** The decider knows nothing of batches: which item it refused is told here, as a pointer into the list of items. */
function decideAt(index: number, command: RecordCommand, state: RunState): void {
  try {
    decide(command, state);
  } catch (error) {
    if (!isLedgerError(error, 'RULE_BROKEN')) throw error;
    const errors = [{ pointer: `/${index}`, detail: error.message }];
    throw new LedgerError('RULE_BROKEN', error.params, { errors, cause: error });
  }
}

function guardRun(request: RecordRequest, state: RunState, alreadyThere: boolean): void {
  if (alreadyThere) return;
  const { executionId, expectedVersion } = request;
  const exists = state.version >= 0;
  if (request.run === 'new' && exists) throw new LedgerError('RUN_EXISTS', { execution_id: executionId });
  if (request.run === 'existing' && !exists) {
    throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
  }
  if (expectedVersion !== undefined && expectedVersion !== state.version) {
    throw new LedgerError('VERSION_MISMATCH', {
      execution_id: executionId,
      expected: expectedVersion,
      actual: state.version,
    });
  }
}
