import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { setImmediate } from 'node:timers/promises';
import { readConfig } from '../../src/config.ts';
import type { ItemDraft } from '../../src/events/item.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import type { ExportRequest, ExportRun, ExportState } from '../../src/http/service.ts';
import { heldMedium } from '../../src/media/held-medium.ts';
import { openMediaStore } from '../../src/media/media-store.ts';
import { readJobs, readStandingJobs } from '../../src/queries/exports.ts';
import { readRequest } from '../../src/queries/requests.ts';
import { createRunLists } from '../../src/queries/run-list.ts';
import type { Origin } from '../../src/run/lifecycle.ts';
import { createIds } from '../../src/run/randomness.ts';
import { createRecorder, type Recorder } from '../../src/run/recorder.ts';
import { exportFiles, type ExportFiles } from '../../src/service/export-files.ts';
import { createExportJobs, type ExportJobs } from '../../src/service/export-jobs.ts';
import { createExportStreams } from '../../src/service/export-stream.ts';
import { openRunExporter } from '../../src/service/export-run.ts';
import { openParts } from '../../src/service/parts.ts';
import { openRenderer } from '../../src/service/renderer.ts';
import { openReplay } from '../../src/service/replay.ts';
import { createRequestKeys } from '../../src/service/request-keys.ts';
import { settingsOf } from '../store-under-test.ts';

const log = pino({ level: 'silent' });

export type ExportBenchOptions = {
  /** Another process on the directory of an earlier bench. */
  readonly directory?: string;
  /** Called before each run is rendered; a rejection is the run's. */
  readonly before?: (executionId: string, signal: AbortSignal) => Promise<void>;
  readonly files?: (files: ExportFiles) => ExportFiles;
  readonly store?: (store: EventStore) => EventStore;
  readonly keepHours?: number;
};

export type ExportBench = {
  readonly directory: string;
  /** Where this process keeps what is not whole yet. */
  readonly drafts: string;
  readonly jobs: ExportJobs;
  readonly recorder: Recorder;
  /** Runs that were rendered, in order. */
  readonly rendered: readonly string[];
  /** Moves the clock of exports. */
  readonly passHours: (hours: number) => void;
  /** What a job has come to once nobody works at it and it does not wait, and a finished one is cleared up. */
  readonly settled: (id: string) => Promise<ExportState>;
  readonly caughtUp: () => Promise<void>;
  readonly folderOf: (id: string) => string;
  /** As a process does that is told to stop. */
  readonly close: () => Promise<void>;
};

/** Exports as the service composes them, on real files and a real log, with faults of the test's own. */
export async function openExportBench(
  options: ExportBenchOptions & { readonly directory: string },
): Promise<ExportBench> {
  const { directory } = options;
  const parts = await openParts(readConfig(settingsOf(directory)));
  const { directories, node, keys, projector } = parts;
  const store = options.store?.(parts.store) ?? parts.store;
  projector.start();
  const caughtUp = async (): Promise<void> => {
    const head = await store.head();
    if (head !== null) await projector.waitFor(head, 10_000);
  };
  await projector.built();
  await caughtUp();
  const media = await openMediaStore({ directory: directories.media, node });
  const newId = createIds();
  const { exports } = directories;
  const drafts = join(exports, 'drafts', node);
  const files = options.files?.(exportFiles) ?? exportFiles;
  const source = { store, keyOf: keys.keyOf, medium: heldMedium(media) };
  const renderer = openRenderer();
  const openedRun = await openRunExporter({
    openReplay: (executionId, telling, signal) => openReplay(source, executionId, telling, signal),
    renderer,
    mediaDirectory: directories.media,
    directory: drafts,
  });
  const rendered: string[] = [];
  const exportRun: ExportRun = async (request, signal) => {
    await options.before?.(request.executionId, signal);
    const exported = await openedRun(request, signal);
    rendered.push(request.executionId);
    return exported;
  };
  let passedMs = 0;
  let ids = 0;
  const random = Math.floor(Math.random() * 0xff_ff);
  const jobs = createExportJobs({
    directory: exports,
    files,
    streams: createExportStreams({ store, keys, clock: Date.now, newId }),
    select: createRunLists(projector).select,
    exportRun,
    keys: createRequestKeys(keys.naming, (key) => readRequest(projector, key)),
    listed: (page) => readJobs(projector, page),
    standing: () => readStandingJobs(projector),
    pause: () => setImmediate(),
    clock: () => Date.now() + passedMs,
    newExportId: () =>
      `export_20260101_000000_${(random * 0x1_00_00 + (ids += 1)).toString(16).padStart(8, '0')}`,
    keepHours: options.keepHours ?? 168,
    log,
  });
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await jobs.close();
    await renderer.close();
    await parts.close();
  };
  return {
    directory,
    drafts,
    jobs,
    recorder: createRecorder({ store, keys, clock: Date.now, newId }),
    rendered,
    passHours: (hours) => {
      passedMs += hours * 3_600_000;
    },
    settled: async (id) => {
      for (;;) {
        const state = await jobs.desk.read(id);
        const isCleared = async () => (await readdir(join(exports, id))).length === 1;
        const isOver = state.status !== 'queued' && state.status !== 'running';
        if (isOver && (state.status !== 'finished' || (await isCleared()))) return state;
        await setImmediate();
      }
    },
    caughtUp,
    folderOf: (id) => join(exports, id),
    close,
  };
}

export const everything: ExportRequest = {
  filter: {},
  givenFilter: {},
  format: 'json',
  view: undefined,
  logs: false,
  language: 'en',
};

const start: ItemDraft = {
  item_type: 'pipeline_start',
  stage: 0,
  media_type: 'metadata',
  metadata: { config_name: 'dada', execution_mode: 'eco', safety_level: 'kids' },
};
const item = (item_type: string, more: Partial<ItemDraft> = {}): ItemDraft => ({ item_type, ...more });
const input = item('user_input_text', { stage: 1, media_type: 'text', content: 'Eine Blume auf der Wiese' });

/** Items by whose end a run has each status there is. */
const stories: readonly (readonly [Origin, ...ItemDraft[]])[] = [
  ['foreign', start, input, item('pipeline_complete', { stage: 5 })],
  ['foreign', start, input, item('pipeline_error', { stage: 2, content: 'Der Draht riss.' })],
  ['foreign', start, input, item('stage1_blocked', { stage: 1, content: 'Nein.' })],
  ['own', start, item('cancel_requested'), item('run_cancelled')],
  ['foreign', start, input],
  ['own', start],
  ['own', start, item('run_paused')],
  ['own', start, item('cancel_requested')],
  ['import', start, input],
  ['own', start, item('run_claimed', { metadata: { worker: 'worker-1' } }), item('clarification_requested')],
];

/** Records runs of every status, in turn; answers their ids. */
export async function recordRuns(recorder: Recorder, count: number, prefix = 'run'): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const [by, ...items] = stories[index % stories.length] ?? (['own', start] as const);
    const executionId = `${prefix}-${String(index).padStart(4, '0')}`;
    await recorder.record({ executionId, by, run: 'new', items: items.map((draft) => ({ draft })) });
    ids.push(executionId);
  }
  return ids;
}
