import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { EventStore } from '../../src/event-store/port.ts';
import { decodeEvent } from '../../src/events/envelope.ts';
import { loadProjections } from '../../src/projector/loader.ts';
import type { Projection } from '../../src/projector/projection.ts';
import { openProjector } from '../../src/projector/projector.ts';
import { interleaved, perSecond, printTable, times } from './measure.ts';
import { keyOf, recordLog } from './recorded-log.ts';

/** `rebuild [--events 1000000] [--repetitions 5]`: all projections from a log, against decoding it alone. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string', default: '1000000' },
      repetitions: { type: 'string', default: '5' },
    },
  });
  const events = Number(values.events);
  const { store, bytes } = recordLog(events);
  const projections = await loadProjections({ timeZone: 'Europe/Berlin' });
  const [decoding = 0, rebuilding = 0] = await interleaved(Number(values.repetitions), [
    () => secondsOf(() => decodeAll(store)),
    () => rebuildAll(store, projections),
  ]);
  const title = `Rebuild of ${projections.length} projections from ${events.toLocaleString('en')} events of ${Math.round(bytes / events)} bytes`;
  printTable(title, [
    [
      'decoding alone / rebuild',
      perSecond(events / decoding),
      perSecond(events / rebuilding),
      times(decoding / rebuilding),
      '0.4 ×',
    ],
  ]);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

async function decodeAll(store: EventStore): Promise<void> {
  for await (const stored of store.readAll()) decodeEvent(stored, keyOf());
}

async function rebuildAll(store: EventStore, projections: readonly Projection[]): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-rebuild-'));
  const projector = await openProjector({ directory, store, projections, keyOf, now: Date.now });
  const seconds = await secondsOf(async () => {
    projector.start();
    await projector.built();
  });
  const unbuilt = projector.status().filter(({ state }) => state !== 'running');
  if (unbuilt.length > 0) throw new Error(`not built: ${JSON.stringify(unbuilt)}`);
  await projector.close();
  await rm(directory, { recursive: true, force: true });
  return seconds;
}
