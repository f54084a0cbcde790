import type { ExportJob } from '../exporters/export-job.ts';
import type { RefusedRun, SelectedRun } from './export-folder.ts';

/** A run of the result, or why it is not in it. */
export type IndexedRun = SelectedRun &
  (
    | {
        /** Its name in the archive. */
        readonly file: string;
        readonly bytes: number;
        readonly sha256: string;
        readonly crc32: number;
      }
    | RefusedRun
  );

export type Sum = {
  readonly runs: number;
  readonly errors: number;
  readonly byStatus: Readonly<Record<string, number>>;
};

/** `manifest.json`: what was asked for, and every run that matched, one a line. */
export async function* manifestOf(
  { id, job }: { readonly id: string; readonly job: ExportJob },
  runs: AsyncIterable<IndexedRun>,
  { runs: total, errors, byStatus }: Sum,
): AsyncGenerator<string> {
  const { createdAt, format, view, language, logs, filter } = job;
  const head = {
    export_id: id,
    created_at: createdAt,
    filter,
    format,
    view,
    language,
    logs,
    total,
    exported: total - errors,
    errors,
    by_status: byStatus,
  };
  yield `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "runs": `;
  yield* listOf(runs, manifestEntry);
  yield '\n}\n';
}

/** `errors.json`: the runs that could not be exported, and why. */
export async function* errorsOf(runs: AsyncIterable<IndexedRun>): AsyncGenerator<string> {
  yield* listOf(runs, (run) =>
    'file' in run ? undefined : { execution_id: run.executionId, error: run.error, detail: run.detail },
  );
  yield '\n';
}

function manifestEntry(run: IndexedRun): object {
  const { executionId, status, version } = run;
  const common = { execution_id: executionId, status, version };
  return 'file' in run
    ? { ...common, file: run.file, bytes: run.bytes, sha256: run.sha256 }
    : { ...common, error: run.error, detail: run.detail };
}

/** Entries that are given out at once. */
const chunkCharacters = 64 * 1024;

async function* listOf(
  runs: AsyncIterable<IndexedRun>,
  entryOf: (run: IndexedRun) => object | undefined,
): AsyncGenerator<string> {
  let text = '';
  let separator = '[\n    ';
  for await (const run of runs) {
    const entry = entryOf(run);
    if (entry === undefined) continue;
    text += `${separator}${JSON.stringify(entry)}`;
    separator = ',\n    ';
    if (text.length < chunkCharacters) continue;
    yield text;
    text = '';
  }
  yield separator.startsWith('[') ? '[]' : `${text}\n  ]`;
}
