import { LedgerError } from '../../errors.ts';
import type { Appended, ExpectedRevision } from '../port.ts';
import type { ReadyEvent } from '../../events/stored-event.ts';
import { brokenLog, explainFailure } from './commit-failure.ts';
import { decide } from './decision.ts';
import type { Environment } from './environment.ts';
import { addToGroup, createGroup, type Group, type Waiter, writeGroup } from './group.ts';
import type { Headroom } from './headroom.ts';
import { createHeads } from './heads.ts';
import type { Positions } from './position.ts';
import { createSlabs } from './slab.ts';

export type CommitterLimits = {
  /** Appends that may wait for the disk; beyond, UNAVAILABLE. */
  readonly maxWaitingAppends: number;
  /** Bytes of events that may wait for the disk; beyond, UNAVAILABLE. */
  readonly maxWaitingBytes: number;
  /** Stream heads kept in memory. */
  readonly maxCachedHeads: number;
};

/** Decides appends in memory, in their order, and brings all that wait to the disk in one transaction. */
export type Committer = {
  /** `sizeBytes` as the limit counts it; everything else about the append was checked before. */
  readonly append: (
    stream: string,
    events: readonly ReadyEvent[],
    expected: ExpectedRevision,
    sizeBytes: number,
  ) => Promise<Appended>;
  /** The last event that is on the disk; 0 in an empty log. */
  readonly durable: () => number;
  /** Resolves when nothing waits any more. */
  readonly drain: () => Promise<void>;
};

type Options = CommitterLimits & {
  readonly environment: Environment;
  readonly headroom: Headroom;
  readonly positions: Positions;
  readonly lastOrdinal: number;
  /** Called after each commit that stored something. */
  readonly onCommit: () => void;
};

const earlyStartEvents = 128;

export function createCommitter(options: Options): Committer {
  const { environment, positions, headroom, onCommit } = options;
  const heads = createHeads(environment, options.maxCachedHeads);
  const slabs = createSlabs();
  let durable = options.lastOrdinal;
  let nextOrdinal = durable + 1;
  let gathering: Group | null = null;
  let waitingAppends = 0;
  let waitingBytes = 0;
  let committing = false;
  let broken: LedgerError | null = null;
  let idle: (() => void)[] = [];

  const append: Committer['append'] = (stream, events, expected, sizeBytes) => {
    if (broken !== null) return Promise.reject(broken);
    if (
      waitingAppends >= options.maxWaitingAppends ||
      (waitingAppends > 0 && waitingBytes + sizeBytes > options.maxWaitingBytes)
    ) {
      const what = `${waitingAppends} appends with ${waitingBytes} bytes wait for the disk`;
      return Promise.reject(
        new LedgerError('UNAVAILABLE', { what, cure: 'send the append again in a moment' }),
      );
    }
    const known = heads.get(stream);
    const decision = decide(environment, positions, stream, known, events, expected);
    if (decision !== 'store') {
      // An answer that rests on events which are not durable yet waits with them, and fails with them.
      if (known === null || known.unsettled.length === 0) return settled(decision);
      return enqueue(0, decision, null);
    }
    const head = known ?? heads.begin(stream);
    const run = {
      streamNumber: head.streamNumber,
      revision: head.revision + 1,
      ordinal: nextOrdinal,
      count: events.length,
    };
    const group = currentGroup();
    addToGroup(group, slabs, run, events);
    if (known === null) group.newStreams.push({ name: stream, number: head.streamNumber });
    head.unsettled.push({ ids: events.map((event) => event.id), run });
    head.revision += events.length;
    nextOrdinal += events.length;
    const answer = { revision: head.revision, position: positions.format(nextOrdinal - 1) };
    return enqueue(sizeBytes, answer, head);
  };

  const currentGroup = (): Group => {
    if (gathering === null) {
      gathering = createGroup(nextOrdinal);
      // All appends of this turn of the event loop go together; those that come during a commit wait for its end.
      if (!committing) setImmediate(start);
    }
    return gathering;
  };

  const enqueue = (sizeBytes: number, answer: Waiter['answer'], head: Waiter['head']): Promise<Appended> => {
    const group = currentGroup();
    group.sizeBytes += sizeBytes;
    waitingBytes += sizeBytes;
    waitingAppends += 1;
    const promise = new Promise<Appended>((resolve, reject) => {
      group.waiters.push({ answer, resolve, reject, head });
    });
    // The disk works while the rest of a crowd is still being encoded.
    if (group.records.length >= earlyStartEvents) start();
    return promise;
  };

  const start = () => {
    if (committing || gathering === null) return;
    const group = gathering;
    gathering = null;
    committing = true;
    void commit(group);
  };

  /** Never rejects: every outcome is some waiter's answer. */
  const commit = async (group: Group): Promise<void> => {
    try {
      if (group.records.length > 0) {
        await headroom.prepare(group.sizeBytes);
        const stored = await writeGroup(environment, group);
        if (!stored) throw new Error('Another process appended to this log in spite of the lock');
        durable += group.records.length;
        environment.root.resetReadTxn();
      }
      settle(group);
      if (group.records.length > 0) onCommit();
    } catch (failure) {
      const { error, goOn } = await explainFailure(environment, failure, group.sizeBytes);
      if (!goOn) broken = brokenLog(failure);
      fail(group, error);
    }
    committing = false;
    if (gathering !== null) setImmediate(start);
    else {
      const drained = idle;
      idle = [];
      for (const resolve of drained) resolve();
    }
  };

  const settle = (group: Group) => {
    release(group);
    for (const { answer, resolve, reject, head } of group.waiters) {
      head?.unsettled.shift();
      if (answer instanceof LedgerError) reject(answer);
      else resolve(answer);
    }
  };

  /** What gathered meanwhile was decided on top of events that do not exist: it fails alike. */
  const fail = (group: Group, error: LedgerError) => {
    const groups = gathering === null ? [group] : [group, gathering];
    gathering = null;
    heads.forget();
    nextOrdinal = durable + 1;
    for (const failed of groups) {
      release(failed);
      for (const { reject } of failed.waiters) reject(error);
    }
  };

  const release = (group: Group) => {
    waitingAppends -= group.waiters.length;
    waitingBytes -= group.sizeBytes;
    slabs.giveBack(group.slabs);
  };

  return {
    append,
    durable: () => durable,
    drain: () =>
      committing || gathering !== null
        ? new Promise((resolve) => {
            idle.push(resolve);
          })
        : Promise.resolve(),
  };
}

function settled(answer: Appended | LedgerError): Promise<Appended> {
  return answer instanceof LedgerError ? Promise.reject(answer) : Promise.resolve(answer);
}
