import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { EventStore } from '../../src/event-store/port.ts';
import { decodeEvent } from '../../src/events/envelope.ts';
import { loadProjections } from '../../src/projector/loader.ts';
import type { Projection } from '../../src/projector/projection.ts';
import { openProjector } from '../../src/projector/projector.ts';
import { executionIdOf } from '../../src/run/record.ts';
import { interleaved, median, perSecond, printTable, type Row, times } from './measure.ts';
import { keyOf, recordLog } from './recorded-log.ts';

const execute = promisify(execFile);

/**
 * `rebuild [--events 1000000] [--repetitions 5]`: all projections from a log, against decoding it alone; then what a fresh
 * process needs for a page with three filters and one record out of them.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string', default: '1000000' },
      runs: { type: 'string' },
      repetitions: { type: 'string', default: '5' },
    },
  });
  const events = Number(values.events);
  const { store, bytes } = recordLog(events);
  const projections = await loadProjections({ timeZone: 'Europe/Berlin' });
  const [decoding = 0, rebuilding = 0] = await interleaved(Number(values.repetitions), [
    () => secondsOf(() => decodeAll(store)),
    () => inDirectory((directory) => rebuildAll(directory, store, projections)),
  ]);
  const fresh = await freshProcess(store, projections, Number(values.repetitions));
  const title = `Rebuild of ${projections.length} projections from ${events.toLocaleString('en')} events of ${Math.round(bytes / events)} bytes`;
  printTable(title, [
    [
      'decoding alone / rebuild',
      perSecond(events / decoding),
      perSecond(events / rebuilding),
      times(decoding / rebuilding),
      '0.4 ×',
    ],
    ...fresh,
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

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-rebuild-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function rebuildAll(
  directory: string,
  store: EventStore,
  projections: readonly Projection[],
): Promise<number> {
  const projector = await openProjector({ directory, store, projections, keyOf, now: Date.now });
  const seconds = await secondsOf(async () => {
    projector.start();
    await projector.built();
  });
  const unbuilt = projector.status().filter(({ state }) => state !== 'running');
  if (unbuilt.length > 0) throw new Error(`not built: ${JSON.stringify(unbuilt)}`);
  await projector.close();
  return seconds;
}

/** Whole processes from start to end, less what an empty one takes; and of that, the work after imports. No log is opened. */
async function freshProcess(
  store: EventStore,
  projections: readonly Projection[],
  repetitions: number,
): Promise<Row[]> {
  return inDirectory(async (directory) => {
    await rebuildAll(directory, store, projections);
    const position = (await store.head()) ?? '';
    const ends = store.readAll({ from: position, limit: 1 })[Symbol.asyncIterator]();
    const last = await ends.next();
    if (last.done === true) throw new Error('the log is empty');
    const executionId = executionIdOf(last.value.stream) ?? '';
    const script = fileURLToPath(new URL('./fresh-process.js', import.meta.url));
    const work: number[] = [];
    const [empty = 0, whole = 0] = await interleaved(repetitions * 3, [
      () => secondsOf(async () => void (await execute(process.execPath, ['--eval', '0']))),
      () =>
        secondsOf(async () => {
          const { stdout } = await execute(process.execPath, [
            script,
            directory,
            position,
            last.value.id,
            executionId,
          ]);
          work.push(Number(stdout));
        }),
    ]);
    const [before, beyond] = [empty * 1000, (whole - empty) * 1000].map((ms) => `${ms.toFixed(0)} ms`);
    return [
      [
        'fresh process: a page and a run (an empty process / beyond)',
        before ?? '',
        beyond ?? '',
        '',
        '< 100 ms',
      ],
      ['the same after imports: open, a page, a run', '', `${median(work).toFixed(0)} ms`, '', '< 100 ms'],
    ];
  });
}
