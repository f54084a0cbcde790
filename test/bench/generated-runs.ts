import type { StoredEvent } from '../../src/events/stored-event.ts';
import type { Core, Payload } from '../../src/events/core.ts';
import type { Readable } from '../../src/projector/arrival.ts';
import { openEnvironment } from '../../src/projector/environment.ts';
import { stepOf } from '../../src/projector/instance.ts';
import type { Projection } from '../../src/projector/projection.ts';
import { openProjector, type Projector } from '../../src/projector/projector.ts';
import { newBuild } from '../../src/projector/startup.ts';
import { streamOf } from '../../src/run/record.ts';
import { readOnlyStore } from './recorded-log.ts';

const configs = ['dada', 'bauhaus', 'stillepost', 'overdrive', 'passthrough'];
const levels = ['kids', 'kids', 'kids', 'youth', 'adult'];
const start = Date.parse('2025-01-01T00:00:00Z');
const batchEvents = 20_000;

/** Run `run` of the list bench: two events, every field that a list filters by. */
function eventsOf(run: number): readonly Omit<Readable, 'position'>[] {
  const time = new Date(start + run * 20_000).toISOString();
  const id = `exec_${time.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_')}_${(run * 2654435761) % 4294967296}`;
  const stream = streamOf(id);
  const place = { v: 1, tax: '1.1', id: '', stream, prev: '', time } as const;
  const actor = { kind: 'client', id: 'bench' } as const;
  const config_name = configs[Math.floor((run * 7) / 3) % configs.length] ?? '';
  const facts = {
    config_name,
    execution_mode: run % 3 === 0 ? 'fast' : 'eco',
    safety_level: levels[run % levels.length],
  };
  const payload: Payload = { user_id: `user-${run % 5003}`, session_id: `session-${run % 20_011}` };
  const end = run % 10 === 0 ? 'pipeline_error' : 'pipeline_complete';
  const arrival = (core: Core, given: Payload | null): Omit<Readable, 'position'> => ({
    id: `${stream} ${core.seq}`,
    type: core.type,
    stream,
    revision: core.seq - 1,
    sizeBytes: 900,
    hash: '',
    event: { type: core.type, core, payload: given, erased: false },
  });
  return [
    arrival({ ...place, seq: 1, type: 'pipeline_start', stage: 0, actor, facts }, payload),
    arrival({ ...place, seq: 2, type: end, stage: 5, actor }, null),
  ];
}

/**
 * A projector whose directory holds a projection of so many generated runs; there is no log behind it but its last event,
 * and it follows nothing.
 */
export async function projectRuns(
  directory: string,
  projection: Projection,
  runs: number,
): Promise<Projector> {
  const environment = openEnvironment(directory);
  const order = readOnlyStore([]);
  let instance = await newBuild(environment, projection, order.storeId);
  let events = 0;
  let last: Readable | undefined;
  for (let run = 0; run < runs; ) {
    const batch: Readable[] = [];
    for (; run < runs && batch.length < batchEvents; run++) {
      for (const event of eventsOf(run)) {
        batch.push({ ...event, position: String(++events).padStart(10, '0') });
      }
    }
    last = batch.at(-1);
    const { writes, after } = stepOf(instance, batch, order);
    if (after.stopped !== undefined) throw after.stopped.error;
    await environment.commit((rows) => {
      for (const write of writes) instance.tables.store(write);
      rows.put(projection.name, 'live', after.checkpoint);
    }, false);
    instance = after;
  }
  await environment.close();
  const store = { ...order, readAll: () => onlyEvent(last) };
  return openProjector({
    directory,
    store,
    projections: [projection],
    keyOf: () => undefined,
    now: Date.now,
  });
}

async function* onlyEvent(last: Readable | undefined): AsyncGenerator<StoredEvent> {
  if (last === undefined) return;
  const bytes = new Uint8Array();
  yield { ...last, core: bytes, hash: bytes, sealed: null };
}
