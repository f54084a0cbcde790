import type { Core, Payload } from '../../src/events/core.ts';
import { placeItem } from '../../src/events/envelope.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { timeOf } from '../../src/events/time.ts';
import auditedRuns from '../../projections/audited-runs.ts';
import decisions from '../../projections/decisions.ts';
import type { Readable } from '../../src/projector/arrival.ts';
import { maxBatchEvents } from '../../src/projector/batches.ts';
import { openEnvironment } from '../../src/projector/environment.ts';
import { stepOf } from '../../src/projector/instance.ts';
import { openProjector, type Projector } from '../../src/projector/projector.ts';
import { newBuild } from '../../src/projector/startup.ts';
import type { MemoryStore } from '../memory-store.ts';
import { randomFrom } from '../recorded-runs.ts';
import { digestOf } from '../audit/planted-checks.ts';
import { plantedRun } from '../audit/planted-run.ts';
import { readOnlyStore } from './recorded-log.ts';

/** So many different runs; the others are like one of them, at another time and of another person. */
const patterns = 400;
/** As large as the projector makes them. */
const batchEvents = maxBatchEvents;
const start = Date.parse('2025-01-01T00:00:00Z');

type Pattern = readonly { readonly core: Core; readonly payload: Payload | null }[];

function patternOf(index: number): Pattern {
  const run = plantedRun(randomFrom(index), index % 4);
  return run.items.map(
    ({ actorKind: _kind, actorId: _id, after: _after, reviews: _of, answers: _to, ...draft }, at) => {
      const placed = placeItem(draft, {
        id: '00000000-0000-4000-8000-000000000000',
        stream: 'run-x',
        seq: at + 1,
        tax: '1.1',
        time: timeOf(start),
        actor: { kind: run.origin, id: 'bench' },
      });
      return { core: { ...placed.core, prev: '' }, payload: placed.payload };
    },
  );
}

export type Projected = {
  readonly projector: Projector;
  readonly store: MemoryStore;
  /** The position of the event at a share of the log. */
  readonly positionAt: (share: number) => string;
};

const positionOf = (event: number): string => String(event).padStart(10, '0');

/** Both read models of the audit over so many decisions at least, fed without a log behind them. */
export async function projectDecisions(directory: string, count: number): Promise<Projected> {
  const all = Array.from({ length: patterns }, (_, index) => patternOf(index));
  const environment = openEnvironment(directory);
  const order = readOnlyStore([]);
  const projections = [decisions(), auditedRuns()];
  let instances = await Promise.all(projections.map((one) => newBuild(environment, one, order.storeId)));
  let events = 0;
  let decided = 0;
  let last: Readable | undefined;
  for (let run = 0; decided < count; ) {
    const batch: Readable[] = [];
    for (; decided < count && batch.length < batchEvents; run++) {
      const stream = `run-exec_${run}`;
      const subject = digestOf(`user ${run % 5_003}`);
      for (const { core, payload } of all[run % patterns] ?? []) {
        if (/_check$|_skipped$/.test(core.type)) decided += 1;
        const id = `${stream} ${core.seq}`;
        const time = timeOf(start + run * 500_000 + core.seq * 900);
        const own = { ...core, id, stream, time, ...(core.seq === 1 ? { subject } : {}) };
        const event = { type: core.type, core: own, payload, erased: false };
        const position = positionOf(++events);
        const place = { stream, revision: core.seq - 1, position, sizeBytes: 900, hash: '' };
        batch.push({ id, type: core.type, ...place, event });
      }
    }
    last = batch.at(-1);
    const steps = instances.map((instance) => ({ instance, ...stepOf(instance, batch, order) }));
    await environment.commit((rows) => {
      for (const { instance, writes, after } of steps) {
        for (const write of writes) instance.tables.store(write);
        rows.put(instance.projection.name, 'live', after.checkpoint);
      }
    }, false);
    for (const { after } of steps) if (after.stopped !== undefined) throw after.stopped.error;
    instances = steps.map(({ after }) => after);
  }
  await environment.close();
  const store = {
    ...order,
    readAll: () => onlyEvent(last),
    compare: (a: string, b: string) => Number(a) - Number(b),
  };
  const options = { directory, store, projections, keyOf: () => undefined, now: Date.now };
  const projector = await openProjector(options);
  const asked = { ...store, add: () => '', tellAgain: () => '', events: [] };
  return { projector, store: asked, positionAt: (share) => positionOf(Math.floor(events * share)) };
}

async function* onlyEvent(last: Readable | undefined): AsyncGenerator<StoredEvent> {
  if (last === undefined) return;
  const bytes = new Uint8Array();
  yield { ...last, core: bytes, hash: bytes, sealed: null };
}
