import { isLedgerError, LedgerError } from '../errors.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import { chainStart } from '../events/digest.ts';
import { decodeEvent, type LedgerEvent } from '../events/envelope.ts';
import { decide } from '../run/decide.ts';
import { evolve, initialRunState, type RunState } from '../run/lifecycle.ts';
import { executionIdOf } from '../run/record.ts';
import type { LogSnapshot } from './log-snapshot.ts';
import { checkSignedRoots } from './signed-roots.ts';

/** Something that is not as it was recorded, or that breaks a rule which our own recorder keeps. */
export type Fault = {
  readonly stream: string;
  /** Sequence number of the event; null where the whole stream is meant. */
  readonly sequence: number | null;
  readonly kind: 'damaged' | 'unlinked' | 'rule';
  readonly what: string;
};

export type LogReport = {
  readonly streams: number;
  readonly events: number;
  readonly erased: number;
  /** Of kept history: rules that a foreign pipeline or an import broke. No fault of the log. */
  readonly findings: number;
  readonly faults: readonly Fault[];
};

/** After this many damaged events in a row the rest of a stream counts as lost. */
const maxDamagedRun = 1_000;

type Source = Pick<LogSnapshot, 'readAll' | 'readStream' | 'streamNames' | 'missing'>;

/**
 * Replays every stream: each event's bytes against its hash, what the store says beside it, its seal and commitment, its
 * link to the one before, and the rules of a run's life. A damaged event is named and passed over. Where all that is sound and
 * yet not what was signed, `differing` is asked which events it is.
 */
export async function checkLog(
  source: Source,
  keyOf: (stream: string) => Uint8Array | undefined,
  onProgress: (events: number) => void,
  differing: () => Promise<readonly Fault[]> = () => Promise.resolve([]),
): Promise<LogReport> {
  const faults: Fault[] = [];
  const sum = { streams: 0, events: 0, erased: 0, findings: 0 };
  let unread = 0;
  for (const stream of source.streamNames()) {
    sum.streams += 1;
    const check = createStreamCheck(stream, faults);
    for await (const stored of tolerantly(source, stream, (fault) => {
      faults.push(fault);
      unread += 1;
      check.skip();
    })) {
      sum.events += 1;
      const event = decoded(stored, keyOf(stream), faults);
      if (event?.erased) sum.erased += 1;
      check.take(stored, event);
      onProgress(sum.events);
    }
    sum.findings += check.findings();
  }
  faults.push(...source.missing(sum.events + unread));
  // Where single events are damaged already, the tree cannot be read either.
  if (faults.length > 0) return { ...sum, faults };
  const unsigned = await checkSignedRoots(source);
  if (unsigned.length > 0) faults.push(...unsigned, ...(await differing()));
  return { ...sum, faults };
}

/** All events of a stream that can be read; each that cannot is a fault, and reading goes on behind it. */
async function* tolerantly(
  source: Source,
  stream: string,
  onUnread: (fault: Fault) => void,
): AsyncGenerator<StoredEvent> {
  let from = 0;
  let oneByOne = false;
  let damagedRun = 0;
  while (damagedRun < maxDamagedRun) {
    let found = false;
    try {
      for await (const stored of source.readStream(stream, { from, ...(oneByOne ? { limit: 1 } : {}) })) {
        found = true;
        damagedRun = 0;
        from = stored.revision + 1;
        yield stored;
      }
      if (!found || !oneByOne) return;
    } catch (error) {
      if (
        !(error instanceof LedgerError) ||
        (error.code !== 'CORRUPT_EVENT' && error.code !== 'STREAM_NOT_FOUND')
      )
        throw error;
      // A piece is read at once: what precedes the damaged event is found by reading one at a time.
      if (oneByOne || error.code === 'STREAM_NOT_FOUND') {
        onUnread({ stream, sequence: from + 1, kind: 'damaged', what: whatIsWrong(error) });
        damagedRun += 1;
        from += 1;
      }
      if (error.code === 'STREAM_NOT_FOUND') return;
      oneByOne = true;
    }
  }
}

/** What is wrong without the advice that readers get, which is to run this very check. */
const whatIsWrong = (error: LedgerError): string =>
  isLedgerError(error, 'CORRUPT_EVENT') ? error.params.what : error.message;

function decoded(stored: StoredEvent, key: Uint8Array | undefined, faults: Fault[]): LedgerEvent | undefined {
  try {
    return decodeEvent(stored, key);
  } catch (error) {
    if (!isLedgerError(error, 'CORRUPT_EVENT')) throw error;
    faults.push({
      stream: stored.stream,
      sequence: stored.revision + 1,
      kind: 'damaged',
      what: error.params.what,
    });
    return undefined;
  }
}

function createStreamCheck(stream: string, faults: Fault[]) {
  let prev: string | undefined = chainStart(stream);
  let revision = -1;
  let state: RunState = initialRunState;
  // Behind an event that cannot be read, nothing can be said of the rules: the state that they speak of is not known.
  let checksRules = executionIdOf(stream) !== undefined;
  return {
    findings: () => state.findings.length,
    /** The next event cannot be read, and was told. */
    skip: (): void => {
      revision += 1;
      prev = undefined;
      checksRules = false;
    },
    take: (stored: StoredEvent, event: LedgerEvent | undefined): void => {
      const sequence = stored.revision + 1;
      if (stored.revision !== revision + 1) {
        const what = `items ${revision + 2} to ${sequence - 1} are missing`;
        faults.push({ stream, sequence, kind: 'unlinked', what });
        prev = undefined;
        checksRules = false;
      }
      revision = stored.revision;
      if (event !== undefined && prev !== undefined && event.core.prev !== prev) {
        faults.push({
          stream,
          sequence,
          kind: 'unlinked',
          what: 'it does not follow from the event before it',
        });
      }
      // The hash that stands beside a damaged core may be damaged too: nothing can be said of the next link.
      prev = event === undefined ? undefined : Buffer.from(stored.hash).toString('base64');
      if (event === undefined) checksRules = false;
      if (event === undefined || !checksRules) return;
      const next = evolve(state, event.core);
      const broken = ruleBroken(state, next, event);
      if (broken !== undefined) faults.push({ stream, sequence, kind: 'rule', what: broken });
      state = next;
    },
  };
}

/** What our decider would refuse today although it stands there: it cannot have been recorded by us like this. */
function ruleBroken(state: RunState, next: RunState, { core, payload }: LedgerEvent): string | undefined {
  if (next.origin === null || next.origin === 'import') return undefined;
  const { type, stage_iteration, loop_iteration, facts } = core;
  try {
    decide(
      {
        by: next.origin,
        item: {
          item_type: type,
          stage_iteration,
          loop_iteration,
          metadata: { ...facts, ...payload?.metadata },
        },
      },
      state,
    );
    return undefined;
  } catch (error) {
    if (isLedgerError(error, 'RULE_BROKEN')) return error.message;
    throw error;
  }
}
