import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openEventStore } from '../../src/event-store/open.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { openKeyring } from '../../src/keyring/keyring.ts';
import { loadProjections } from '../../src/projector/loader.ts';
import { openProjector } from '../../src/projector/projector.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { assembleLedger, type Ledger } from '../../src/service/assemble.ts';
import { decodeEvent, type LedgerEvent } from '../../src/events/envelope.ts';
import { directoriesOf } from '../../src/service/directories.ts';
import { type HeldTime, heldTime } from './held-time.ts';

export type Node = {
  readonly ledger: Ledger;
  /** As kill -9 or a pulled cable does: nothing of it reaches the log any more, and its timers stand still. */
  readonly die: () => void;
  /** As a machine does that stands still: its timers do not come until it is thawed. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly close: () => Promise<void>;
};

export type NodeOptions = {
  readonly settings?: Readonly<Record<string, string>>;
  /** Called before each append of the node; what it waits for, the append waits for. */
  readonly before?: (stream: string, types: readonly string[]) => Promise<void> | void;
};

export type Nodes = {
  readonly store: EventStore;
  readonly time: HeldTime;
  readonly start: (options?: NodeOptions) => Promise<Node>;
  /** Lets so many seconds pass, each with what it set going. */
  readonly elapse: (seconds: number) => Promise<void>;
  /** Waits without any time passing. */
  readonly soon: (holds: () => Promise<boolean> | boolean) => Promise<void>;
  /** Lets time pass, second by second, until something holds; at most five minutes. */
  readonly until: (holds: () => Promise<boolean> | boolean) => Promise<void>;
  readonly eventsOf: (stream: string) => Promise<readonly LedgerEvent[]>;
  readonly recordOf: (executionId: string) => Promise<ExecutionRecord>;
  readonly directory: string;
};

const log = pino({ level: process.env['NODES_LOG'] ?? 'silent' });

/** Several services over one log in one process: each with read models of its own, keys, media and exports shared. */
export async function nodes(): Promise<Nodes> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-nodes-'));
  const store = await openEventStore({ store: 'lmdb', directory });
  const keys = await openKeyring(join(directory, 'keys'));
  const time = heldTime();
  const running = new Set<Node>();
  let underWay = 0;
  let count = 0;

  const start = async ({ settings = {}, before }: NodeOptions = {}): Promise<Node> => {
    count += 1;
    const machine = time.machine(count * 1_000);
    let isDead = false;
    const never = new Promise<never>(() => undefined);
    const shared: EventStore = {
      ...store,
      isShared: true,
      append: async (stream, events, expected, signal) => {
        await before?.(
          stream,
          events.map(({ type }) => type),
        );
        if (isDead) return never;
        underWay += 1;
        try {
          return await store.append(stream, events, expected, signal);
        } finally {
          underWay -= 1;
        }
      },
      close: async () => {},
    };
    const projector = await openProjector({
      directory: join(directory, `node-${count}`),
      store: shared,
      projections: await loadProjections({ timeZone: 'UTC' }),
      keyOf: keys.keyOf,
      now: Date.now,
    });
    const own = { RUNLEDGER_DATA: directory, RUNLEDGER_SHARED: directory, RUNLEDGER_LEASE_SECONDS: '15' };
    const config = readConfig({ ...own, ...settings });
    const close = () => projector.close();
    const directories = directoriesOf(config);
    const parts = { directories, node: `node-${count}`, store: shared, keys, projector, close };
    const ledger = await assembleLedger({ ...parts, config, log, executes: true, steady: machine });
    let isClosed = false;
    const node: Node = {
      ledger,
      die: () => {
        isDead = true;
        machine.freeze();
      },
      freeze: machine.freeze,
      thaw: machine.thaw,
      close: async () => {
        if (isClosed) return;
        isClosed = true;
        running.delete(node);
        // What has died waits for ever for its appends.
        await (isDead ? projector.close() : ledger.close(0));
      },
    };
    running.add(node);
    return node;
  };

  /** Nothing is on its way to the log, and every read model has what is in it. */
  const quiet = async (): Promise<void> => {
    for (let still = 0; still < 3; still += 1) {
      await turn();
      if (underWay > 0) still = 0;
      const head = await store.head();
      if (head === null) continue;
      for (const { ledger } of running) await ledger.projector.waitFor(head, 10_000);
      if ((await store.head()) !== head) still = 0;
    }
  };
  const elapse = async (seconds: number): Promise<void> => {
    await quiet();
    for (let passed = 0; passed < seconds; passed += 1) {
      await time.pass(1);
      await quiet();
    }
  };
  const eventsOf: Nodes['eventsOf'] = async (stream) => {
    const events: LedgerEvent[] = [];
    for await (const stored of store.readAll())
      if (stored.stream === stream) events.push(decodeEvent(stored, keys.keyOf(stream)));
    return events;
  };
  onTestFinished(async () => {
    for (const node of running) await node.close();
    await keys.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    store,
    time,
    start,
    elapse,
    soon: async (holds) => {
      while (!(await holds())) await quiet();
    },
    eventsOf,
    directory,
    until: async (holds) => {
      for (let seconds = 0; !(await holds()); seconds += 1) {
        if (seconds > 300) throw new Error('five minutes have passed');
        await elapse(1);
      }
    },
    recordOf: async (executionId) => {
      for (const { ledger } of running) {
        const record = await ledger.service.replay(executionId, {}, AbortSignal.any([]));
        if (record !== undefined) return record;
      }
      throw new Error(`${executionId} is not there`);
    },
  };
}
