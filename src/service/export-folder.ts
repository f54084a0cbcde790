import { dirname, join } from 'node:path';
import type { Chunks, ExportFiles } from './export-files.ts';

/** A run as it was selected. Its version is the revision of its last event then. */
export type SelectedRun = {
  readonly executionId: string;
  readonly version: number;
  readonly status: string;
};

/** Why a run is not in the result. */
export type RefusedRun = { readonly error: string; readonly detail: string };

/** The files of one job below the folder of all jobs. Each is there whole, or not there. */
export type ExportFolder = {
  readonly path: string;
  readonly hasSelection: () => Promise<boolean>;
  readonly writeSelection: (runs: AsyncIterable<SelectedRun>, signal: AbortSignal) => Promise<void>;
  readonly selection: (signal: AbortSignal) => AsyncIterable<SelectedRun>;
  /** Where the file of a run stands, or is to stand. */
  readonly partOf: (executionId: string) => string;
  /** Takes a finished file in as the run's. */
  readonly takePart: (executionId: string, finished: string, signal: AbortSignal) => Promise<void>;
  /** Runs that have a file or were refused, and how many were refused. */
  readonly progress: () => Promise<{ readonly done: number; readonly errors: number }>;
  readonly refuse: (executionId: string, refused: RefusedRun, signal: AbortSignal) => Promise<void>;
  readonly refusalOf: (executionId: string, signal: AbortSignal) => Promise<RefusedRun | undefined>;
  /** Makes the folders, and forgets what was refused: it is tried again. */
  readonly prepare: () => Promise<void>;
  /** Writes a file of the job's own: under another name first, which it loses once all is on the disk. */
  readonly write: (name: OwnFile, chunks: Chunks, signal: AbortSignal) => Promise<void>;
  readonly ownFile: (name: OwnFile) => string;
  /** Leaves nothing but the result. */
  readonly keepResultOnly: () => Promise<void>;
  readonly remove: () => Promise<void>;
};

export type OwnFile =
  | 'selection.ndjson'
  | 'rows.ndjson'
  | 'index.ndjson'
  | 'manifest.json'
  | 'errors.json'
  | 'result.zip';

/** `extension` is that of the files of single runs; `draft` that of what is not whole yet, of each process its own. */
export function openExportFolder(
  files: ExportFiles,
  path: string,
  extension: string,
  draft = 'part',
): ExportFolder {
  const parts = join(path, 'parts');
  const refusals = join(path, 'refusals');
  const ownFile = (name: OwnFile): string => join(path, name);
  const partOf = (executionId: string): string => join(parts, `${executionId}.${extension}`);
  const refusalAt = (executionId: string): string => join(refusals, `${executionId}.json`);

  const write: ExportFolder['write'] = async (name, chunks, signal) => {
    await writeWhole(ownFile(name), join(path, `${name}.${draft}`), chunks, signal);
    await files.syncFolder(path);
  };

  const writeWhole = async (to: string, over: string, chunks: Chunks, signal: AbortSignal): Promise<void> => {
    await files.remove(over);
    try {
      await files.writeStream(over, chunks, signal);
      // Whoever was stopped meanwhile must not put its file in the place of another's.
      signal.throwIfAborted();
      await files.rename(over, to);
    } finally {
      // After the rename there is nothing left to remove.
      await files.remove(over);
    }
  };

  return {
    path,
    ownFile,
    write,
    partOf,
    hasSelection: async () => (await files.sizeOf(ownFile('selection.ndjson'))) !== undefined,
    writeSelection: async (runs, signal) => {
      await files.makeFolder(path);
      await files.syncFolder(dirname(path));
      await write('selection.ndjson', linesOf(runs), signal);
    },
    selection: (signal) => ndjson<SelectedRun>(files, ownFile('selection.ndjson'), signal),
    takePart: async (executionId, finished, signal) => {
      await files.sync(finished);
      try {
        await files.rename(finished, partOf(executionId));
      } catch (error) {
        // It was made on a disk of this machine's own.
        if (!isOfOtherDisk(error)) throw error;
        const over = join(path, `taken.${draft}`);
        await writeWhole(partOf(executionId), over, readFile(files, finished, signal), signal);
      }
    },
    progress: async () => {
      const errors = await files.countIn(refusals);
      return { done: (await files.countIn(parts)) + errors, errors };
    },
    refuse: (executionId, refused, signal) =>
      files.writeStream(refusalAt(executionId), [JSON.stringify(refused)], signal),
    refusalOf: async (executionId, signal) => {
      if ((await files.sizeOf(refusalAt(executionId))) === undefined) return undefined;
      for await (const refused of ndjson<RefusedRun>(files, refusalAt(executionId), signal)) return refused;
      return undefined;
    },
    prepare: async () => {
      await files.removeFolder(refusals);
      await files.makeFolder(refusals);
      await files.makeFolder(parts);
    },
    keepResultOnly: async () => {
      for (const name of await files.namesIn(path))
        if (name !== 'result.zip') await files.removeFolder(join(path, name));
    },
    remove: () => files.removeFolder(path),
  };
}

const isOfOtherDisk = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EXDEV';

/** Lines that are written at once: many small writes cost more than the disk. */
const lineBytes = 64 * 1024;

/** One JSON text a line, many lines a chunk. */
export async function* linesOf(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  let lines = '';
  for await (const value of values) {
    lines += `${JSON.stringify(value)}\n`;
    if (lines.length < lineBytes) continue;
    yield lines;
    lines = '';
  }
  if (lines !== '') yield lines;
}

/** The values of a file that we have written, one a line. Chunks are small enough not to hold up other work. */
export async function* ndjson<T>(files: ExportFiles, path: string, signal: AbortSignal): AsyncGenerator<T> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of readFile(files, path, signal)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as T;
  }
  if (rest !== '') yield JSON.parse(rest) as T;
}

/** The bytes of a file, closed however the reading ends. */
export async function* readFile(
  files: ExportFiles,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const handle = await files.open(path);
  if (handle === undefined) throw new Error(`${path} is not there`);
  yield* handle.createReadStream({ signal }) as AsyncIterable<Uint8Array>;
}
