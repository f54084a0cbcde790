import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ExportBench, type ExportBenchOptions, openExportBench } from './export-bench.ts';

/** Exports for one test, in a directory that goes with it; a second bench on it is another process. */
export async function exportBench(options: ExportBenchOptions = {}): Promise<ExportBench> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'runledger-export-')));
  const bench = await openExportBench({ ...options, directory });
  onTestFinished(async () => {
    await bench.close();
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  });
  return bench;
}
