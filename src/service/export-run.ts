import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import type { Replay } from '../exporters/contract.ts';
import { formatNames, formats } from '../exporters/registry.ts';
import type { ExportRun } from '../http/service.ts';
import { diskRefusal, isOfTheDisk } from '../disk/disk-refusal.ts';
import type { Renderer } from './renderer.ts';
import type { Telling } from './replay.ts';
import { writeReplay } from './replay-file.ts';
import { writeChunks, type WrittenFile } from './written-file.ts';

type Parts = {
  readonly openReplay: (
    executionId: string,
    telling: Telling,
    signal: AbortSignal,
  ) => Promise<Replay | undefined>;
  readonly renderer: Renderer;
  readonly mediaDirectory: string;
  /** For the drafts of this process alone; what an earlier one left in it is thrown away. */
  readonly directory: string;
};

export async function openRunExporter(parts: Parts): Promise<ExportRun> {
  const { directory } = parts;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return async ({ executionId, format, ...telling }, signal) => {
    const exporter = formats.get(format);
    if (exporter === undefined) throw new LedgerError('UNKNOWN_FORMAT', { format, supported: formatNames });
    const replay = await parts.openReplay(executionId, telling, signal);
    if (replay === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
    const path = join(directory, randomBytes(12).toString('hex'));
    const remove = (): Promise<void> => rm(path, { force: true });
    try {
      const written = exporter.isHeavy
        ? await renderApart(parts, { format, replay, path }, signal)
        : await writeChunks(path, exporter.export(replay, signal));
      const { mime: mediaType, extension } = exporter;
      return { ...written, path, mediaType, fileName: `${replay.header.execution_id}.${extension}`, remove };
    } catch (error) {
      await remove();
      throw isOfTheDisk(error) ? diskRefusal('The export', error) : error;
    }
  };
}

async function renderApart(
  { renderer, mediaDirectory }: Parts,
  { format, replay, path }: { readonly format: string; readonly replay: Replay; readonly path: string },
  signal: AbortSignal,
): Promise<WrittenFile> {
  const replayFile = `${path}.replay`;
  try {
    await writeReplay(replayFile, replay, signal);
    return await renderer.render({ format, replayFile, mediaDirectory, outFile: path }, signal);
  } finally {
    await rm(replayFile, { force: true });
  }
}
